//! `writ token create`: creates a token. Only a hash of its secret is stored, so the secret is printed
//! once and cannot be shown again.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use writ_model::{Identity, Role, Workspace};

use super::store_args::StoreArgs;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;

/// Only the token goes to standard output, as for `export WRIT_TOKEN=$(writ token create ...)`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The subject of the token; it is recorded with every action
    #[arg(long)]
    subject: String,
    /// The role of the token: `reader`, `operator`, `author` or `admin`
    #[arg(long)]
    role: Role,
    /// The workspace of the token [default: your own]
    #[arg(long)]
    workspace: Option<Workspace>,
    /// The lifetime of the token: `90d`, `12h`, `30m`, `60s` [default: unlimited]
    #[arg(long, value_name = "TIME", value_parser = parse_lifetime)]
    expires_in: Option<Duration>,
    #[command(flatten)]
    store: StoreArgs,
}

impl Create {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let created = match self.store.token_store() {
            Some(store) => {
                let seconds = self.expires_in.map(|time| time.as_secs());
                store.create(self.identity(), seconds)?.to_string()
            }
            None => {
                global.client()?.send(&ApiRequest::post(&["token"], self.body().to_string()))?.data
            }
        };
        let terminal = global.terminal();
        if terminal.format() == Format::Table {
            let value: Value = serde_json::from_str(&created).unwrap_or_default();
            let member =
                |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            terminal.note(&format!(
                "token {} for {}; it is not shown again",
                member("token_id"),
                self.subject
            ));
            terminal.print_text(&member("token"))?;
        } else {
            terminal.print(&created, |_| String::new())?;
        }
        Ok(Exit::Success)
    }

    fn identity(&self) -> Identity {
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

/// Parses a whole number and its unit.
fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration as `90d`, `12h`, `30m` or `60s`");
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
            assert_eq!(parse_lifetime(text).ok().map(|d| d.as_secs()), seconds);
        }
        for text in ["", "d", "-1d", "1", "1w", "99999999999999999999d", "1é"] {
            assert!(parse_lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let create = Create {
            subject: "ci".to_owned(),
            role: Role::Operator,
            workspace: None,
            expires_in: Some(Duration::from_secs(90)),
            store: StoreArgs::default(),
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
