//! What a worker is started for.

use writ_model::run::Document;
use writ_schema::SCHEMA_LOCATIONS;

use crate::wire::{CODE, WorkerRequestRef};
use crate::zygote_kind::ZygoteKind;
use crate::{Failure, Source};

/// What a worker is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// To run a source.
    Run,
    /// To compile a source with its schemas, and to apply them to these values. It runs nothing.
    Check(&'a [Document]),
    /// To compile the schemas of a source, and to apply them to these values. It compiles no code.
    Validate(&'a [Document]),
}

impl<'a> Purpose<'a> {
    /// The kind of zygote that such a worker is forked from.
    pub(crate) fn zygote(self, source: &Source) -> ZygoteKind {
        match self {
            Self::Run | Self::Check(_) => ZygoteKind::Language(source.language),
            Self::Validate(_) => ZygoteKind::Schemas,
        }
    }

    /// The first request to the worker.
    pub(super) fn request(self, source: &'a Source) -> WorkerRequestRef<'a> {
        match self {
            Self::Run => WorkerRequestRef::Compile(source),
            Self::Check(documents) => WorkerRequestRef::Check { source, documents },
            Self::Validate(documents) => {
                WorkerRequestRef::Validate { schemas: &source.schemas, documents }
            }
        }
    }

    /// The values that the worker applies schemas to.
    pub(super) fn documents(self) -> &'a [Document] {
        match self {
            Self::Run => &[],
            Self::Check(documents) | Self::Validate(documents) => documents,
        }
    }
}

/// The failure of a worker that has not survived its compilation. Where its last mark names a schema,
/// that schema was at fault.
pub(super) fn blame(failure: Failure, marks: &[u8]) -> Failure {
    let last = marks.strip_suffix(b"\n").unwrap_or(marks).rsplit(|byte| *byte == b'\n').next();
    let last = last.and_then(|mark| std::str::from_utf8(mark).ok()).unwrap_or(CODE);
    let Some(location) = SCHEMA_LOCATIONS.into_iter().find(|location| *location == last) else {
        return failure;
    };
    let message = match failure {
        Failure::TimedOut { budget_ms } => {
            format!("it takes more than {budget_ms} ms to compile it and to apply it; simplify it")
        }
        Failure::OutOfMemory { budget_bytes } => format!(
            "it takes more than {budget_bytes} bytes of memory to compile it and to apply it; \
             simplify it"
        ),
        Failure::Crashed { signal } => format!(
            "it ended the worker that compiled it ({signal}); references and branches may be \
             nested too deep, simplify it"
        ),
        failure => return failure,
    };
    Failure::Schema { location: location.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mark_decides_what_was_at_fault() {
        let crashed = Failure::Crashed { signal: "SIGSEGV".to_owned() };
        let location = |marks: &str| match blame(crashed.clone(), marks.as_bytes()) {
            Failure::Schema { location, .. } => location,
            other => other.to_string(),
        };
        let code = crashed.to_string();
        assert_eq!(location("/policy_input_schema\n"), "/policy_input_schema");
        assert_eq!(
            location("/policy_input_schema\n/policy_output_schema\n"),
            "/policy_output_schema"
        );
        assert_eq!(location("/policy_input_schema\n/code\n"), code);
        assert_eq!(location(""), code);
        assert_eq!(location("/policy_input_schema\n/elsewhere\n"), code);
        let lost = Failure::WorkerLost { reason: "killed".to_owned() };
        assert_eq!(blame(lost.clone(), b"/policy_input_schema\n"), lost);
    }
}
