//! Conversion of Cedar's errors to diagnostics and failures, with their locations.

use cedar_policy::ffi::DetailedError;
use writ_model::Diagnostic;

use crate::{Failure, nesting};

/// An error in the policies' text, with its line and column.
pub(super) fn in_code(kind: &str, error: DetailedError, code: &str) -> Diagnostic {
    let finding = Diagnostic::error(kind, error.message);
    let finding = match error.help {
        Some(help) => finding.help(help),
        None => finding,
    };
    match error.source_locations.first() {
        Some(label) => {
            let (line, column) = nesting::line_column(code, label.loc.start);
            finding.at(line, column)
        }
        None => finding,
    }
}

/// An error in the schema's text. Its location is a part of the message, since the diagnostic's own
/// location is one in the code.
pub(super) fn in_schema(error: DetailedError, schema: &str) -> Diagnostic {
    let location = error.source_locations.first().map(|label| {
        let (line, column) = nesting::line_column(schema, label.loc.start);
        format!(" (line {line}, column {column} of the schema)")
    });
    let message = format!("{}{}", error.message, location.unwrap_or_default());
    let finding = Diagnostic::error("cedar.schema", message);
    match error.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// The message of an error, with its help if there is one.
pub(super) fn message_with_help(error: DetailedError) -> String {
    match error.help {
        Some(help) => format!("{}: {help}", error.message),
        None => error.message,
    }
}

/// A failure that the policy or its input caused.
pub(super) fn policy_error(kind: &str, message: impl Into<String>) -> Failure {
    Failure::Raised {
        kind: kind.to_owned(),
        message: message.into(),
        line: None,
        traceback: String::new(),
    }
}
