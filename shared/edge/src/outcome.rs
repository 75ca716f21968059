//! What a caller gets of a run.

use writ_model::{Error, Execution, RawJson};

use crate::Reply;

impl Reply {
    /// The run's output as `data`, or its error as a problem; the record's id beside either.
    #[must_use]
    pub fn execution(execution: &Execution, request_id: &str) -> Self {
        let id = &execution.execution_id;
        match (&execution.output, &execution.error) {
            (Some(output), None) => {
                let quoted = RawJson::of(&id.as_str().into());
                Self::data_with(output.as_str(), &[("execution_id", quoted.as_str())])
            }
            (_, Some(error)) => Self::problem(error, request_id, Some(id)),
            (None, None) => {
                let error = Error::internal(format!("execution {id} has neither output nor error"));
                Self::problem(&error, request_id, Some(id))
            }
        }
    }
}
