//! What is to be executed.

use writ_model::{Cause, PolicyUri, RawJson, Timestamp, Workspace};

/// One run, as it is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose run it is.
    pub workspace: Workspace,
    /// Who asks.
    pub identity: String,
    /// How they proved it: `local` or `token`.
    pub principal_kind: String,
    /// For whom they act, where they said so.
    pub on_behalf_of: Option<String>,
    /// Which policy.
    pub policy_rule_uri: PolicyUri,
    /// Its input.
    pub input_data: RawJson,
    /// Overrides the stored parameters, member by member.
    pub parameters: Option<RawJson>,
    /// Which executor runs it.
    pub executor_id: String,
    /// Why it happens.
    pub cause: Cause,
    /// The execution that it repeats.
    pub parent: Option<String>,
    /// The caller's `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// W3C trace id of the request.
    pub trace_id: Option<String>,
    /// Time and chance as an earlier run saw them; fresh ones without it.
    pub fixed: Option<Fixed>,
}

/// What a policy reads that is not in its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The time that the policy sees.
    pub now: Timestamp,
    /// The seed of its random numbers.
    pub seed: u64,
}
