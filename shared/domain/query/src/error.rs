//! What can be wrong with a filter, update, sort or projection.

use serde_json::Value;

use crate::bounds::ECHO_CHARS_MAX;

/// A fault and the place of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", place_prefix(.place))]
pub struct QueryError {
    place: String,
    fault: Fault,
}

impl QueryError {
    pub(crate) fn new(place: String, fault: Fault) -> Self {
        Self { place, fault }
    }

    /// Where: a JSON Pointer (RFC 6901) into the filter, update, sort or projection; empty for the
    /// whole of it.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong there.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

impl From<QueryError> for writ_model::Error {
    fn from(error: QueryError) -> Self {
        let invalid = Self::invalid(error.fault.to_string());
        if error.place.is_empty() { invalid } else { invalid.at(error.place) }
    }
}

fn place_prefix(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("at `{place}`: ") }
}

/// What is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The whole thing has another shape.
    #[error("{subject} must be a JSON object, as `{example}`, not {found}")]
    NotAnObject {
        /// What was to be read.
        subject: &'static str,
        /// One that is right.
        example: &'static str,
        /// The kind of value that was found.
        found: &'static str,
    },
    /// A text that looks like JSON is none.
    #[error("{subject} is not valid JSON: {message}")]
    NotJson {
        /// What was to be read.
        subject: &'static str,
        /// What the parser said, with its place.
        message: String,
    },
    /// No operator has this name.
    #[error("unknown operator `{name}`{}; known here: {known}", suggestion(.nearest))]
    UnknownOperator {
        /// The name that was written.
        name: String,
        /// The operator that it is most like.
        nearest: Option<&'static str>,
        /// All that may stand here.
        known: String,
    },
    /// The operator exists and stands at the wrong level.
    #[error("`{name}` cannot stand here: {instead}")]
    Misplaced {
        /// The operator.
        name: String,
        /// What to write.
        instead: &'static str,
    },
    /// Two things stand side by side that exclude each other, as operators and plain fields.
    #[error("two forms are mixed: `{name}` {instead}")]
    Mixed {
        /// The key that does not fit with the ones before it.
        name: String,
        /// What to write.
        instead: &'static str,
    },
    /// An operator has an operand that it does not take.
    #[error("`{operator}` takes {expected}, not {found}")]
    Operand {
        /// The operator or field.
        operator: String,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A `$regex` does not compile, or is too large.
    #[error("`$regex` is refused: {message}")]
    Regex {
        /// Why.
        message: String,
    },
    /// A `$options` has an unknown letter.
    #[error("`$options` has an unknown letter `{letter}`; known are `i`, `m`, `s` and `x`")]
    RegexOption {
        /// The letter.
        letter: char,
    },
    /// A `$semver` is no version requirement.
    #[error("`$semver` takes a version requirement, as `>=1.2, <2`: {message}")]
    Semver {
        /// Why not.
        message: String,
    },
    /// More of something than a bound allows.
    #[error("too many {what}: at most {max} are allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// Nested deeper than the bound.
    #[error("nested too deep: at most {max} levels are allowed")]
    TooDeep {
        /// The bound.
        max: usize,
    },
    /// A dotted path cannot be used.
    #[error("the path `{path}` {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Two paths write or select the same place.
    #[error("`{first}` and `{second}` concern the same place; keep one of them")]
    Conflict {
        /// One path.
        first: String,
        /// The other one.
        second: String,
    },
    /// The document does not allow the update.
    #[error("cannot apply `{operator}` to `{path}`: {reason}")]
    Inapplicable {
        /// The operator.
        operator: &'static str,
        /// The path.
        path: String,
        /// What stands in its way.
        reason: String,
    },
}

impl Fault {
    /// An operand of the wrong kind.
    pub(crate) fn operand(operator: &str, expected: &'static str, found: &Value) -> Self {
        Self::Operand { operator: echo(operator), expected, found: kind_of(found).to_owned() }
    }

    /// A name that is not in `known`, with the one that it is most like.
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
        Self::UnknownOperator { name: echo(name), nearest, known }
    }
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

/// The caller's text, shortened to what an error may repeat.
pub(crate) fn echo(text: &str) -> String {
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The kind of a value with its article, as errors say it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
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
            let Fault::UnknownOperator { nearest, .. } = Fault::unknown_operator(name, KNOWN)
            else {
                panic!()
            };
            assert_eq!(nearest, want, "{name}");
        }
    }

    #[test]
    fn an_error_repeats_only_the_start_of_a_long_name() {
        let text = Fault::unknown_operator(&"é".repeat(5000), KNOWN).to_string();
        assert!(text.chars().count() < 300, "{text}");
    }

    #[test]
    fn the_platforms_error_keeps_place_and_message_apart() {
        let fault = Fault::TooDeep { max: 3 };
        let error = writ_model::Error::from(QueryError::new("/a/b".to_owned(), fault.clone()));
        assert_eq!(error.location.as_deref(), Some("/a/b"));
        assert_eq!(error.message, fault.to_string());
    }
}
