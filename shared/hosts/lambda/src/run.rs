//! The loop: events from Lambda's Runtime API, answers back to it.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::function::{Function, StartError};
use crate::log;

/// Starts a function and answers its events, one after the other, until Lambda ends the process.
///
/// `start` makes what answers them; connections are opened meanwhile. A function that cannot start
/// logs why and exits with 1, which Lambda reports as `Runtime.ExitError`.
pub fn run<H, A, S>(start: S) -> ExitCode
where
    S: FnOnce(&Function) -> Result<H, StartError>,
    H: AsyncFn(&str, Context) -> Result<A, Diagnostic>,
    A: Serialize,
{
    log::start();
    match started(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function does not start");
            ExitCode::FAILURE
        }
    }
}

fn started<H, A, S>(start: S) -> Result<(), StartError>
where
    S: FnOnce(&Function) -> Result<H, StartError>,
    H: AsyncFn(&str, Context) -> Result<A, Diagnostic>,
    A: Serialize,
{
    let function = Function::read(|name| std::env::var(name).ok())?;
    // One event at a time, on at most one core for most memory sizes: one thread, and those that
    // blocking calls get.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let handler = Arc::new(start(&function)?);
        function.aws.warm().await;
        let answering = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let handler = Arc::clone(&handler);
            async move { handler(event.payload.get(), event.context).await }
        });
        lambda_runtime::run(answering).await.map_err(StartError::Ports)
    })
}
