//! The loop of a function: it receives events from Lambda's Runtime API and sends responses.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::function::{Function, StartError};
use crate::log;

/// Starts a function and handles its events, one after the other, until Lambda ends the process.
///
/// `start` makes the event handler; then a connection to DynamoDB is opened. A function that cannot
/// start logs the reason and exits with 1, which Lambda reports as `Runtime.ExitError`.
pub fn run<H, A, S>(start: S) -> ExitCode
where
    S: FnOnce(&Function) -> Result<H, StartError>,
    H: AsyncFn(&str, Context) -> Result<A, Diagnostic>,
    A: Serialize,
{
    log::init();
    match start_and_run(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function does not start");
            ExitCode::FAILURE
        }
    }
}

fn start_and_run<H, A, S>(start: S) -> Result<(), StartError>
where
    S: FnOnce(&Function) -> Result<H, StartError>,
    H: AsyncFn(&str, Context) -> Result<A, Diagnostic>,
    A: Serialize,
{
    let function = Function::read(|name| std::env::var(name).ok())?;
    // One event at a time, on at most one core for most memory sizes: a single thread, and those of
    // blocking calls.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let handler = Arc::new(start(&function)?);
        function.aws.warm().await;
        let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let handler = Arc::clone(&handler);
            async move { handler(event.payload.get(), event.context).await }
        });
        lambda_runtime::run(service).await.map_err(StartError::Ports)
    })
}
