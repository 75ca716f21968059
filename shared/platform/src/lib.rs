//! Every port, over one store, one machine and the engines of a home.
//!
//! Both homes serve the same routes over the same [`Platform`]; what they give it differs: the
//! store's client, and whether there are engines. A program that runs no policy has none, and then
//! a route that would need one does not compile.

use std::sync::Arc;

use writ_model::run::{Budget, Call, Checked, Failure, Outcome, Source};
use writ_model::{Digest, Error, Execution, Language, PolicyUri, Timestamp, Workspace};
use writ_pipeline::{Execute, Order, Registry, ReplayOrder, Replayed, Shelf};
use writ_ports::{
    Admission, Admit, Begun, ClaimId, Clock, CollectUploads, Committed, ContextWrite, CreatePolicy,
    DeletePolicy, EngineUse, Evaluate, GetBody, GetExecution, GetPolicy, GetRevisions, GetToken,
    Idempotency, IdempotencyKey, Ids, KeepContext, KeptContext, ListTokens, Metered, NewRevision,
    Page, PolicyHead, PutToken, Query, QueryExecutions, QueryPolicies, RecordExecution,
    RemoveExpired, ReplacePolicy, Revision, RevisionPage, RevokeToken, StoredReply, Swept, Token,
    Unlimited,
};
use writ_store::Store;
use writ_system::System;

/// What [`Platform`] has in place of engines where nothing is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEngine;

/// The platform: a store, the engines, the machine's clock and chance.
#[derive(Debug)]
pub struct Platform<E> {
    store: Store,
    engines: E,
    shelf: Shelf,
}

impl<E> Platform<E> {
    /// Puts a platform together.
    #[must_use]
    pub fn new(store: Store, engines: E) -> Self {
        Self { store, engines, shelf: Shelf::default() }
    }

    /// Its engines.
    pub fn engines(&self) -> &E {
        &self.engines
    }
}

/// Ports that the store implements.
macro_rules! through_the_store {
    ($($port:ident { $($method:ident($($argument:ident: $type:ty),*) -> $reply:ty;)+ })+) => {
        $(impl<E: Send + Sync> $port for Platform<E> {
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
    KeepContext {
        get_context(workspace: &Workspace, policy_id: &str) -> KeptContext;
        commit_context(execution: &Execution, context: ContextWrite<'_>) -> Committed;
    }
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
    CollectUploads { collect_uploads(before: Timestamp) -> Swept; }
    RemoveExpired { remove_expired(before: Timestamp) -> Swept; }
}

impl<E: Send + Sync> Clock for Platform<E> {
    fn now(&self) -> Timestamp {
        System.now()
    }

    fn ticks_us(&self) -> u64 {
        System.ticks_us()
    }
}

impl<E: Send + Sync> Ids for Platform<E> {
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

impl<E: Send + Sync> Admit for Platform<E> {
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

impl Metered for NoEngine {
    fn engine_use(&self) -> EngineUse {
        EngineUse::default()
    }
}

impl<E: Metered> Metered for Platform<E> {
    fn engine_use(&self) -> EngineUse {
        self.engines.engine_use()
    }
}

impl<E: Evaluate> Evaluate for Platform<E> {
    async fn check(&self, source: Source) -> Result<Checked, Failure> {
        self.engines.check(source).await
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, Failure> {
        self.engines.evaluate(workspace, source, call, budget).await
    }

    fn version(&self, language: Language) -> &'static str {
        self.engines.version(language)
    }
}

impl<E: Evaluate> Execute for Platform<E> {
    async fn execute(&self, order: Order) -> Result<Execution, Error> {
        let executed = writ_pipeline::execute(&Registry(self), self, &self.shelf, order).await?;
        if let Some(error) = executed.unfollowed {
            let execution_id = &executed.execution.execution_id;
            tracing::warn!(%execution_id, %error, log = error.log, "no failure policy followed");
        }
        Ok(executed.execution)
    }

    async fn replay(&self, order: ReplayOrder) -> Result<Replayed, Error> {
        writ_pipeline::replay(self, &self.shelf, order).await
    }
}
