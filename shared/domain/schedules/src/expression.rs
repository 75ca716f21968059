//! Schedule expressions: `rate(...)`, `cron(...)` and `at(...)`.

use std::fmt;
use std::str::FromStr;

use writ_model::Timestamp;

use crate::at::At;
use crate::cron::{Cron, suggestion};
use crate::error::ExpressionError;
use crate::rate::Rate;
use crate::zone::Zone;

/// The maximum length of an expression, as written and as printed, in bytes: the limit of
/// EventBridge.
pub const EXPRESSION_LENGTH_MAX: usize = 256;

const FORM: &str = "is not a schedule: write `rate(5 minutes)`, `cron(0 9 ? * MON-FRI *)` or \
                    `at(2026-01-31T09:30:00)`";

/// Nicknames of other schedulers, with the six fields that they mean.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 ? *"),
    ("@annually", "0 0 1 1 ? *"),
    ("@monthly", "0 0 1 * ? *"),
    ("@weekly", "0 0 ? * SUN *"),
    ("@daily", "0 0 * * ? *"),
    ("@midnight", "0 0 * * ? *"),
    ("@hourly", "0 * * * ? *"),
];

/// A schedule expression. It is displayed in the form that EventBridge documents: steps from a
/// number, ranges that do not wrap, days by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Fires repeatedly after a fixed time.
    Rate(Rate),
    /// Fires at the matching wall-clock times.
    Cron(Box<Cron>),
    /// Fires once, at a wall-clock time.
    At(At),
}

impl Expression {
    /// Parses an expression of any kind.
    ///
    /// # Errors
    /// Returns an error with the invalid field, its text and the fix. A cron expression that
    /// matches no day of the years 1970 to 2199, such as 30 February, is also an error.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > EXPRESSION_LENGTH_MAX {
            return Err(too_long(text));
        }
        let text = text.trim();
        let Some((kind, body)) = text.strip_suffix(')').and_then(|rest| rest.split_once('('))
        else {
            return Err(bare(text));
        };
        let expression = match kind.trim().to_ascii_lowercase().as_str() {
            "rate" => Self::Rate(Rate::parse(body.trim())?),
            "cron" => Self::Cron(Box::new(Cron::parse(body.trim())?)),
            "at" => Self::At(At::parse(body.trim())?),
            _ => return Err(ExpressionError::new("expression", text, FORM)),
        };
        if expression.to_string().len() > EXPRESSION_LENGTH_MAX {
            return Err(too_long(text));
        }
        Ok(expression)
    }

    /// Returns the first fire strictly after `after`. A rate counts from `anchor`.
    pub(crate) fn next_after(
        &self,
        zone: &Zone,
        anchor: Timestamp,
        after: Timestamp,
    ) -> Option<Timestamp> {
        match self {
            Self::Rate(rate) => rate
                .next_after(anchor.as_ms(), after.as_ms())
                .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()),
            Self::Cron(cron) => cron
                .next_after(zone.rules(), jiff::Timestamp::from_millisecond(after.as_ms()).ok()?),
            Self::At(at) => {
                at.instant(zone.rules()).filter(|instant| instant.as_millisecond() > after.as_ms())
            }
        }
        .map(|instant| Timestamp::from_ms(instant.as_millisecond()))
    }
}

fn too_long(text: &str) -> ExpressionError {
    ExpressionError::new(
        "expression",
        text,
        format!(
            "is longer than {EXPRESSION_LENGTH_MAX} characters when written out: write ranges or \
             steps from a number, or make two schedules"
        ),
    )
}

/// Returns the error of a text that is not `word(...)`.
fn bare(text: &str) -> ExpressionError {
    let lower = text.to_ascii_lowercase();
    let nickname = NICKNAMES.iter().find(|(name, _)| *name == lower);
    let meant = match nickname {
        Some((_, cron)) => Some((*cron).to_owned()),
        None => suggestion(text),
    };
    let advice = match meant {
        Some(cron) => format!("is not a schedule here: write `cron({cron})`"),
        None => FORM.to_owned(),
    };
    ExpressionError::new("expression", text, advice)
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "rate({rate})"),
            Self::Cron(cron) => write!(f, "cron({cron})"),
            Self::At(at) => write!(f, "at({at})"),
        }
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
