//! The Lambda functions of identities and tokens.

use std::process::ExitCode;

use writ_platform::{NoEngine, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_access::access::routes(), |store, _| {
        Ok(Platform::new(store, NoEngine))
    })
}
