//! The Lambda function that fires schedules: EventBridge calls it at a fire, with what was planned,
//! and each minute without, for all that is due.

use std::process::ExitCode;

use serde_json::json;
use writ_lambda::Diagnostic;
use writ_platform::{NoEngine, Outside, Platform};
use writ_scheduler::{Event, Woken, tick, wake_for};

fn main() -> ExitCode {
    writ_lambda::run(|function| {
        function.named_queue()?;
        let outside = Outside { queue: function.planned(), caller: function.caller()? };
        let platform = Platform::new(function.store(), NoEngine).telling(outside);
        Ok(async move |event: &str, _| {
            let woken = match Event::read(event) {
                Ok(Event::Fire { workspace, name, scheduled_for }) => {
                    wake_for(&platform, &workspace, &name, scheduled_for).await
                }
                Ok(Event::All) => tick(&platform).await,
                Err(error) => Err(error),
            };
            match woken {
                Ok(Woken { fired, troubled, more }) => {
                    if fired > 0 || troubled > 0 || more {
                        tracing::info!(fired, troubled, more, "schedules fired");
                    }
                    Ok(json!({"fired": fired, "troubled": troubled, "more": more}))
                }
                // What is due stays due: the next minute's call does it.
                Err(error) => {
                    let log = error.log.unwrap_or(error.message);
                    tracing::error!(error = log, "a schedule that is due was not dealt with");
                    Err(Diagnostic { error_type: "FireFailed".to_owned(), error_message: log })
                }
            }
        })
    })
}
