//! The Lambda functions that register what compiles.

use std::process::ExitCode;

use writ_engine_async::Workers;
use writ_lambda::StartError;
use writ_platform::Platform;

fn main() -> ExitCode {
    writ_engine_async::init();
    writ_lambda::serve(writ_fn_policies::policies_compile::routes(), |store, function| {
        let workers = Workers::for_one_caller(function.allow_weak_sandbox);
        Ok(Platform::new(store, workers.map_err(StartError::ports)?))
    })
}
