//! What is wrong with a schedule's timing, where, and what to write instead.

use writ_model::Timestamp;

use crate::timing::FLEXIBLE_WINDOW_MINUTES_MAX;

/// How much of a refused text a message repeats, in characters.
const ECHO_MAX: usize = 64;

/// A text that is not an expression.
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

    /// The part of the expression that is wrong, such as `day-of-week`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What stands there, its beginning if it is long.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is wrong with it, and what to write instead.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

/// Why a schedule's timing is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// The expression cannot be read.
    #[error("expression: {0}")]
    Expression(#[from] ExpressionError),
    /// No time zone has this name.
    #[error("timezone: `{name}` is not a time zone{}", maybe(.nearest.as_deref()))]
    Zone {
        /// The name as given.
        name: String,
        /// The known name that is most like it.
        nearest: Option<String>,
    },
    /// The schedule would end before it starts.
    #[error("end_at: `{end_at}` is not after the start, `{start_at}`: write a later end")]
    Order {
        /// When the schedule starts.
        start_at: Timestamp,
        /// When it ends.
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
    /// The member of [`crate::TimingSpec`] that is wrong.
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
