//! The Lambda function that does jobs: its events are messages of the queue of hints.

use std::process::ExitCode;
use std::sync::Arc;

use writ_lambda_runner::{Looker, batch};
use writ_lambda::{Context, StartError};
use writ_platform::{Outside, Platform};
use writ_engine_async::Workers;

fn main() -> ExitCode {
    writ_engine_async::init();
    writ_lambda::run(|function| {
        let workers = Workers::for_one_caller(function.allow_weak_sandbox);
        let (queue, caller) = (function.named_queue()?, function.caller()?);
        let platform = Platform::new(function.store(), workers.map_err(StartError::ports)?)
            .telling(Outside { queue: queue.clone(), caller });
        let runner = writ_lambda_runner::named(function.log_stream.clone());
        let looker = Arc::new(Looker::new(platform, runner));
        Ok(async move |event: &str, context: Context| {
            let batch = batch(&looker, event, &context).await?;
            queue.again_in(&batch.again).await;
            Ok(batch.reply)
        })
    })
}
