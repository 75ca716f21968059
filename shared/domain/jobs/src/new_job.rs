//! What a submitter asks for: the body of a submission, each member held against its bounds.

use serde::Deserialize;
use writ_model::member::{missing, number, object, text, time, wrong};
use writ_model::{Cause, Error, PolicyUri, RawJson, Submission, Timestamp, UriError, Workspace};

use crate::bounds::{
    ATTEMPTS_MAX, NAME_CHARS_MAX, NOT_BEFORE_HORIZON_MS, PRIORITY, PRIORITY_MAX, TIMEOUT_S,
    TIMEOUT_S_MAX,
};

/// The body as it is sent, so that what is wrong in it can be named by its member.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewJobBody {
    /// What its submitter calls it.
    pub name: Option<RawJson>,
    /// Which policy.
    pub policy_rule_uri: Option<RawJson>,
    /// Override the stored ones.
    pub policy_rule_parameters: Option<RawJson>,
    /// For executors that have nodes.
    pub node_selector: Option<RawJson>,
    /// The policy's input.
    #[serde(default = "RawJson::empty_object")]
    pub inputs: RawJson,
    /// Seconds that one attempt may run.
    pub timeout_seconds: Option<RawJson>,
    /// Attempts at most.
    pub max_attempts: Option<RawJson>,
    /// Not to be started before.
    pub not_before: Option<RawJson>,
    /// 9 goes first.
    pub priority: Option<RawJson>,
    /// Who is told of the end.
    pub callback_url: Option<RawJson>,
}

/// A job about to be recorded.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What its submitter calls it.
    pub name: String,
    /// Which policy.
    pub policy_rule_uri: PolicyUri,
    /// Override the stored ones: an object.
    pub policy_rule_parameters: Option<RawJson>,
    /// For executors that have nodes: an object.
    pub node_selector: Option<RawJson>,
    /// The policy's input.
    pub inputs: RawJson,
    /// Seconds that one attempt may run.
    pub timeout_seconds: u32,
    /// Attempts at most, where the submitter said so.
    pub max_attempts: Option<u32>,
    /// Not to be started before.
    pub not_before: Option<Timestamp>,
    /// 0 to 9; 9 goes first.
    pub priority: u8,
    /// Who is told of the end; not checked yet.
    pub callback_url: Option<String>,
}

/// Who submits, and why.
#[derive(Clone, Debug)]
pub struct Submitter {
    /// Whose job it is.
    pub workspace: Workspace,
    /// Their subject.
    pub identity: String,
    /// What kind of principal they are.
    pub principal_kind: String,
    /// For whom they act, where they said so.
    pub on_behalf_of: Option<String>,
    /// A request, or a schedule.
    pub cause: Cause,
    /// The schedule's name.
    pub schedule: Option<String>,
    /// Their `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// W3C trace id of the request.
    pub trace_id: Option<String>,
}

impl NewJob {
    /// Holds the body's members against their bounds.
    ///
    /// # Errors
    /// What is wrong, with its place.
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

    /// The submission.
    #[must_use]
    pub fn into_submission(
        self,
        submitter: Submitter,
        job_id: String,
        executor_id: &str,
        mask: Vec<String>,
        now: Timestamp,
    ) -> Submission {
        Submission {
            job_id,
            workspace: submitter.workspace,
            name: self.name,
            executor_id: executor_id.to_owned(),
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
        text(&value.ok_or_else(|| missing("name", &what))?, "name", &what)?;
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if fits && !name.contains(char::is_control) { Ok(name) } else { Err(transition_error) }
}

fn uri(value: Option<RawJson>) -> Result<PolicyUri, Error> {
    let (field, what) =
        ("policy_rule_uri", "the URI of a policy, `{name}:{version}-{release_tag}`");
    let (uri, _) = text(&value.ok_or_else(|| missing(field, what))?, field, what)?;
    uri.parse().map_err(|error: UriError| wrong(field, error.to_string()))
}

/// A time that is past is no error: the job is ready at once.
fn not_before(value: &RawJson, now: Timestamp) -> Result<Timestamp, Error> {
    let field = "not_before";
    let time = time(value, field)?;
    if time.as_ms().saturating_sub(now.as_ms()) > NOT_BEFORE_HORIZON_MS {
        let days = NOT_BEFORE_HORIZON_MS / (24 * 3_600_000);
        let message =
            format!("`{time}` is more than {days} days ahead, which is as long as a job waits");
        return Err(wrong(field, message));
    }
    Ok(time)
}
