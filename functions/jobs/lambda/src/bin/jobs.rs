//! The Lambda functions that show jobs and change them.

use std::process::ExitCode;

use writ_platform::{NoEngine, Outbound, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_jobs::jobs::routes(), |store, function| {
        let outbound =
            Outbound { queue: function.queue(), webhook_client: function.webhook_client()? };
        Ok(Platform::new(store, NoEngine).with_outbound(outbound))
    })
}
