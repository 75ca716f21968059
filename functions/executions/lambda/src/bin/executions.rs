//! The Lambda functions that read the decision log.

use std::process::ExitCode;

use writ_platform::{NoEngine, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_executions::executions::routes(), |store, _| {
        Ok(Platform::new(store, NoEngine))
    })
}
