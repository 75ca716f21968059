//! Errors of a schedule's timing, with the invalid part and the fix.

use writ_model::Timestamp;

use crate::timing::FLEXIBLE_WINDOW_MINUTES_MAX;

/// How much of an invalid text a message repeats, in characters.
const ECHO_MAX: usize = 64;

/// The error of an invalid expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} `{value}` {advice}")]
pub struct ExpressionError {
    field: &'static str,
    value: String,
    advice: String,
}

impl ExpressionError {
    pub(crate) fn new(field: &'static str, value: &str, advice: impl Into<String>) -> Self {
        let mut shown: String = value.chars().take(ECHO_MAX).collect();
        if shown.len() < value.len() {
            shown.push_str("...");
        }
        Self { field, value: shown, advice: advice.into() }
    }

    /// Returns the invalid part of the expression, such as `day-of-week`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the text of that part, truncated if it is long.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns the problem and the fix, as the second half of a sentence.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

/// The error of an invalid timing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// The expression is invalid.
    #[error("expression: {0}")]
    Expression(#[from] ExpressionError),
    /// No time zone has this name.
    #[error("timezone: `{name}` is not a time zone{}", maybe(.nearest.as_deref()))]
    Zone {
        /// The name as the caller wrote it.
        name: String,
        /// The most similar known name; `None` where none is similar.
        nearest: Option<String>,
    },
    /// The schedule would end before it starts.
    #[error("end_at: `{end_at}` is not after the start, `{start_at}`: write a later end")]
    Order {
        /// The start of the schedule.
        start_at: Timestamp,
        /// The end of the schedule.
        end_at: Timestamp,
    },
    /// The flexible window is out of bounds.
    #[error(
        "flexible_window_minutes: `{0}` is not from 1 to {FLEXIBLE_WINDOW_MINUTES_MAX}: leave it \
         out to run on time"
    )]
    Window(u32),
}

impl TimingError {
    /// Returns the invalid member of [`crate::TimingSpec`].
    #[must_use]
    pub fn member(&self) -> &'static str {
        match self {
            Self::Expression(_) => "expression",
            Self::Zone { .. } => "timezone",
            Self::Order { .. } => "end_at",
            Self::Window(_) => "flexible_window_minutes",
        }
    }
}

fn maybe(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!(": did you mean `{name}`"),
        None => ": write an IANA name such as `Europe/Berlin`, or `UTC`".to_owned(),
    }
}
