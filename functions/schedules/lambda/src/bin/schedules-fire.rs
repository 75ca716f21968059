//! The Lambda function that fires schedules: EventBridge calls it at a fire, with what was planned,
//! and each minute without, for all that is due.

use std::process::ExitCode;

use serde_json::json;
use writ_engine_async::AsyncValidator;
use writ_lambda::{Diagnostic, StartError};
use writ_platform::{Outbound, Platform};
use writ_scheduler::{ClockWatch, Event, TickReport, run_due_schedule, tick_with};

fn main() -> ExitCode {
    writ_engine_async::init_without_languages();
    writ_lambda::run(|function| {
        function.required_queue()?;
        let validator = AsyncValidator::start_warm(function.allow_weak_sandbox);
        let outbound = Outbound {
            queue: function.scheduling_outbound(),
            webhook_client: function.webhook_client()?,
        };
        let platform = Platform::new(function.store(), validator.map_err(StartError::ports)?)
            .with_outbound(outbound);
        let watch = ClockWatch::default();
        Ok(async move |event: &str, _| {
            let report = match Event::read(event) {
                Ok(Event::Fire { workspace, name, scheduled_for }) => {
                    run_due_schedule(&platform, &workspace, &name, scheduled_for).await
                }
                Ok(Event::All) => tick_with(&platform, &watch).await,
                Err(error) => Err(error),
            };
            match report {
                Ok(TickReport { fired, failed, more }) => {
                    if fired > 0 || failed > 0 || more {
                        tracing::info!(fired, failed, more, "schedules fired");
                    }
                    Ok(json!({"fired": fired, "troubled": failed, "more": more}))
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
