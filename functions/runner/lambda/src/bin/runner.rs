//! The Lambda function that runs jobs: its events are messages of the queue of job signals.

use std::process::ExitCode;
use std::sync::Arc;

use writ_engine_async::AsyncEngine;
use writ_lambda::{Context, StartError};
use writ_lambda_runner::{PipelineSignalHandler, batch};
use writ_platform::{Outbound, Platform};

fn main() -> ExitCode {
    writ_languages::init();
    writ_lambda::run(|function| {
        let workers = AsyncEngine::start_warm(function.allow_weak_sandbox);
        let (queue, webhook_client) = (function.required_queue()?, function.webhook_client()?);
        let platform = Platform::new(function.store(), workers.map_err(StartError::ports)?)
            .with_outbound(Outbound { queue: queue.clone(), webhook_client });
        let runner = writ_lambda_runner::runner(function.log_stream.clone());
        let handler = Arc::new(PipelineSignalHandler::new(platform, runner));
        Ok(async move |event: &str, context: Context| {
            let batch = batch(&handler, event, &context).await?;
            queue.change_visibility(&batch.again).await;
            Ok(batch.reply)
        })
    })
}
