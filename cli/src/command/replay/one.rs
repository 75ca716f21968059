//! Replay of one execution.

use serde_json::Value;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// Replays the execution and prints the differences.
pub(super) fn replay(global: &GlobalArgs, id: &str) -> Result<Exit, CliError> {
    let response = global.client()?.send(&ApiRequest::post(&["executions", id, "replay"], "{}"))?;
    global.terminal().print(&response.data, |replayed| render(id, replayed))?;
    let value: Value = serde_json::from_str(&response.data).unwrap_or_default();
    Ok(if is_same(&value) { Exit::Success } else { Exit::Failed })
}

pub(super) fn is_same(replayed: &Value) -> bool {
    replayed.get("same").and_then(Value::as_bool) == Some(true)
}

fn render(id: &str, replayed: &Value) -> String {
    let again = replayed.get("execution_id").and_then(Value::as_str).unwrap_or_default();
    if is_same(replayed) {
        return format!("same: {again} repeats {id}\n");
    }
    let mut text = format!("differs: {again} does not repeat {id}\n");
    for difference in replayed.get("differences").and_then(Value::as_array).into_iter().flatten() {
        let line = difference.as_str().map_or_else(|| difference.to_string(), str::to_owned);
        text.push_str(&format!("  {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_listed() {
        let replayed =
            json!({"same": false, "execution_id": "b", "differences": ["output: was 1, is 2"]});
        assert_eq!(render("a", &replayed), "differs: b does not repeat a\n  output: was 1, is 2\n");
        let replayed = json!({"same": true, "execution_id": "b", "differences": []});
        assert_eq!(render("a", &replayed), "same: b repeats a\n");
    }
}
