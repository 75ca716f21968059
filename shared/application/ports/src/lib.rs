//! One small trait per capability. A route names in its signature the ones that it may use; an
//! adapter implements them.
//!
//! Every method that serves a caller takes the caller's workspace: nothing outside it is visible.
//! Garbage collection serves no caller and works on all of them.

mod access;
mod admission;
mod callbacks;
mod clock;
mod context;
mod engine;
mod executions;
mod gc;
mod idempotency;
mod job_notifier;
mod jobs;
mod keys;
mod policies;
mod port_set;
mod query;
mod schedules;
mod source;

pub use access::{GetToken, ListTokens, PutToken, RevokeToken, Token};
pub use admission::{Admission, Admit, Unlimited};
pub use callbacks::{
    CALLBACK_SECRET_PREFIX, CALLBACK_SECRETS_MAX, CallbackRequest, CallbackSecret,
    CallbackSecretStore, CallbackSecrets, DeliveryResult, SendCallback,
};
pub use clock::{Clock, Ids, SEED_BITS, Sleep};
pub use context::{CommitResult, ContextStore, ContextWrite, StoredContext};
pub use engine::{EngineMetrics, EngineUsage, Evaluate, ValidateDocuments};
pub use executions::{GetExecution, QueryExecutions, RecordExecution};
pub use gc::{CollectUploads, GcReport, RemoveExpired};
pub use idempotency::{Claim, ClaimId, Idempotency, IdempotencyKey, KeyState, StoredReply};
pub use job_notifier::{Backlog, CountSignals, DELAY_MAX, JobNotifier, Redrive, RedriveReport};
pub use jobs::{
    ChangeJob, CompleteJob, CountQueued, DueJobs, DuePage, GetJob, JobCompletion, PeekQueue,
    PutJob, QueryJobs,
};
pub use keys::{Issuer, Jwk, ROLE_CLAIM, SigningKeys, WORKSPACE_CLAIM};
pub use policies::{
    CreatePolicy, DeletePolicy, GetBody, GetPolicy, GetRevisions, NewRevision, PolicyHead,
    QueryPolicies, ReplacePolicy, Revision, RevisionPage,
};
pub use port_set::{PortKind, PortSet};
pub use query::{Page, Query};
pub use schedules::{
    CancelTimer, ChangeSchedule, DeleteSchedule, DueSchedules, DueSchedulesPage, GetSchedule,
    PutSchedule, QuerySchedules, ScheduleTimer,
};
pub use source::{Handle, PolicySource, Projection};
