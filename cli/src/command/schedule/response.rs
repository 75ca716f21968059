//! Output of the response to a write of a schedule.

use serde_json::Value;

/// Renders the response to a write: the schedule's next fire.
pub(super) fn render_next_fire(stored: &Value) -> String {
    let text = |name| stored.get(name).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    match text("next_fire_at") {
        Some(next) => format!("{name} fires next at {next}\n"),
        None => format!("{name} does not fire\n"),
    }
}
