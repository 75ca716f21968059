//! `writ token create`: makes a token. Its secret is kept as a hash alone: nobody can show it again.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use writ_model::{Identity, Role, Workspace};

use super::direct::Direct;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

/// The token alone goes to standard output, as for `export WRIT_TOKEN=$(writ token create ...)`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Who will hold it, for the record of what they do
    #[arg(long)]
    subject: String,
    /// What they may do: `reader`, `operator`, `author` or `admin`
    #[arg(long)]
    role: Role,
    /// Where they may do it; your own workspace without it
    #[arg(long)]
    workspace: Option<Workspace>,
    /// When it ends, from now: `90d`, `12h`, `30m`, `60s`; never without it
    #[arg(long, value_name = "TIME", value_parser = duration)]
    expires_in: Option<Duration>,
    #[command(flatten)]
    direct: Direct,
}

impl Create {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let made = match self.direct.location() {
            Some(location) => {
                let seconds = self.expires_in.map(|time| time.as_secs());
                location.create(self.holder(), seconds)?.to_string()
            }
            None => global.client()?.send(&Call::post(&["token"], self.body().to_string()))?.data,
        };
        let terminal = global.terminal();
        if terminal.format() == Format::Table {
            let value: Value = serde_json::from_str(&made).unwrap_or_default();
            let member =
                |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            terminal.note(&format!(
                "token {} for {}; it is shown this once",
                member("token_id"),
                self.subject
            ));
            terminal.text(&member("token"))?;
        } else {
            terminal.show(&made, |_| String::new())?;
        }
        Ok(Exit::Success)
    }

    fn holder(&self) -> Identity {
        Identity {
            subject: self.subject.clone(),
            workspace: self.workspace.clone().unwrap_or_default(),
            role: self.role,
        }
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("subject".to_owned(), Value::from(self.subject.as_str()));
        body.insert("role".to_owned(), Value::from(self.role.name()));
        if let Some(workspace) = &self.workspace {
            body.insert("workspace".to_owned(), Value::from(workspace.as_str()));
        }
        if let Some(expires_in) = self.expires_in {
            body.insert("expires_in_seconds".to_owned(), Value::from(expires_in.as_secs()));
        }
        Value::Object(body)
    }
}

/// A whole number and its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time such as `90d`, `12h`, `30m` or `60s`");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("60s", Some(60)),
            ("30m", Some(1800)),
            ("90d", Some(7_776_000)),
            ("12h", Some(43_200)),
        ] {
            assert_eq!(duration(text).ok().map(|d| d.as_secs()), seconds);
        }
        for text in ["", "d", "-1d", "1", "1w", "99999999999999999999d", "1é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let create = Create {
            subject: "ci".to_owned(),
            role: Role::Operator,
            workspace: None,
            expires_in: Some(Duration::from_secs(90)),
            direct: Direct::default(),
        };
        assert_eq!(
            create.body().to_string(),
            r#"{"subject":"ci","role":"operator","expires_in_seconds":90}"#
        );
        let create =
            Create { workspace: Some("team-a".parse().unwrap()), expires_in: None, ..create };
        assert_eq!(
            create.body().to_string(),
            r#"{"subject":"ci","role":"operator","workspace":"team-a"}"#
        );
    }
}
