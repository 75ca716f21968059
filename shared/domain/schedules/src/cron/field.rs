//! A field of a cron expression, and its values.

use std::fmt;

use crate::error::ExpressionError;

/// The definition of a field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The field's name in the guide.
    pub(crate) name: &'static str,
    /// The smallest value of the field.
    pub(crate) min: i16,
    /// The largest value of the field.
    pub(crate) max: i16,
    /// The names of the values from `min` on; empty if they have none.
    names: &'static [&'static str],
    /// Whether values are printed by name.
    prints_names: bool,
    /// Whether the guide lists `/` for the field.
    steps: bool,
    /// Whether a range may wrap around from the end to the start.
    wraps: bool,
}

const PLAIN: Field =
    Field { name: "", min: 0, max: 0, names: &[], prints_names: false, steps: true, wraps: true };

pub(crate) static MINUTES: Field = Field { name: "minutes", max: 59, ..PLAIN };
pub(crate) static HOURS: Field = Field { name: "hours", max: 23, ..PLAIN };
pub(crate) static DAY_OF_MONTH: Field = Field { name: "day-of-month", min: 1, max: 31, ..PLAIN };
pub(crate) static MONTHS: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ..PLAIN
};
pub(crate) static DAY_OF_WEEK: Field = Field {
    name: "day-of-week",
    min: 1,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    prints_names: true,
    steps: false,
    ..PLAIN
};
pub(crate) const YEAR: Field = Field { name: "year", min: 1970, max: 2199, wraps: false, ..PLAIN };

impl Field {
    pub(crate) fn refuse(&self, text: &str, advice: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.name, text, advice)
    }

    /// Describes the permitted values.
    fn range(&self) -> String {
        let Self { min, max, .. } = self;
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!("{min} to {max} or {first} to {last}"),
            _ => format!("{min} to {max}"),
        }
    }

    /// Parses one value, given by number or by name.
    pub(crate) fn value(&self, text: &str) -> Result<i16, ExpressionError> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(value) = named.and_then(|index| i16::try_from(index).ok()) {
            return Ok(self.min + value);
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value =
            text.parse().ok().filter(|value| digits && (self.min..=self.max).contains(value));
        value.ok_or_else(|| {
            let sunday = if self.steps { "" } else { "; Sunday is 1, Saturday is 7" };
            self.refuse(text, format!("is not a value: write {}{sunday}", self.range()))
        })
    }

    fn print(&self, value: i16) -> String {
        let index = usize::try_from(value - self.min).unwrap_or_default();
        match self.names.get(index) {
            Some(name) if self.prints_names => (*name).to_owned(),
            _ => value.to_string(),
        }
    }
}

/// One item of a field, in a form of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    Every,
    One(i16),
    Range(i16, i16),
    /// Every `step`th value from `first` to the field's end.
    Step {
        first: i16,
        step: i16,
    },
}

/// The values of a field in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Values {
    field: &'static Field,
    terms: Vec<Term>,
    /// The values in ascending order, without duplicates.
    members: Vec<i16>,
}

impl Values {
    pub(crate) fn parse(field: &'static Field, text: &str) -> Result<Self, ExpressionError> {
        let mut terms = Vec::new();
        for item in text.split(',') {
            parse_item(field, item, &mut terms)?;
        }
        if terms.len() > 1 && terms.contains(&Term::Every) {
            return Err(field.refuse(text, "has `*` in a list: `*` is every value, write it alone"));
        }
        let members = (field.min..=field.max)
            .filter(|value| terms.iter().any(|term| term.contains(*value)))
            .collect();
        Ok(Self { field, terms, members })
    }

    /// Returns the values from `least` on, in order.
    pub(crate) fn members_from(&self, least: i16) -> impl Iterator<Item = i16> + '_ {
        let start = self.members.partition_point(|value| *value < least);
        self.members.iter().skip(start).copied()
    }

    pub(crate) fn contains(&self, value: i16) -> bool {
        self.members.binary_search(&value).is_ok()
    }
}

impl Term {
    fn contains(self, value: i16) -> bool {
        match self {
            Self::Every => true,
            Self::One(one) => value == one,
            Self::Range(first, last) => (first..=last).contains(&value),
            Self::Step { first, step } => value >= first && (value - first) % step == 0,
        }
    }
}

fn parse_item(field: &Field, item: &str, terms: &mut Vec<Term>) -> Result<(), ExpressionError> {
    if item == "?" {
        return Err(field.refuse(item, "stands only for a day: write `*` for every value"));
    }
    let (span, step) = match item.split_once('/') {
        None => (item, None),
        Some((span, step)) => (span, Some(parse_step(field, item, step)?)),
    };
    match (span.split_once('-'), step) {
        (None, None) if span == "*" => terms.push(Term::Every),
        (None, Some(1)) if span == "*" => terms.push(Term::Every),
        (None, Some(step)) if span == "*" => terms.push(Term::Step { first: field.min, step }),
        (None, None) => terms.push(Term::One(field.value(span)?)),
        (None, Some(step)) => terms.push(Term::Step { first: field.value(span)?, step }),
        (Some((first, last)), step) => {
            let (first, last) = (field.value(first)?, field.value(last)?);
            if first > last && !field.wraps {
                return Err(field.refuse(item, "ends before it begins: write the earlier first"));
            }
            push_range(field, first, last, step.unwrap_or(1), terms);
        }
    }
    Ok(())
}

fn parse_step(field: &Field, item: &str, step: &str) -> Result<i16, ExpressionError> {
    if !field.steps {
        return Err(field.refuse(item, "has a step: write the days, such as `MON,WED,FRI`"));
    }
    let widest = field.max - field.min;
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    step.parse().ok().filter(|step| digits && (1..=widest).contains(step)).ok_or_else(|| {
        field.refuse(item, format!("has a step out of bounds: write 1 to {widest} after the `/`"))
    })
}

/// Adds a range in the forms of the guide: a range that wraps becomes two, one with a step becomes
/// its values.
fn push_range(field: &Field, first: i16, last: i16, step: i16, terms: &mut Vec<Term>) {
    let whole = |first, last| match first == last {
        true => Term::One(first),
        false => Term::Range(first, last),
    };
    if step == 1 && first <= last {
        terms.push(whole(first, last));
    } else if step == 1 {
        terms.extend([whole(first, field.max), whole(field.min, last)]);
    } else {
        let size = field.max - field.min + 1;
        let length = (last - first).rem_euclid(size);
        let offsets = (0..=length).filter(|offset| offset % step == 0);
        terms
            .extend(offsets.map(|offset| {
                Term::One(field.min + (first - field.min + offset).rem_euclid(size))
            }));
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let name = |value| self.field.print(value);
            match *term {
                Term::Every => f.write_str("*")?,
                Term::One(value) => f.write_str(&name(value))?,
                Term::Range(first, last) => write!(f, "{}-{}", name(first), name(last))?,
                Term::Step { first, step } => write!(f, "{}/{step}", name(first))?,
            }
        }
        Ok(())
    }
}
