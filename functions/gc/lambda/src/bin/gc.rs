//! The Lambda function that a schedule calls.

use std::process::ExitCode;

use serde_json::json;
use writ_lambda::Diagnostic;
use writ_platform::{NoEngine, Platform};

fn main() -> ExitCode {
    writ_lambda::run(|function| {
        let platform = Platform::new(function.store(), NoEngine);
        Ok(async move |_: &str, _| match writ_gc::tick(&platform).await {
            Ok(report) => Ok(json!({
                "uploads": report.uploads.removed,
                "expired": report.expired.removed,
                "more": report.uploads.more || report.expired.more,
            })),
            // Lambda tries once more and then keeps the event in the dead letters for the operator.
            Err(error) => Err(Diagnostic {
                error_type: "UpkeepFailed".to_owned(),
                error_message: error.log.unwrap_or(error.message),
            }),
        })
    })
}
