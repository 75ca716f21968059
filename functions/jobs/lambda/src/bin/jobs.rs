//! The Lambda functions that record jobs and show them.

use std::process::ExitCode;

use writ_platform::{NoEngine, Outside, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_jobs::ledger::routes(), |store, function| {
        let outside = Outside { queue: function.queue(), caller: function.caller()? };
        Ok(Platform::new(store, NoEngine).telling(outside))
    })
}
