//! Executors: the targets that run policies.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The id of an executor, as requests and records name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutorId(Cow<'static, str>);

impl ExecutorId {
    /// The builtin executor: the platform itself.
    pub const BUILTIN: Self = Self(Cow::Borrowed("builtin"));

    /// The process that links the library `writ`.
    pub const IN_PROCESS: Self = Self(Cow::Borrowed("in-process"));

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Any text may name an executor; whether there is one of that name is another question.
impl From<String> for ExecutorId {
    fn from(id: String) -> Self {
        Self(Cow::Owned(id))
    }
}

impl fmt::Display for ExecutorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stored_as_its_text_and_compares_by_it() {
        for (id, json) in [
            (ExecutorId::BUILTIN, r#""builtin""#),
            (ExecutorId::IN_PROCESS, r#""in-process""#),
            (ExecutorId::from("executor-001".to_owned()), r#""executor-001""#),
        ] {
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
            assert_eq!(serde_json::from_str::<ExecutorId>(json).unwrap(), id);
        }
    }
}
