//! `writ job callback-secret`: the secret that callbacks are signed with.

use clap::Args;
use serde_json::Value;

use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// Whoever receives callbacks checks their signatures with it.
#[derive(Debug, Args)]
pub(crate) struct CallbackSecret {
    /// Make a new one; the old one signs besides for another day
    #[arg(long)]
    rotate: bool,
}

impl CallbackSecret {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let path = ["jobs", "callbacks", "secret"];
        let call = if self.rotate { Call::post(&path, "{}") } else { Call::get(&path) };
        let answer = global.client()?.send(&call)?;
        global.terminal().show(&answer.data, lines)?;
        Ok(Exit::Success)
    }
}

/// A line each; a table would cut a long one.
fn lines(data: &Value) -> String {
    let secrets = data.get("secrets").and_then(Value::as_array).into_iter().flatten();
    let line = |secret: &Value| {
        let text = |name: &str| secret.get(name).and_then(Value::as_str);
        let ends = text("ends_at").map(|time| format!(", signs until {time}")).unwrap_or_default();
        let made = text("made_at").unwrap_or_default();
        format!("{}  made {made}{ends}\n", text("secret").unwrap_or_default())
    };
    secrets.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::fixture::{Fake, data};
    use serde_json::json;

    #[test]
    fn it_is_shown_or_made_anew() {
        let fake = Fake::start(|_| (200, data(&json!({"secrets": []}))));
        fake.run(&["callback-secret"]).unwrap();
        fake.run(&["callback-secret", "--rotate"]).unwrap();
        assert_eq!(fake.lines(), ["GET /jobs/callbacks/secret", "POST /jobs/callbacks/secret"]);
    }

    #[test]
    fn each_secret_is_a_line_and_whole() {
        let secret = format!("whsec_{}", "A".repeat(88));
        let made = "2026-01-31T09:30:00.000Z";
        let data = json!({"secrets": [
            {"secret": secret, "made_at": made, "ends_at": null},
            {"secret": "whsec_B", "made_at": made, "ends_at": "2026-02-01T09:30:00.000Z"},
        ]});
        assert_eq!(
            lines(&data),
            format!(
                "{secret}  made {made}\n\
                 whsec_B  made {made}, signs until 2026-02-01T09:30:00.000Z\n"
            )
        );
    }
}
