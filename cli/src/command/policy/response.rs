//! Output of the response to a write of a policy.

use serde_json::Value;
use writ_model::Diagnostic;

use crate::global_args::GlobalArgs;

/// Renders the response to a write: the URI that the policy now has.
pub(super) fn render_uri(stored: &Value) -> String {
    let uri = stored.get("policy_rule_uri").and_then(Value::as_str).unwrap_or_default();
    format!("{uri}\n")
}

/// Prints the warnings of the response to a write.
pub(super) fn print_warnings(global: &GlobalArgs, warnings: &[Diagnostic]) {
    for warning in warnings {
        let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        global.terminal().warn(&format!("[{}] {warning}{help}", warning.code));
    }
}
