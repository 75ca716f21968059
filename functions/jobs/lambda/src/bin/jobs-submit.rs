//! The Lambda functions that record jobs.

use std::process::ExitCode;

use writ_engine_async::AsyncValidator;
use writ_lambda::StartError;
use writ_platform::{Outbound, Platform};

fn main() -> ExitCode {
    writ_engine_async::init_without_languages();
    writ_lambda::serve(writ_fn_jobs::jobs_submit::routes(), |store, function| {
        let validator = AsyncValidator::start_warm(function.allow_weak_sandbox);
        let outbound =
            Outbound { queue: function.queue(), webhook_client: function.webhook_client()? };
        Ok(Platform::new(store, validator.map_err(StartError::ports)?).with_outbound(outbound))
    })
}
