//! Cedar's errors as findings and failures: its own words, with a place where it gives one.

use cedar_policy::ffi::DetailedError;
use writ_model::Diagnostic;

use crate::{Failure, nesting};

/// An error about the policies' text, at its line and column there.
pub(super) fn in_code(kind: &str, error: DetailedError, code: &str) -> Diagnostic {
    let finding = Diagnostic::error(kind, error.message);
    let finding = match error.help {
        Some(help) => finding.help(help),
        None => finding,
    };
    match error.source_locations.first() {
        Some(label) => {
            let (line, column) = nesting::place(code, label.loc.start);
            finding.at(line, column)
        }
        None => finding,
    }
}

/// An error about the schema's text; its place is in the message, since it is none in the code.
pub(super) fn in_schema(error: DetailedError, schema: &str) -> Diagnostic {
    let place = error.source_locations.first().map(|label| {
        let (line, column) = nesting::place(schema, label.loc.start);
        format!(" (line {line}, column {column} of the schema)")
    });
    let message = format!("{}{}", error.message, place.unwrap_or_default());
    let finding = Diagnostic::error("cedar.schema", message);
    match error.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// The message of an error with its help.
pub(super) fn words(error: DetailedError) -> String {
    match error.help {
        Some(help) => format!("{}: {help}", error.message),
        None => error.message,
    }
}

/// A failed run.
pub(super) fn raised(kind: &str, message: impl Into<String>) -> Failure {
    Failure::Raised {
        kind: kind.to_owned(),
        message: message.into(),
        line: None,
        traceback: String::new(),
    }
}
