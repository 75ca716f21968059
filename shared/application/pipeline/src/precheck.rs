//! `metadata.precheck_policy_uri`: another policy that sees the input first, and may refuse or
//! rewrite it.
//!
//! It gets the input as its own and answers `{"allowed": true, "input_data": ...}`, where
//! `input_data` may be left out, or `{"allowed": false, "reason": "..."}`. Any other answer and any
//! failure refuse the run. Its own record is this run's child; a pre-check has no pre-check.

use serde_json::Value;
use writ_model::{Cause, Error, ErrorKind, PolicyUri, Precheck, RawJson};
use writ_ports::PolicySource;

use crate::run::{Run, Verdict};
use crate::{ExecutionReport, Pipeline, Ports};

impl<S: PolicySource, P: Ports> Pipeline<'_, S, P> {
    /// Runs the pre-check, if there is one, and replaces the run's input by the one that it gave.
    pub(crate) async fn precheck(&self, run: &mut Run) -> Verdict {
        // A command's argument is no input.
        let uri = run.policy.precheck().filter(|_| run.execution.mgmt_action.is_none());
        let Some(uri) = uri.cloned() else { return Verdict::Begin };
        let input = run.execution.input_data.clone();
        let mut request = run.request(&uri, Cause::Precheck, "precheck", input.clone());
        request.mask = mask(&run.mask);
        let mut precheck = Precheck { execution_id: None, rewrote: false };
        let verdict = match self.execute_alone(request).await {
            Err(error) => Verdict::Refuse(failure(&uri, &error)),
            Ok(report) => {
                precheck.execution_id = Some(report.execution.execution_id.clone());
                match answer(&uri, &report) {
                    Err(error) => Verdict::Refuse(error),
                    Ok(new_input) => {
                        // An input that was handed through keeps the bytes that were sent.
                        let new_input = new_input.filter(|new_input| *new_input != input.value());
                        precheck.rewrote = new_input.is_some();
                        if let Some(new_input) = new_input {
                            run.execution.input_data = RawJson::of(&new_input);
                        }
                        Verdict::Begin
                    }
                }
            }
        };
        run.execution.precheck = Some(precheck);
        verdict
    }
}

/// What is masked in the run's input is masked in its pre-check's record, input and output alike.
fn mask(pointers: &[String]) -> Vec<String> {
    let input = pointers.iter().filter(|pointer| pointer.starts_with("/input_data"));
    input.flat_map(|pointer| [pointer.clone(), format!("/output{pointer}")]).collect()
}

/// The input that the pre-check gave in place of what was sent.
fn answer(uri: &PolicyUri, report: &ExecutionReport) -> Result<Option<Value>, Error> {
    let execution = &report.execution;
    if report.is_stored && execution.masked.iter().any(|pointer| pointer.starts_with("/output")) {
        let message = "it ran for an earlier request with the same idempotency key, and what it \
                       answered is masked in its record; use a new key";
        return Err(failure(uri, &Error::new(ErrorKind::PrecheckFailed, message)));
    }
    if let Some(error) = &execution.error {
        return Err(failure(uri, error));
    }
    let answer = execution.output.as_ref().map(RawJson::value).unwrap_or_default();
    match answer.get("allowed") {
        Some(Value::Bool(true)) => Ok(answer.get("input_data").cloned()),
        Some(Value::Bool(false)) => {
            let reason = answer.get("reason").and_then(Value::as_str);
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let message = format!("the pre-check `{uri}` refused the input{reason}");
            Err(Error::new(ErrorKind::PrecheckRefused, message).at("/input_data"))
        }
        _ => {
            let message = "it must return an object with a boolean `allowed`";
            Err(failure(uri, &Error::new(ErrorKind::PrecheckFailed, message)))
        }
    }
}

/// A transient error keeps its kind, so that the caller tries again.
fn failure(uri: &PolicyUri, error: &Error) -> Error {
    let kind = match error.kind {
        kind @ (ErrorKind::Limited
        | ErrorKind::Unavailable
        | ErrorKind::ExecutorFault
        | ErrorKind::TimedOut
        | ErrorKind::Internal) => kind,
        _ => ErrorKind::PrecheckFailed,
    };
    let message = format!("the pre-check `{uri}` gave no answer: {}", error.message);
    Error {
        retry_after_s: error.retry_after_s,
        log: error.log.clone(),
        ..Error::new(kind, message)
    }
}
