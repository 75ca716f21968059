//! What a submitter asks for: the body of a submission, each member held against its bounds.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::Value;
use writ_edge::Request;
use writ_jobs::bounds::{
    AHEAD_MS_MAX, ATTEMPTS_MAX, NAME_CHARS_MAX, PRIORITY, PRIORITY_MAX, TIMEOUT_S, TIMEOUT_S_MAX,
};
use writ_model::{Cause, Error, PolicyUri, RawJson, Submission, Timestamp, UriError};

/// How much of a wrong value its refusal repeats.
const REPEATED_CHARS_MAX: usize = 60;

/// The body as it is sent, so that what is wrong in it can be named by its member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: Option<RawJson>,
    policy_rule_uri: Option<RawJson>,
    policy_rule_parameters: Option<RawJson>,
    node_selector: Option<RawJson>,
    #[serde(default = "RawJson::empty_object")]
    inputs: RawJson,
    timeout_seconds: Option<RawJson>,
    max_attempts: Option<RawJson>,
    not_before: Option<RawJson>,
    priority: Option<RawJson>,
    callback_url: Option<RawJson>,
}

/// A job about to be recorded.
#[derive(Debug)]
pub(crate) struct NewJob {
    name: String,
    pub(crate) policy_rule_uri: PolicyUri,
    pub(crate) policy_rule_parameters: Option<RawJson>,
    node_selector: Option<RawJson>,
    pub(crate) inputs: RawJson,
    timeout_seconds: u32,
    max_attempts: Option<u32>,
    not_before: Option<Timestamp>,
    priority: u8,
    pub(crate) callback_url: Option<String>,
}

impl NewJob {
    /// Reads the body.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub(crate) fn parse(request: &Request, now: Timestamp) -> Result<Self, Error> {
        if !request.json()?.is_object() {
            return Err(Error::invalid(
                "a job is a JSON object, with a `name` and a `policy_rule_uri`",
            ));
        }
        let body: Body = request.parse()?;
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

    /// The submission of whoever sent the request.
    ///
    /// # Errors
    /// For whom they act is said in a way that cannot be recorded.
    pub(crate) fn into_submission(
        self,
        request: &Request,
        job_id: String,
        executor_id: &str,
        mask: Vec<String>,
        now: Timestamp,
    ) -> Result<Submission, Error> {
        let identity = &request.caller.identity;
        Ok(Submission {
            job_id,
            workspace: identity.workspace.clone(),
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
            identity: identity.subject.clone(),
            principal_kind: request.caller.principal_kind.to_owned(),
            on_behalf_of: request.on_behalf_of()?,
            cause: Cause::Request,
            schedule: None,
            mask,
            idempotency_key: request.header("idempotency-key").map(str::to_owned),
            trace_id: request.trace_id().map(str::to_owned),
            submitted_at: now,
        })
    }
}

/// The refusal of one member.
fn wrong(field: &str, message: String) -> Error {
    Error::invalid(message).at(format!("/{field}"))
}

fn missing(field: &str, what: &str) -> Error {
    wrong(field, format!("`{field}` is missing; it is {what}"))
}

/// A value as its refusal repeats it.
fn repeated(value: &RawJson) -> String {
    let text = value.as_str();
    match text.char_indices().nth(REPEATED_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A text, and the refusal for when it is not what it should be.
fn text(value: &RawJson, field: &str, what: &str) -> Result<(String, Error), Error> {
    let refusal = wrong(field, format!("`{field}` is {what}, and `{}` is none", repeated(value)));
    match value.value() {
        Value::String(text) => Ok((text, refusal)),
        _ => Err(refusal),
    }
}

fn name(value: Option<RawJson>) -> Result<String, Error> {
    let what =
        format!("a name of 1 to {NAME_CHARS_MAX} characters, none of them a control character");
    let (name, refusal) = text(&value.ok_or_else(|| missing("name", &what))?, "name", &what)?;
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if fits && !name.contains(char::is_control) { Ok(name) } else { Err(refusal) }
}

fn uri(value: Option<RawJson>) -> Result<PolicyUri, Error> {
    let (field, what) =
        ("policy_rule_uri", "the URI of a policy, `{name}:{version}-{release_tag}`");
    let (uri, _) = text(&value.ok_or_else(|| missing(field, what))?, field, what)?;
    uri.parse().map_err(|error: UriError| wrong(field, error.to_string()))
}

fn object(value: Option<RawJson>, field: &str) -> Result<Option<RawJson>, Error> {
    match value {
        Some(value) if !value.value().is_object() => {
            let message = format!("`{field}` is a JSON object, and `{}` is none", repeated(&value));
            Err(wrong(field, message))
        }
        value => Ok(value),
    }
}

/// A whole number within its bounds, however it is written.
fn number(
    value: Option<RawJson>,
    field: &str,
    bounds: RangeInclusive<u32>,
) -> Result<Option<u32>, Error> {
    let Some(value) = value else { return Ok(None) };
    let number = value.value().as_u64().and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| bounds.contains(number));
    number.map(Some).ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        let given = repeated(&value);
        wrong(
            field,
            format!("`{field}` is a whole number from {least} to {most}, and `{given}` is none"),
        )
    })
}

