//! A request for one run.

use writ_model::run::Budget;
use writ_model::{
    Cause, DerivedId, Error, ExecutorId, PolicyUri, PrincipalKind, RawJson, Timestamp, Workspace,
};
use writ_ports::StoredContext;

/// Refuses an executor that does not exist.
///
/// # Errors
/// [`writ_model::ErrorKind::NotFound`].
pub fn known_executor(executor_id: &ExecutorId) -> Result<(), Error> {
    if *executor_id == ExecutorId::BUILTIN {
        return Ok(());
    }
    let message = format!(
        "there is no executor `{executor_id}`; `{}` is the platform itself",
        ExecutorId::BUILTIN
    );
    Err(Error::not_found(message))
}

/// One run, as it is requested.
#[derive(Clone, Debug)]
pub struct ExecutionRequest {
    /// The workspace that the run and its policy belong to.
    pub workspace: Workspace,
    /// The subject of the caller.
    pub identity: String,
    /// How the caller was authenticated.
    pub principal_kind: PrincipalKind,
    /// The subject that the caller acts for, as it claims; `None` where it claims none.
    pub on_behalf_of: Option<String>,
    /// The id that the record will have; `None` for a new one.
    pub execution_id: Option<String>,
    /// The id that the record will have by the idempotency key of the caller's request, before
    /// `execution_id`. The run is made once: where it is recorded already, the record is the result.
    pub derived_id: Option<DerivedId>,
    /// The URI of the policy to run.
    pub policy_rule_uri: PolicyUri,
    /// The management command; `None` for an evaluation.
    pub mgmt_action: Option<String>,
    /// The policy's input, or the command's argument.
    pub input_data: RawJson,
    /// Overrides the stored parameters, member by member.
    pub parameters: Option<RawJson>,
    /// The time and memory that the run may use.
    pub budget: Budget,
    /// The executor that runs it.
    pub executor_id: ExecutorId,
    /// The reason that the run happens for.
    pub cause: Cause,
    /// The execution that it repeats, checks or follows, or the job that it is an attempt of.
    pub parent: Option<String>,
    /// The `Idempotency-Key` of the caller's request.
    pub idempotency_key: Option<String>,
    /// W3C trace id of the request.
    pub trace_id: Option<String>,
    /// Time, seed and context of an earlier run; `None` for fresh ones.
    pub replay_inputs: Option<ReplayInputs>,
    /// JSON Pointers to values that the record must not hold, beside the policy's own.
    pub mask: Vec<String>,
}

/// What a policy reads that is not in its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayInputs {
    /// The time that the policy sees.
    pub now: Timestamp,
    /// The seed of its random numbers.
    pub seed: u64,
    /// The context that it reads; a run on it leaves the stored context alone.
    pub context: StoredContext,
}

impl ExecutionRequest {
    /// A caller's request for a run on the platform itself, with the stored parameters.
    #[must_use]
    pub fn new(
        workspace: Workspace,
        identity: String,
        principal_kind: PrincipalKind,
        policy_rule_uri: PolicyUri,
        input_data: RawJson,
    ) -> Self {
        Self {
            workspace,
            identity,
            principal_kind,
            on_behalf_of: None,
            execution_id: None,
            derived_id: None,
            policy_rule_uri,
            mgmt_action: None,
            input_data,
            parameters: None,
            budget: Budget::default(),
            executor_id: ExecutorId::BUILTIN,
            cause: Cause::Request,
            parent: None,
            idempotency_key: None,
            trace_id: None,
            replay_inputs: None,
            mask: Vec::new(),
        }
    }
}
