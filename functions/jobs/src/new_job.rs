//! What a submitter asks for, as a request says it.

use writ_edge::Request;
use writ_jobs::{NewJob, Submitter};
use writ_model::{Cause, Error, Timestamp};

/// Reads the body of a submission.
///
/// # Errors
/// What is wrong, with its place.
pub(crate) fn parse(request: &Request, now: Timestamp) -> Result<NewJob, Error> {
    if !request.json()?.is_object() {
        return Err(Error::invalid(
            "a job is a JSON object, with a `name` and a `policy_rule_uri`",
        ));
    }
    NewJob::of(request.parse()?, now)
}

/// The identity that submits the job: the caller of the request.
///
/// # Errors
/// A header `Writ-On-Behalf-Of` that cannot be recorded.
pub(crate) fn submitter(request: &Request) -> Result<Submitter, Error> {
    let identity = &request.caller.identity;
    Ok(Submitter {
        workspace: identity.workspace.clone(),
        identity: identity.subject.clone(),
        principal_kind: request.caller.principal_kind,
        on_behalf_of: request.on_behalf_of()?,
        cause: Cause::Request,
        schedule: None,
        idempotency_key: request.header("idempotency-key").map(str::to_owned),
        trace_id: request.trace_id().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use writ_jobs::bounds::{NAME_CHARS_MAX, NOT_BEFORE_HORIZON};

    use writ_testing::{START, at};

    use super::*;
    use crate::fixture::request;

    fn horizon_ms() -> i64 {
        i64::try_from(NOT_BEFORE_HORIZON.as_millis()).unwrap()
    }

    fn parse(body: &str) -> Result<NewJob, Error> {
        super::parse(&request(&[], body), START)
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
            json!({"not_before": at(horizon_ms()).to_string()}),
            json!({"inputs": [1, 2]}),
        ] {
            let mut body = json!({"name": "a", "policy_rule_uri": "list:1-x"});
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert!(parse(&body.to_string()).is_ok(), "{fields}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_its_bounds() {
        let too_late = at(horizon_ms() + 1).to_string();
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
            assert_eq!(error.location, Some(format!("/{field}")), "{field}: {value}");
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
