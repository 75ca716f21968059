//! Every port, in one process.

use std::sync::Arc;

use writ_engine::Engine;
use writ_model::run::{Budget, Call, Checked, Failure, Outcome, Source};
use writ_model::{Digest, Error, Execution, Language, PolicyUri, Timestamp, Workspace};
use writ_pipeline::{Execute, Order, Registry, ReplayOrder, Replayed, Shelf};
use writ_ports::{
    Admission, Admit, Begun, ClaimId, Clock, CreatePolicy, DeletePolicy, Evaluate, GetBody,
    GetExecution, GetPolicy, GetRevisions, GetToken, Idempotency, IdempotencyKey, Ids, ListTokens,
    NewRevision, Page, PolicyHead, PutToken, Query, QueryExecutions, QueryPolicies,
    RecordExecution, ReplacePolicy, Revision, RevisionPage, RevokeToken, StoredReply, Token,
    Unlimited,
};
use writ_store::Store;
use writ_system::System;

/// The platform: a store, the engines, the machine's clock and chance.
#[derive(Debug)]
pub struct Platform {
    store: Store,
    engine: Arc<Engine>,
    shelf: Shelf,
}

impl Platform {
    /// Puts a platform together.
    #[must_use]
    pub fn new(store: Store, engine: Arc<Engine>) -> Self {
        Self { store, engine, shelf: Shelf::default() }
    }
}

/// Ports that the store implements.
macro_rules! through_the_store {
    ($($port:ident { $($method:ident($($argument:ident: $type:ty),*) -> $reply:ty;)+ })+) => {
        $(impl $port for Platform {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$reply, Error> {
                self.store.$method($($argument),*).await
            })+
        })+
    };
}

through_the_store! {
    GetPolicy { get_policy(workspace: &Workspace, uri: &PolicyUri) -> Option<PolicyHead>; }
    GetBody { get_body(workspace: &Workspace, digest: &Digest) -> Option<Arc<str>>; }
    CreatePolicy { create_policy(workspace: &Workspace, new: NewRevision<'_>) -> (); }
    ReplacePolicy {
        replace_policy(workspace: &Workspace, old: &PolicyHead, new: NewRevision<'_>) -> ();
    }
    DeletePolicy { delete_policy(workspace: &Workspace, head: &PolicyHead) -> (); }
    QueryPolicies { query_policies(workspace: &Workspace, query: &Query) -> Page; }
    GetRevisions {
        list_revisions(
            workspace: &Workspace, policy_id: &str, limit: usize, next_token: Option<&str>
        ) -> RevisionPage;
        get_revision(workspace: &Workspace, policy_id: &str, revision: u64) -> Option<Revision>;
    }
    RecordExecution { record_execution(execution: &Execution) -> (); }
    GetExecution {
        get_execution(workspace: &Workspace, execution_id: &str) -> Option<Execution>;
    }
    QueryExecutions { query_executions(workspace: &Workspace, query: &Query) -> Page; }
    Idempotency {
        begin(key: &IdempotencyKey, now: Timestamp) -> Begun;
        finish(
            key: &IdempotencyKey, claim: &ClaimId, reply: &StoredReply, now: Timestamp
        ) -> ();
        abandon(key: &IdempotencyKey, claim: &ClaimId) -> ();
    }
    GetToken { get_token(token_id: &str) -> Option<Token>; }
    PutToken { put_token(token: &Token) -> (); }
    ListTokens { list_tokens(workspace: &Workspace) -> Vec<Token>; }
    RevokeToken { revoke_token(workspace: &Workspace, token_id: &str) -> bool; }
}

impl Clock for Platform {
    fn now(&self) -> Timestamp {
        System.now()
    }

    fn ticks_us(&self) -> u64 {
        System.ticks_us()
    }
}

impl Ids for Platform {
    fn id(&self, now: Timestamp) -> String {
        System.id(now)
    }

    fn seed(&self) -> u64 {
        System.seed()
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        System.secret()
    }
}

impl Admit for Platform {
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

/// The engine blocks its caller: it gets threads of its own.
impl Evaluate for Platform {
    async fn check(&self, source: Source) -> Result<Checked, Failure> {
        let engine = Arc::clone(&self.engine);
        blocking(move || engine.check(&source)).await
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, Failure> {
        let engine = Arc::clone(&self.engine);
        let workspace = workspace.to_owned();
        blocking(move || engine.run(&workspace, &source, &call, &budget)).await
    }

    fn version(&self, language: Language) -> &'static str {
        writ_engine::engine_version(language)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::WorkerLost { reason: error.to_string() }))
}

impl Execute for Platform {
    async fn execute(&self, order: Order) -> Result<Execution, Error> {
        let executed = writ_pipeline::execute(&Registry(self), self, &self.shelf, order).await?;
        Ok(executed.execution)
    }

    async fn replay(&self, order: ReplayOrder) -> Result<Replayed, Error> {
        writ_pipeline::replay(self, &self.shelf, order).await
    }
}
