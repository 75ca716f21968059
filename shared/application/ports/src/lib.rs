//! One small trait per capability. A route names in its signature the ones that it may use; an
//! adapter implements them.
//!
//! Every method that serves a caller takes the caller's workspace: nothing outside it is visible.
//! Upkeep serves no caller and works on all of them.

mod access;
mod admission;
mod ambient;
mod announce;
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
mod upkeep;

pub use access::{GetToken, ListTokens, PutToken, RevokeToken, Token};
pub use admission::{Admission, Admit, Unlimited};
pub use ambient::{Clock, Ids, Sleep};
pub use announce::{Announce, Backlog, CountHints, DELAY_MAX, Redrive, Redriven};
pub use callbacks::{
    CallBack, CallbackSecret, CallbackSecrets, Called, KeepCallbackSecrets, OutgoingCall,
};
pub use context::{Committed, ContextWrite, KeepContext, KeptContext};
pub use engine::{EngineUse, Evaluate, Metered};
pub use executions::{GetExecution, QueryExecutions, RecordExecution};
pub use idempotency::{Begun, ClaimId, Idempotency, IdempotencyKey, StoredReply};
pub use jobs::{
    ChangeJob, CountWaiting, DueJobs, DuePage, EndJob, GetJob, JobEnd, NextJobs, PutJob, QueryJobs,
};
pub use keys::{Jwk, SigningKeys};
pub use policies::{
    CreatePolicy, DeletePolicy, GetBody, GetPolicy, GetRevisions, NewRevision, PolicyHead,
    QueryPolicies, ReplacePolicy, Revision, RevisionPage,
};
pub use query::{Page, Query};
pub use schedules::{
    ChangeSchedule, DeleteSchedule, DueSchedules, DueSchedulesPage, GetSchedule, PlanFires,
    PutSchedule, QuerySchedules,
};
pub use source::{Handle, PolicySource, Projection, Surface};
pub use upkeep::{CollectUploads, RemoveExpired, Swept};
