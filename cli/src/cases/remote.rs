//! Cases on a server: the same policies, inputs and expectations, run by `execute_policy`.

use serde_json::{Value, json};
use writ_model::{Error, ErrorKind, Execution};

use super::Case;
use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::policy_file::PolicyFile;

/// A policy that is on the server for as long as its cases run.
pub(crate) struct Registered<'c> {
    client: &'c Client,
    uri: String,
}

impl<'c> Registered<'c> {
    /// Registers the policy; the inner error is what the registry has against it.
    ///
    /// # Errors
    /// A server that cannot be reached, and a policy that is there already: it is not ours to
    /// replace.
    pub(crate) fn new(
        client: &'c Client,
        file: &PolicyFile,
    ) -> Result<Result<Self, Error>, Failure> {
        let call = Call::post(&["policy"], file.document.as_str());
        match client.try_send(&call)? {
            Ok(answer) => {
                let stored: Value = serde_json::from_str(&answer.data).unwrap_or_default();
                let uri = stored.get("policy_rule_uri").and_then(Value::as_str).unwrap_or_default();
                Ok(Ok(Self { client, uri: uri.to_owned() }))
            }
            Err(problem) if problem.error.kind == ErrorKind::Conflict => {
                Err(client.failure(&call, &problem).help(
                    "tests register their own policies; use a server or a workspace without this one",
                ))
            }
            Err(problem) => Ok(Err(problem.error)),
        }
    }

    /// Runs a case and reads its record; the inner error is what kept it from starting.
    ///
    /// # Errors
    /// A server that cannot be reached, and a run without a record.
    pub(crate) fn run(&self, case: &Case) -> Result<Result<Execution, Error>, Failure> {
        let parameters = case
            .parameters
            .as_ref()
            .map(|text| format!(",\"parameters\":{text}"))
            .unwrap_or_default();
        let body = format!(
            "{{\"policy_rule_uri\":{},\"input_data\":{}{parameters}}}",
            json!(self.uri),
            case.input
        );
        let call = Call::post(&["executor", "builtin", "execute_policy"], body);
        let (execution_id, error) = match self.client.try_send(&call)? {
            Ok(answer) => (answer.execution_id, None),
            Err(problem) => (problem.execution_id, Some(problem.error)),
        };
        match (execution_id, error) {
            (Some(id), _) => {
                let call = Call::get(&["executions", &id]);
                let record = self.client.send(&call)?.data;
                serde_json::from_str(&record).map(Ok).map_err(|error| {
                    Failure::of(&Error::internal(error))
                        .note(format!("execution {id} is no record"))
                })
            }
            (None, Some(error)) => Ok(Err(error)),
            (None, None) => Err(Failure::of(&Error::internal("a run without a record"))),
        }
    }

    /// Removes the policy again.
    ///
    /// # Errors
    /// A server that cannot be reached.
    pub(crate) fn remove(self) -> Result<(), Failure> {
        self.client.send(&Call::new(ureq::http::Method::DELETE, &["policy", &self.uri])).map(drop)
    }
}
