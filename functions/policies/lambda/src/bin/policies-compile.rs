//! The Lambda functions that register what compiles.

use std::process::ExitCode;

use writ_engine_async::AsyncEngine;
use writ_lambda::StartError;
use writ_platform::Platform;

fn main() -> ExitCode {
    writ_languages::init();
    writ_lambda::serve(writ_fn_policies::policies_compile::routes(), |store, function| {
        let engine = AsyncEngine::start_warm(function.allow_weak_sandbox);
        Ok(Platform::new(store, engine.map_err(StartError::ports)?))
    })
}
