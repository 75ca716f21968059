//! What is to be executed.

use writ_model::run::Budget;
use writ_model::{Cause, Error, PolicyUri, RawJson, Timestamp, Workspace};
use writ_ports::StoredContext;

/// The platform itself, as an executor.
pub const BUILTIN: &str = "builtin";

/// Refuses an executor that is not there.
///
/// # Errors
/// [`writ_model::ErrorKind::NotFound`].
pub fn known_executor(executor_id: &str) -> Result<(), Error> {
    if executor_id == BUILTIN {
        return Ok(());
    }
    Err(Error::not_found(format!(
        "there is no executor `{executor_id}`; `{BUILTIN}` is the platform itself"
    )))
}

/// One run, as it is asked for.
#[derive(Clone, Debug)]
pub struct ExecutionRequest {
    /// Whose run it is.
    pub workspace: Workspace,
    /// Who asks.
    pub identity: String,
    /// How they proved it: `local` or `token`.
    pub principal_kind: String,
    /// For whom they act, where they said so.
    pub on_behalf_of: Option<String>,
    /// The id that its record will have; a new one where it is not said.
    pub execution_id: Option<String>,
    /// Which policy.
    pub policy_rule_uri: PolicyUri,
    /// The management command, where it is one.
    pub mgmt_action: Option<String>,
    /// The policy's input, or the command's argument.
    pub input_data: RawJson,
    /// Overrides the stored parameters, member by member.
    pub parameters: Option<RawJson>,
    /// What it may use.
    pub budget: Budget,
    /// Which executor runs it.
    pub executor_id: String,
    /// Why it happens.
    pub cause: Cause,
    /// The execution that it repeats, checks or follows, or the job that it is an attempt of.
    pub parent: Option<String>,
    /// The caller's `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// W3C trace id of the request.
    pub trace_id: Option<String>,
    /// Time, chance and context as an earlier run saw them; fresh ones without it.
    pub replay_inputs: Option<ReplayInputs>,
    /// JSON Pointers into the record whose values must not be stored, beside the policy's own.
    pub mask: Vec<String>,
}

/// What a policy reads that is not in its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayInputs {
    /// The time that the policy sees.
    pub now: Timestamp,
    /// The seed of its random numbers.
    pub seed: u64,
    /// What it has kept; a run on it leaves what is really kept alone.
    pub context: StoredContext,
}

impl ExecutionRequest {
    /// Somebody's request for a run on the platform itself, with the stored parameters.
    #[must_use]
    pub fn new(
        workspace: Workspace,
        identity: String,
        principal_kind: String,
        policy_rule_uri: PolicyUri,
        input_data: RawJson,
    ) -> Self {
        Self {
            workspace,
            identity,
            principal_kind,
            on_behalf_of: None,
            execution_id: None,
            policy_rule_uri,
            mgmt_action: None,
            input_data,
            parameters: None,
            budget: Budget::default(),
            executor_id: BUILTIN.to_owned(),
            cause: Cause::Request,
            parent: None,
            idempotency_key: None,
            trace_id: None,
            replay_inputs: None,
            mask: Vec::new(),
        }
    }
}
