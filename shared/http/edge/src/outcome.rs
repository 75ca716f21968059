//! What a caller gets of a run.

use http::header;
use writ_model::{Error, Execution, RawJson};

use crate::Reply;
use crate::idempotency::NO_STORE;
use crate::problem::EXECUTION_ID;

impl Reply {
    /// The run's output as `data`, or its error as a problem; the record's id beside either.
    ///
    /// What the policy masks in its record is a secret here: the caller gets it, and no store does.
    #[must_use]
    pub fn execution(execution: &Execution, request_id: &str) -> Self {
        let reply = Self::of_run(execution, request_id);
        if execution.masked.is_empty() {
            return reply;
        }
        reply.header(header::CACHE_CONTROL, NO_STORE.to_owned())
    }

    /// The run of an earlier request with the same key, as it is recorded. An output that lacks what is
    /// masked is no reply: the caller learns that the run was made, and where its record is.
    #[must_use]
    pub fn recorded_execution(record: &Execution, request_id: &str) -> Self {
        if record.masked.is_empty() || record.error.is_some() {
            return Self::of_run(record, request_id);
        }
        Self::already_done(None, Some(&record.execution_id), request_id)
    }

    fn of_run(execution: &Execution, request_id: &str) -> Self {
        let id = &execution.execution_id;
        match (&execution.output, &execution.error) {
            (Some(output), None) => {
                let quoted = RawJson::of(&id.as_str().into());
                Self::data_with(output.as_str(), &[("execution_id", quoted.as_str())])
                    .header(EXECUTION_ID, id.clone())
            }
            (_, Some(error)) => Self::problem(error, request_id, Some(id)),
            (None, None) => {
                let error = Error::internal(format!("execution {id} has neither output nor error"));
                Self::problem(&error, request_id, Some(id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_model::ErrorKind;

    use super::*;

    fn execution(masked: &[&str], error: Option<Error>) -> Execution {
        let output = error.is_none().then(|| json!({ "secret": "hunter2" }));
        let mut record = json!({
            "execution_id": "e1", "workspace": "default", "identity": "a", "principal_kind": "local",
            "cause": "request", "policy_rule_uri": "a:1-x", "revision": 1, "digest": "d",
            "source": "builtin", "engine": "rego", "engine_version": "v", "executor_id": "builtin",
            "input_data": {}, "parameters": {}, "started_at": "2026-01-31T09:30:00Z",
            "policy_time": "2026-01-31T09:30:00Z", "seed": 1, "status": "succeeded",
            "masked": masked, "duration_us": 1, "engine_us": 1,
        });
        if let Some(output) = output {
            record["output"] = output;
        }
        let mut execution: Execution = serde_json::from_str(&record.to_string()).unwrap();
        execution.error = error;
        execution
    }

    #[test]
    fn a_run_is_named_in_body_and_header_however_it_ended() {
        for error in [None, Some(Error::new(ErrorKind::PolicyRaised, "no"))] {
            let reply = Reply::execution(&execution(&[], error), "r1");
            let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(body["execution_id"], "e1");
            assert!(reply.headers.contains(&(EXECUTION_ID, "e1".to_owned())));
        }
    }

    #[test]
    fn a_record_is_a_reply_unless_something_is_masked_in_it() {
        let record = execution(&[], None);
        let reply = Reply::recorded_execution(&record, "r1");
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &Reply::of_run(&record, "r1").body));
        let reply = Reply::recorded_execution(&execution(&["/output/secret"], None), "r1");
        assert_eq!(reply.status, 409);
        assert!(reply.body.contains("GET /executions/e1"), "{}", reply.body);
        // What failed has the status of its failure, so that one that may pass is tried again.
        let lost = Error::new(ErrorKind::ExecutorFault, "**masked**");
        let reply = Reply::recorded_execution(&execution(&["/input_data/pin"], Some(lost)), "r1");
        assert_eq!(reply.status, 502);
    }

    #[test]
    fn what_is_masked_in_the_record_makes_the_reply_a_secret() {
        let no_store = (header::CACHE_CONTROL, NO_STORE.to_owned());
        for (masked, want) in [(&[][..], false), (&["/output/secret"][..], true)] {
            for error in [None, Some(Error::new(ErrorKind::PolicyRaised, "hunter2"))] {
                let reply = Reply::execution(&execution(masked, error), "r1");
                assert_eq!(reply.headers.contains(&no_store), want, "{masked:?}");
            }
        }
    }
}
