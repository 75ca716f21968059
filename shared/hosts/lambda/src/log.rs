//! The function's log: JSON lines on standard output, which Lambda sends to CloudWatch.

use tracing_subscriber::EnvFilter;

/// The variable with the log filter, in the syntax of `tracing-subscriber`.
const VARIABLE: &str = "WRIT_LOG";
const DEFAULT: &str = "info";

/// Starts the log for the rest of the process. An invalid filter is logged and replaced by the
/// default.
pub(crate) fn init() {
    let text = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let (filter, error) = match EnvFilter::try_new(&text) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
    };
    // A second start in one process would be a defect of the program; the first log stays.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    if let Some(error) = error {
        tracing::warn!(%error, "`{text}` in `{VARIABLE}` is no log filter; `{DEFAULT}` is used");
    }
}
