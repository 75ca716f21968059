//! `writ job callback-secret`: shows or rotates the signing secret of callbacks.

use clap::Args;
use serde_json::Value;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// A receiver of callbacks verifies their signatures with the secret.
#[derive(Debug, Args)]
pub(crate) struct CallbackSecret {
    /// Create a new secret; callbacks are signed with the old one, too, for another day
    #[arg(long)]
    rotate: bool,
}

impl CallbackSecret {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let path = ["jobs", "callbacks", "secret"];
        let request =
            if self.rotate { ApiRequest::post(&path, "{}") } else { ApiRequest::get(&path) };
        let response = global.client()?.send(&request)?;
        global.terminal().print(&response.data, lines)?;
        Ok(Exit::Success)
    }
}

/// One line for each secret; a table would truncate it.
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
    use crate::command::job::fake_server::{FakeServer, data};
    use serde_json::json;

    #[test]
    fn it_is_shown_or_made_anew() {
        let fake = FakeServer::start(|_| (200, data(&json!({"secrets": []}))));
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
