//! The runners of the embedded deployment: each processes one signal after the other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use writ_jobs::Runner;
use writ_model::ExecutorId;

use super::queue::{SignalQueue, WorkspaceShare};
use crate::Platform;

/// Time for running attempts to end in a shutdown. An attempt that does not end by then is
/// cancelled, and repeated once its lease expired.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads of the runners. They read, convert and store inputs of megabytes, and the threads that
/// all requests share would answer no request meanwhile.
pub(crate) struct RunnerThreads {
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl RunnerThreads {
    /// Starts threads for this number of runners.
    pub(crate) fn start(runners: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(runners)
            .thread_name("writ-runner")
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for RunnerThreads {
    fn drop(&mut self) {
        // Waiting for the threads would block the task that drops this.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The tasks that run jobs.
pub(crate) struct Runners {
    stop: tokio::sync::watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Runners {
    /// Starts this number of runners, on the threads of `runtime`.
    pub(crate) fn start(
        platform: &Arc<Platform>,
        queue: &SignalQueue,
        count: usize,
        runtime: &Handle,
    ) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let node = format!("writ-up-{}", std::process::id());
        let runner = Arc::new(Runner { executor_id: ExecutorId::BUILTIN, node_id: Some(node) });
        let share = WorkspaceShare::of(count);
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (platform, queue) = (Arc::clone(platform), queue.clone());
            let (runner, mut stopped) = (Arc::clone(&runner), stopped.clone());
            let run = async move {
                loop {
                    let queued = tokio::select! {
                        queued = queue.next(share) => queued,
                        _ = stopped.wait_for(|stopped| *stopped) => return,
                    };
                    let workspace = queued.signal.workspace.clone();
                    process(&platform, &queue, &runner, queued).await;
                    queue.finish(&workspace);
                }
            };
            tasks.spawn_on(run, runtime);
        }
        Self { stop, tasks }
    }

    /// Waits for running attempts for a while, then cancels them; nothing runs once this returns.
    pub(crate) async fn stop(mut self) {
        // INVARIANT: the tasks hold the receivers; sending fails only where no task runs.
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
            tracing::warn!(
                "running attempts were cancelled by the shutdown; they are repeated later"
            );
        }
        self.tasks.shutdown().await;
    }
}

/// Processes one signal on a task of its own: a panic fails this signal alone.
async fn process(
    platform: &Arc<Platform>,
    queue: &SignalQueue,
    runner: &Arc<Runner>,
    queued: super::queue::QueuedSignal,
) {
    let mut task = JoinSet::new();
    let (platform, runner) = (Arc::clone(platform), Arc::clone(runner));
    let signal = queued.signal.clone();
    // In a set, so that the task is cancelled with this one.
    task.spawn(async move { writ_job_runner::process_signal(&*platform, &runner, &signal).await });
    let job_id = &queued.signal.job_id;
    match task.join_next().await {
        Some(Ok(Ok(_))) | None => return,
        Some(Ok(Err(error))) => {
            tracing::warn!(%job_id, %error, log = error.log, "a job signal could not be processed");
        }
        Some(Err(error)) => tracing::error!(%job_id, %error, "a runner panicked"),
    }
    queue.requeue(queued);
}