/// A time that is past is no error: the job is ready at once.
fn not_before(value: &RawJson, now: Timestamp) -> Result<Timestamp, Error> {
    let field = "not_before";
    let (time, refusal) = text(value, field, "a time such as 2026-01-31T09:30:00Z")?;
    let time: Timestamp = time.parse().map_err(|_| refusal)?;
    if time.as_ms().saturating_sub(now.as_ms()) > AHEAD_MS_MAX {
        let days = AHEAD_MS_MAX / (24 * 3_600_000);
        let message =
            format!("`{time}` is more than {days} days ahead, which is as long as a job waits");
        return Err(wrong(field, message));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::memory::{Memory, request};
    use writ_ports::Clock as _;

    fn parse(body: &str) -> Result<NewJob, Error> {
        NewJob::parse(&request(&[], body), Memory::default().now())
    }

    #[test]
    fn what_is_left_out_or_null_has_its_default() {
        let least = r#"{"name": "a", "policy_rule_uri": "list:1-x"}"#;
        let with_nulls = r#"{"name": "a", "policy_rule_uri": "list:1-x", "timeout_seconds": null,
            "max_attempts": null, "not_before": null, "priority": null, "callback_url": null,
            "node_selector": null, "policy_rule_parameters": null}"#;
        for body in [least, with_nulls] {
            let job = parse(body).unwrap();
            assert_eq!((job.timeout_seconds, job.priority, job.max_attempts), (300, 5, None));
            assert_eq!((job.not_before, job.callback_url, job.node_selector), (None, None, None));
            assert_eq!((job.policy_rule_parameters, job.inputs.as_str()), (None, "{}"));
        }
        // Null is a value that a policy may take.
        let null = r#"{"name": "a", "policy_rule_uri": "list:1-x", "inputs": null}"#;
        assert_eq!(parse(null).unwrap().inputs.as_str(), "null");
    }

    #[test]
    fn bounds_are_within() {
        let name = "é".repeat(NAME_CHARS_MAX);
        for fields in [
            json!({"name": name}),
            json!({"timeout_seconds": 1, "max_attempts": 1, "priority": 0}),
            json!({"timeout_seconds": 840, "max_attempts": 10, "priority": 9}),
            json!({"not_before": "2000-01-01T00:00:00+02:00"}),
            json!({"not_before": Memory::default().after(AHEAD_MS_MAX).to_string()}),
            json!({"inputs": [1, 2]}),
        ] {
            let mut body = json!({"name": "a", "policy_rule_uri": "list:1-x"});
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert!(parse(&body.to_string()).is_ok(), "{fields}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_its_bounds() {
        let too_late = Memory::default().after(AHEAD_MS_MAX + 1).to_string();
        for (field, value, message) in [
            ("name", json!(""), "1 to 120 characters"),
            ("name", json!("a".repeat(121)), "1 to 120 characters"),
            ("name", json!("a\u{1b}[0m"), "control character"),
            ("name", json!(7), "and `7` is none"),
            ("name", json!(null), "is missing"),
            ("policy_rule_uri", json!(null), "is missing"),
            ("policy_rule_uri", json!(7), "the URI of a policy"),
            ("policy_rule_uri", json!("list"), "list"),
            ("policy_rule_parameters", json!([]), "a JSON object, and `[]` is none"),
            ("node_selector", json!("zone"), "a JSON object"),
            ("timeout_seconds", json!(-5), "from 1 to 840, and `-5` is none"),
            ("timeout_seconds", json!(0), "from 1 to 840"),
            ("timeout_seconds", json!(841), "from 1 to 840"),
            ("timeout_seconds", json!(1.5), "from 1 to 840"),
            ("timeout_seconds", json!("60"), "from 1 to 840"),
            ("max_attempts", json!(0), "from 1 to 10"),
            ("max_attempts", json!(11), "from 1 to 10"),
            ("priority", json!(10), "from 0 to 9"),
            ("priority", json!(4_294_967_296_u64), "from 0 to 9"),
            ("not_before", json!("tomorrow"), "a time such as"),
            ("not_before", json!(1), "a time such as"),
            ("not_before", json!(too_late), "more than 366 days ahead"),
            ("callback_url", json!(["x"]), "a URL"),
        ] {
            let mut body = json!({"name": "a", "policy_rule_uri": "list:1-x"});
            body[field] = value.clone();
            let error = parse(&body.to_string()).unwrap_err();
            assert_eq!(error.place, Some(format!("/{field}")), "{field}: {value}");
            assert!(error.message.contains(message), "{field}: {error}");
            assert!(error.message.len() < 300, "{error}");
        }
    }

    #[test]
    fn a_body_is_an_object_without_unknown_members() {
        for (body, message) in [
            (r#"["a", "list:1-x"]"#, "JSON object"),
            (r#"{"name": "a", "policy_rule_uri": "list:1-x", "input": {}}"#, "`input`"),
            ("", "empty"),
        ] {
            let error = parse(body).unwrap_err();
            assert!(error.message.contains(message), "{error}");
        }
    }
}
