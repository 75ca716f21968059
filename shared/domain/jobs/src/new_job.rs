//! The body of a submission, and the validation of its members.

use serde::Deserialize;
use writ_model::member::{invalid_member, missing_member, number, object, text, time};
use writ_model::{
    Cause, Error, ExecutorId, PolicyUri, PrincipalKind, RawJson, Submission, Timestamp, UriError,
    Workspace,
};

use crate::bounds::{
    ATTEMPTS_MAX, NAME_CHARS_MAX, NOT_BEFORE_DAYS_MAX, NOT_BEFORE_HORIZON, PRIORITY, PRIORITY_MAX,
    TIMEOUT_S, TIMEOUT_S_MAX,
};

/// The body of a submission as it is sent. Its members are raw JSON, so that an error can name the
/// invalid one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewJobBody {
    /// The name of the job.
    pub name: Option<RawJson>,
    /// The URI of the policy to run.
    pub policy_rule_uri: Option<RawJson>,
    /// Parameters that override the stored ones: a JSON object.
    pub policy_rule_parameters: Option<RawJson>,
    /// Selects the node of an executor that has nodes: a JSON object.
    pub node_selector: Option<RawJson>,
    /// The input of the policy.
    #[serde(default = "RawJson::empty_object")]
    pub inputs: RawJson,
    /// The time limit of one attempt, in seconds.
    pub timeout_seconds: Option<RawJson>,
    /// The maximum number of attempts.
    pub max_attempts: Option<RawJson>,
    /// The earliest start time; `None` for at once.
    pub not_before: Option<RawJson>,
    /// The priority, 0 to 9; jobs of priority 9 run first.
    pub priority: Option<RawJson>,
    /// The URL that the callback is delivered to.
    pub callback_url: Option<RawJson>,
}

/// A validated job that is to be submitted.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The name of the job.
    pub name: String,
    /// The URI of the policy to run.
    pub policy_rule_uri: PolicyUri,
    /// Parameters that override the stored ones: a JSON object.
    pub policy_rule_parameters: Option<RawJson>,
    /// Selects the node of an executor that has nodes: a JSON object.
    pub node_selector: Option<RawJson>,
    /// The input of the policy.
    pub inputs: RawJson,
    /// The time limit of one attempt, in seconds.
    pub timeout_seconds: u32,
    /// The maximum number of attempts; `None` where the submitter gave none.
    pub max_attempts: Option<u32>,
    /// The earliest start time; `None` for at once.
    pub not_before: Option<Timestamp>,
    /// The priority, 0 to 9; jobs of priority 9 run first.
    pub priority: u8,
    /// The URL that the callback is delivered to, not validated yet.
    pub callback_url: Option<String>,
}

/// The submitter of a job, and the trigger of the submission.
#[derive(Clone, Debug)]
pub struct Submitter {
    /// The workspace that the job belongs to.
    pub workspace: Workspace,
    /// The subject of the submitter.
    pub identity: String,
    /// How the submitter was authenticated.
    pub principal_kind: PrincipalKind,
    /// The subject that the submitter acts on behalf of; `None` where it named none.
    pub on_behalf_of: Option<String>,
    /// The trigger of the job: a request or a schedule.
    pub cause: Cause,
    /// The name of the schedule; `None` for a request.
    pub schedule: Option<String>,
    /// The `Idempotency-Key` header of the request.
    pub idempotency_key: Option<String>,
    /// The W3C trace id of the request; `None` where it carried none.
    pub trace_id: Option<String>,
}

impl NewJob {
    /// Validates the members of the body.
    ///
    /// # Errors
    /// Returns an error with the location of the invalid member.
    pub fn of(body: NewJobBody, now: Timestamp) -> Result<Self, Error> {
        let timeout = number(body.timeout_seconds, "timeout_seconds", 1..=TIMEOUT_S_MAX)?;
        let priority = number(body.priority, "priority", 0..=u32::from(PRIORITY_MAX))?;
        Ok(Self {
            name: name(body.name)?,
            policy_rule_uri: uri(body.policy_rule_uri)?,
            policy_rule_parameters: object(body.policy_rule_parameters, "policy_rule_parameters")?,
            node_selector: object(body.node_selector, "node_selector")?,
            inputs: body.inputs,
            timeout_seconds: timeout.unwrap_or(TIMEOUT_S),
            max_attempts: number(body.max_attempts, "max_attempts", 1..=ATTEMPTS_MAX)?,
            not_before: body.not_before.map(|time| not_before(&time, now)).transpose()?,
            priority: priority.and_then(|priority| priority.try_into().ok()).unwrap_or(PRIORITY),
            callback_url: body
                .callback_url
                .map(|url| text(&url, "callback_url", "a URL").map(|(url, _)| url))
                .transpose()?,
        })
    }

    /// Creates the submission of the job.
    #[must_use]
    pub fn into_submission(
        self,
        submitter: Submitter,
        job_id: String,
        executor_id: ExecutorId,
        mask: Vec<String>,
        now: Timestamp,
    ) -> Submission {
        Submission {
            job_id,
            workspace: submitter.workspace,
            name: self.name,
            executor_id,
            policy_rule_uri: self.policy_rule_uri,
            policy_rule_parameters: self.policy_rule_parameters,
            node_selector: self.node_selector,
            inputs: self.inputs,
            timeout_seconds: self.timeout_seconds,
            max_attempts: self.max_attempts,
            not_before: self.not_before,
            priority: self.priority,
            callback_url: self.callback_url,
            identity: submitter.identity,
            principal_kind: submitter.principal_kind,
            on_behalf_of: submitter.on_behalf_of,
            cause: submitter.cause,
            schedule: submitter.schedule,
            mask,
            idempotency_key: submitter.idempotency_key,
            trace_id: submitter.trace_id,
            submitted_at: now,
        }
    }
}

fn name(value: Option<RawJson>) -> Result<String, Error> {
    let what =
        format!("a name of 1 to {NAME_CHARS_MAX} characters, none of them a control character");
    let (name, transition_error) =
        text(&value.ok_or_else(|| missing_member("name", &what))?, "name", &what)?;
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if fits && !name.contains(char::is_control) { Ok(name) } else { Err(transition_error) }
}

fn uri(value: Option<RawJson>) -> Result<PolicyUri, Error> {
    let (field, what) =
        ("policy_rule_uri", "the URI of a policy, `{name}:{version}-{release_tag}`");
    let (uri, _) = text(&value.ok_or_else(|| missing_member(field, what))?, field, what)?;
    uri.parse().map_err(|error: UriError| invalid_member(field, error.to_string()))
}

/// A time in the past is valid: the job is ready at once.
fn not_before(value: &RawJson, now: Timestamp) -> Result<Timestamp, Error> {
    let field = "not_before";
    let time = time(value, field)?;
    if time - now > NOT_BEFORE_HORIZON {
        let message = format!(
            "`{time}` is more than {NOT_BEFORE_DAYS_MAX} days ahead, which is as long as a job waits"
        );
        return Err(invalid_member(field, message));
    }
    Ok(time)
}
