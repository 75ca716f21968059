//! The pipeline's ports without a platform: no limits and no store.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use writ_engine::Engine;
use writ_model::run::{
    Budget, Call, CheckReport, Coverage, Document, FailedRun, Failure, Outcome, Source,
};
use writ_model::{Error, Execution, Language, PolicyUri, Timestamp, Workspace};
use writ_os::Os;
use writ_ports::{
    Admission, Admit, Clock, CommitResult, ContextStore, ContextWrite, Evaluate, GetExecution,
    Handle, Ids, PolicySource, Projection, RecordExecution, StoredContext, Unlimited,
};

use crate::Policy;
use crate::record_sink::OptionalSink;

/// A source of policies that has a single one, for every URI.
pub(crate) struct SinglePolicySource<'p>(pub(crate) &'p Policy);

impl PolicySource for SinglePolicySource<'_> {
    fn name(&self) -> &'static str {
        "in-process"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        Ok(Handle {
            workspace: workspace.clone(),
            uri: uri.clone(),
            revision: 0,
            digest: self.0.digest().clone(),
            policy_id: String::new(),
        })
    }

    async fn projection(&self, _handle: &Handle) -> Result<Projection, Error> {
        Ok(Projection { body: self.0.body().clone() })
    }

    async fn release(&self, _handle: Handle) {}
}

/// The ports of one run.
pub(crate) struct InProcessPorts<'e> {
    engine: &'e Engine,
    sink: &'e OptionalSink,
    has_coverage: bool,
    coverage: Mutex<Option<Coverage>>,
}

impl<'e> InProcessPorts<'e> {
    pub(crate) fn new(engine: &'e Engine, sink: &'e OptionalSink, has_coverage: bool) -> Self {
        Self { engine, sink, has_coverage, coverage: Mutex::new(None) }
    }

    pub(crate) fn into_coverage(self) -> Option<Coverage> {
        self.coverage.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Evaluate for InProcessPorts<'_> {
    async fn check(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<CheckReport, Failure> {
        self.engine.check(workspace.as_str(), &source, &documents)
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, FailedRun> {
        let call = Call { coverage: self.has_coverage, ..call };
        let mut outcome = self.engine.run(workspace, &source, &call, &budget)?;
        *self.coverage.lock().unwrap_or_else(PoisonError::into_inner) = outcome.coverage.take();
        Ok(outcome)
    }

    fn version(&self, language: Language) -> &'static str {
        writ_engine::engine_version(language)
    }
}

impl Admit for InProcessPorts<'_> {
    async fn admit(
        &self,
        workspace: &Workspace,
        identity: &str,
        policy: &PolicyUri,
        execution_id: &str,
    ) -> Result<Admission, Error> {
        Unlimited.admit(workspace, identity, policy, execution_id).await
    }

    async fn release(&self, admission: Admission) -> Result<(), Error> {
        Unlimited.release(admission).await
    }
}

impl ContextStore for InProcessPorts<'_> {
    /// Without a store, each run starts with an empty context.
    async fn get_context(&self, _: &Workspace, _: &str) -> Result<StoredContext, Error> {
        Ok(StoredContext::default())
    }

    async fn commit_context(
        &self,
        execution: &Execution,
        _context: ContextWrite<'_>,
    ) -> Result<CommitResult, Error> {
        self.sink.record(execution)?;
        Ok(CommitResult::Done { is_final: true })
    }
}

impl RecordExecution for InProcessPorts<'_> {
    async fn record_execution(&self, execution: &Execution) -> Result<(), Error> {
        self.sink.record(execution)
    }
}

/// Records go to the sink alone, so none is found.
impl GetExecution for InProcessPorts<'_> {
    async fn get_execution(&self, _: &Workspace, _: &str) -> Result<Option<Execution>, Error> {
        Ok(None)
    }
}

impl Clock for InProcessPorts<'_> {
    fn now(&self) -> Timestamp {
        Os.now()
    }

    fn ticks_us(&self) -> u64 {
        Os.ticks_us()
    }
}

impl Ids for InProcessPorts<'_> {
    fn id(&self, now: Timestamp) -> String {
        Os.id(now)
    }

    fn seed(&self) -> u64 {
        Os.seed()
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Os.secret()
    }
}

/// Polls a future once: no port of this module makes it wait.
pub(crate) fn poll_ready<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::internal("a port of the library made the run wait")),
    }
}
