//! The Lambda function that forgets no job: a schedule calls it every minute.

use std::process::ExitCode;

use serde_json::json;
use writ_job_runner::SweepReport;
use writ_lambda::Diagnostic;
use writ_platform::{NoEngine, Outbound, Platform};

fn main() -> ExitCode {
    writ_lambda::run(|function| {
        let outbound = Outbound {
            queue: function.required_queue()?,
            webhook_client: function.webhook_client()?,
        };
        let platform = Platform::new(function.store(), NoEngine).with_outbound(outbound);
        Ok(async move |_: &str, _| match writ_job_runner::sweep(&platform).await {
            Ok(SweepReport { signals: announced, expired_leases: lost, more }) => {
                if announced > 0 || more {
                    tracing::info!(announced, lost, more, "jobs were announced again");
                }
                Ok(json!({"announced": announced, "lost": lost, "more": more}))
            }
            // The next minute's sweep begins anew; the function's alarm rings if all of them fail.
            Err(error) => {
                let log = error.log.unwrap_or(error.message);
                tracing::error!(error = log, "the sweep did not do all of its work");
                Err(Diagnostic { error_type: "SweepFailed".to_owned(), error_message: log })
            }
        })
    })
}
