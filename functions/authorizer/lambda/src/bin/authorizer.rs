//! The Lambda function that API Gateway asks before every other one.

use std::process::ExitCode;

use writ_lambda::StartError;
use writ_lambda_authorizer::LambdaAuthorizer;
use writ_oidc::Settings;
use writ_os::Os;
use writ_platform::{NoEngine, Platform};

fn main() -> ExitCode {
    writ_lambda::run(|function| {
        let platform = Platform::new(function.store(), NoEngine);
        let oidc = Settings::read(|name| std::env::var(name).ok()).map_err(StartError::ports)?;
        let issuer = oidc.map(|settings| settings.issuer(Os));
        let authorizer = LambdaAuthorizer::new(platform, issuer).map_err(StartError::ports)?;
        Ok(async move |event: &str, _| authorizer.answer(event).await)
    })
}
