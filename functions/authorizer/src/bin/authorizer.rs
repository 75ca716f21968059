//! The Lambda function that API Gateway asks before every other one.

use std::process::ExitCode;

use writ_fn_authorizer::Gatekeeper;
use writ_lambda::StartError;
use writ_platform::{NoEngine, Platform};

fn main() -> ExitCode {
    writ_lambda::run(|function| {
        let platform = Platform::new(function.store(), NoEngine);
        let gatekeeper = Gatekeeper::new(platform).map_err(StartError::ports)?;
        Ok(async move |event: &str, _| gatekeeper.answer(event).await)
    })
}
