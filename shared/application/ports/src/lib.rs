//! One small trait per capability. A route names in its signature the ones that it may use; an
//! adapter implements them.
//!
//! Every method that serves a caller takes the caller's workspace: nothing outside it is visible.
//! Upkeep serves no caller and works on all of them.

mod access;
mod admission;
mod clock;
mod job_notifier;
mod callbacks;
mod context;
mod engine;
mod executions;
mod idempotency;
mod jobs;
mod keys;
mod policies;
mod query;
mod schedules;
mod source;
mod gc;

pub use access::{GetToken, ListTokens, PutToken, RevokeToken, Token};
pub use admission::{Admission, Admit, Unlimited};
pub use clock::{Clock, Ids, Sleep};
pub use job_notifier::{JobNotifier, Backlog, CountSignals, DELAY_MAX, Redrive, RedriveReport};
pub use callbacks::{
    SendCallback, CallbackSecret, CallbackSecrets, DeliveryResult, CallbackSecretStore, CallbackRequest,
};
pub use context::{CommitResult, ContextWrite, ContextStore, StoredContext};
pub use engine::{EngineUsage, Evaluate, EngineMetrics};
pub use executions::{GetExecution, QueryExecutions, RecordExecution};
pub use idempotency::{KeyState, ClaimId, Idempotency, IdempotencyKey, StoredReply};
pub use jobs::{
    ChangeJob, CountQueued, DueJobs, DuePage, CompleteJob, GetJob, JobCompletion, PeekQueue, PutJob, QueryJobs,
};
pub use keys::{Jwk, SigningKeys};
pub use policies::{
    CreatePolicy, DeletePolicy, GetBody, GetPolicy, GetRevisions, NewRevision, PolicyHead,
    QueryPolicies, ReplacePolicy, Revision, RevisionPage,
};
pub use query::{Page, Query};
pub use schedules::{
    ChangeSchedule, DeleteSchedule, DueSchedules, DueSchedulesPage, GetSchedule, ScheduleTimer,
    PutSchedule, QuerySchedules,
};
pub use source::{Handle, PolicySource, Projection, Surface};
pub use gc::{CollectUploads, RemoveExpired, GcReport};
