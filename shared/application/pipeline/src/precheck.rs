//! `metadata.precheck_policy_uri`: another policy that sees the input first, and may refuse or
//! rewrite it.
//!
//! It gets the input as its own and answers `{"allowed": true, "input_data": ...}`, where
//! `input_data` may be left out, or `{"allowed": false, "reason": "..."}`. Whatever else happens,
//! the run does not begin. Its own record is this run's child; a pre-check has no pre-check.

use serde_json::Value;
use writ_model::{Cause, Error, ErrorKind, Execution, PolicyUri, Precheck, RawJson};
use writ_ports::PolicySource;

use crate::run::{Run, Verdict};
use crate::{PolicyCache, Ports, execute_alone};

/// Asks the pre-check, if there is one, and gives the run the input that it may begin with.
pub(crate) async fn ask<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    policy_cache: &PolicyCache,
    run: &mut Run,
) -> Verdict {
    // A command is no input.
    let uri = run.prepared.precheck().filter(|_| run.execution.mgmt_action.is_none());
    let Some(uri) = uri.cloned() else { return Verdict::Begin };
    let sent = run.execution.input_data.clone();
    let mut order = run.order(&uri, Cause::Precheck, sent.clone());
    order.mask = mask(run.prepared.mask());
    let mut seen = Precheck { execution_id: None, rewrote: false };
    let verdict = match execute_alone(source, ports, policy_cache, order).await {
        Err(error) => Verdict::Refuse(failed(&uri, &error)),
        Ok(executed) => {
            seen.execution_id = Some(executed.execution.execution_id.clone());
            match understand(&uri, &executed.execution) {
                Err(error) => Verdict::Refuse(error),
                Ok(rewritten) => {
                    // An input that was handed through keeps the bytes that were sent.
                    let rewritten = rewritten.filter(|given| *given != sent.value());
                    seen.rewrote = rewritten.is_some();
                    if let Some(rewritten) = rewritten {
                        run.execution.input_data = RawJson::of(&rewritten);
                    }
                    Verdict::Begin
                }
            }
        }
    };
    run.execution.precheck = Some(seen);
    verdict
}

/// What the policy wants masked must not stand in its pre-check's record either.
fn mask(pointers: &[String]) -> Vec<String> {
    let input = pointers.iter().filter(|pointer| pointer.starts_with("/input_data"));
    input.flat_map(|pointer| [pointer.clone(), format!("/output{pointer}")]).collect()
}

/// The input that the pre-check gave in place of what was sent.
fn understand(uri: &PolicyUri, ran: &Execution) -> Result<Option<Value>, Error> {
    if let Some(error) = &ran.error {
        return Err(failed(uri, error));
    }
    let answer = ran.output.as_ref().map(RawJson::value).unwrap_or_default();
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
            Err(failed(uri, &Error::new(ErrorKind::PrecheckFailed, message)))
        }
    }
}

/// What passes by itself stays what it is, so that a caller tries again.
fn failed(uri: &PolicyUri, error: &Error) -> Error {
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
