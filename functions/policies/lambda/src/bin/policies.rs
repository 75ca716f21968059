//! The Lambda functions that read and remove what is registered.

use std::process::ExitCode;

use writ_platform::{NoEngine, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_policies::policies::routes(), |store, _| {
        Ok(Platform::new(store, NoEngine))
    })
}
