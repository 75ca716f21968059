//! Errors of filters, updates, sorts and projections.

use serde_json::Value;

use crate::bounds::EXCERPT_CHARS_MAX;

/// An error of a filter, update, sort or projection, with its location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", location_prefix(.location))]
pub struct QueryError {
    location: String,
    kind: QueryErrorKind,
}

impl QueryError {
    pub(crate) fn new(location: String, kind: QueryErrorKind) -> Self {
        Self { location, kind }
    }

    /// Returns the location: a JSON Pointer (RFC 6901) into the filter, update, sort or projection;
    /// empty for the whole of it.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the kind of the error, with its details.
    #[must_use]
    pub fn kind(&self) -> &QueryErrorKind {
        &self.kind
    }
}

impl From<QueryError> for writ_model::Error {
    fn from(error: QueryError) -> Self {
        let invalid = Self::invalid(error.kind.to_string());
        if error.location.is_empty() { invalid } else { invalid.at(error.location) }
    }
}

fn location_prefix(location: &str) -> String {
    if location.is_empty() { String::new() } else { format!("at `{location}`: ") }
}

/// The kind of a [`QueryError`]. Its message says what is wrong and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// The value is not a JSON object.
    #[error("{subject} must be a JSON object, as `{example}`, not {found}")]
    NotAnObject {
        /// What was to be parsed, with its article.
        subject: &'static str,
        /// An example of a valid value.
        example: &'static str,
        /// The JSON type of the value that was found, with its article.
        found: &'static str,
    },
    /// The text starts like a JSON object and is not valid JSON.
    #[error("{subject} is not valid JSON: {message}")]
    NotJson {
        /// What was to be parsed, with its article.
        subject: &'static str,
        /// The message of the parser, with line and column.
        message: String,
    },
    /// There is no operator of this name.
    #[error("unknown operator `{name}`{}; known here: {known}", suggestion(.nearest))]
    UnknownOperator {
        /// The name that is unknown.
        name: String,
        /// The most similar operator; `None` where none is similar.
        nearest: Option<&'static str>,
        /// The operators that are valid here.
        known: String,
    },
    /// The operator exists and is not valid at this level.
    #[error("`{name}` cannot stand here: {instead}")]
    Misplaced {
        /// The name of the operator.
        name: String,
        /// The fix, as the second half of a sentence.
        instead: &'static str,
    },
    /// Two forms that exclude each other are mixed, such as operators and plain fields.
    #[error("two forms are mixed: `{name}` {instead}")]
    Mixed {
        /// The key that does not match the ones before it.
        name: String,
        /// The fix, as the second half of a sentence.
        instead: &'static str,
    },
    /// The operator does not accept this operand.
    #[error("`{operator}` takes {expected}, not {found}")]
    Operand {
        /// The name of the operator or field.
        operator: String,
        /// The description of a valid operand.
        expected: &'static str,
        /// The operand that was found, or its JSON type.
        found: String,
    },
    /// The `$regex` does not compile, or is too large.
    #[error("`$regex` is refused: {message}")]
    Regex {
        /// The message of the compiler.
        message: String,
    },
    /// The `$options` contain an unknown letter.
    #[error("`$options` has an unknown letter `{letter}`; known are `i`, `m`, `s` and `x`")]
    RegexOption {
        /// The letter that is unknown.
        letter: char,
    },
    /// The `$semver` is not a version requirement.
    #[error("`$semver` takes a version requirement, as `>=1.2, <2`: {message}")]
    Semver {
        /// The message of the parser.
        message: String,
    },
    /// The number of some items exceeds its bound.
    #[error("too many {what}: at most {max} are allowed")]
    TooMany {
        /// The items that are counted.
        what: &'static str,
        /// The bound that is exceeded.
        max: usize,
    },
    /// The value is nested deeper than its bound.
    #[error("nested too deep: at most {max} levels are allowed")]
    TooDeep {
        /// The bound that is exceeded.
        max: usize,
    },
    /// The dotted path is not valid.
    #[error("the path `{path}` {reason}")]
    Path {
        /// The path as the caller wrote it.
        path: String,
        /// The reason, as the second half of a sentence.
        reason: String,
    },
    /// Two paths write or select the same location, or one contains the other.
    #[error("`{first}` and `{second}` concern the same place; keep one of them")]
    Conflict {
        /// The first of the two paths.
        first: String,
        /// The second of the two paths.
        second: String,
    },
    /// The update cannot be applied to the document.
    #[error("cannot apply `{operator}` to `{path}`: {reason}")]
    Inapplicable {
        /// The name of the operator.
        operator: &'static str,
        /// The path as the caller wrote it.
        path: String,
        /// The reason, as the second half of a sentence.
        reason: String,
    },
}

impl QueryErrorKind {
    /// Creates the error for an operand of the wrong type.
    pub(crate) fn operand(operator: &str, expected: &'static str, found: &Value) -> Self {
        Self::Operand { operator: excerpt(operator), expected, found: type_name(found).to_owned() }
    }

    /// Creates the error for a name that is not in `known`, with the most similar known name.
    pub(crate) fn unknown_operator(name: &str, known: &'static [&'static str]) -> Self {
        let wanted = name.trim_start_matches('$').to_ascii_lowercase();
        let nearest = known
            .iter()
            .map(|candidate| {
                let bare = candidate.trim_start_matches('$').to_ascii_lowercase();
                (strsim::damerau_levenshtein(&wanted, &bare), *candidate)
            })
            .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, candidate)| candidate);
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Self::UnknownOperator { name: excerpt(name), nearest, known }
    }
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

/// Returns the start of the caller's text, at most [`EXCERPT_CHARS_MAX`] characters.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Returns the JSON type of a value with its article.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["$gt", "$gte", "$elemMatch", "$exists"];

    #[test]
    fn the_nearest_operator_is_suggested_and_nonsense_gets_none() {
        for (name, want) in [
            ("$exist", Some("$exists")),
            ("$elemmatch", Some("$elemMatch")),
            ("gte", Some("$gte")),
            ("$where", None),
        ] {
            let QueryErrorKind::UnknownOperator { nearest, .. } =
                QueryErrorKind::unknown_operator(name, KNOWN)
            else {
                panic!()
            };
            assert_eq!(nearest, want, "{name}");
        }
    }

    #[test]
    fn an_error_repeats_only_the_start_of_a_long_name() {
        let text = QueryErrorKind::unknown_operator(&"é".repeat(5000), KNOWN).to_string();
        assert!(text.chars().count() < 300, "{text}");
    }

    #[test]
    fn the_platforms_error_keeps_location_and_message_apart() {
        let kind = QueryErrorKind::TooDeep { max: 3 };
        let error = writ_model::Error::from(QueryError::new("/a/b".to_owned(), kind.clone()));
        assert_eq!(error.location.as_deref(), Some("/a/b"));
        assert_eq!(error.message, kind.to_string());
    }
}
