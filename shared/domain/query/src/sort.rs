//! Sorts, which order the documents of a query.

use std::cmp::Ordering;
use std::str::FromStr;

use serde_json::Value;

use crate::bounds::PATHS_MAX;
use crate::error::{QueryError, QueryErrorKind, type_name};
use crate::field_list;
use crate::location::Location;
use crate::number::as_count;
use crate::order;
use crate::path::{Aliases, Path, Segment};
use crate::plan::Direction;

/// A parsed sort: fields with directions, in order of precedence.
///
/// Values of different types are in MongoDB's order (missing and null, numbers, strings, objects,
/// arrays, booleans). An array counts as its smallest element when ascending and as its largest
/// when descending; an empty one comes before null. Each field chooses its element independently,
/// where MongoDB rejects a sort by two arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    keys: Vec<(Path, Direction)>,
}

impl Sort {
    /// Parses a sort such as `{"name": 1, "version": -1}`; `{}` leaves the order unspecified.
    ///
    /// # Errors
    /// Returns an error where a direction is neither 1 nor -1, or a path is invalid.
    pub fn parse(sort: &Value) -> Result<Self, QueryError> {
        Self::parse_with(sort, &[])
    }

    /// Parses a sort in which `aliases` are further names of top-level fields.
    ///
    /// # Errors
    /// The same as those of [`Sort::parse`].
    pub fn parse_with(sort: &Value, aliases: &Aliases<'_>) -> Result<Self, QueryError> {
        let Value::Object(fields) = sort else {
            let example = r#"{"name": 1, "version": -1}"#;
            let kind =
                QueryErrorKind::NotAnObject { subject: "a sort", example, found: type_name(sort) };
            return Err(Location::Root.error(kind));
        };
        if fields.len() > PATHS_MAX {
            return Err(Location::Root
                .error(QueryErrorKind::TooMany { what: "fields in the sort", max: PATHS_MAX }));
        }
        let mut keys: Vec<(Path, Direction)> = Vec::with_capacity(fields.len());
        for (field, direction) in fields {
            let location = &Location::Key(&Location::Root, field);
            keys.push((
                Path::parse(field, aliases, location)?,
                parse_direction(field, direction, location)?,
            ));
        }
        Ok(Self { keys })
    }

    /// Parses a sort from a query parameter: `name,-version`, or a JSON object.
    ///
    /// # Errors
    /// The same as those of [`Sort::parse`], and a field that is repeated or empty.
    pub fn parse_text(text: &str, aliases: &Aliases<'_>) -> Result<Self, QueryError> {
        Self::parse_with(&field_list::parse("a sort", text, -1)?, aliases)
    }

    /// Whether the sort leaves the order unspecified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Compares two documents; equal where the sort does not order them.
    #[must_use]
    pub fn compare(&self, left: &Value, right: &Value) -> Ordering {
        for (path, direction) in &self.keys {
            let keys = (Key::of(left, path, *direction), Key::of(right, path, *direction));
            let order = match direction {
                Direction::Ascending => keys.0.compare(keys.1),
                Direction::Descending => keys.1.compare(keys.0),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    pub(crate) fn keys(&self) -> &[(Path, Direction)] {
        &self.keys
    }
}

impl FromStr for Sort {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse_text(text, &[])
    }
}

fn parse_direction(
    field: &str,
    value: &Value,
    location: &Location<'_>,
) -> Result<Direction, QueryError> {
    if let Value::Number(number) = value {
        if as_count(number) == Some(1) {
            return Ok(Direction::Ascending);
        }
        if order::equal(value, &Value::from(-1)) {
            return Ok(Direction::Descending);
        }
        let found = format!("`{}`", crate::error::excerpt(number.as_str()));
        let operator = crate::error::excerpt(field);
        return Err(location.error(QueryErrorKind::Operand {
            operator,
            expected: "1 or -1",
            found,
        }));
    }
    Err(location.error(QueryErrorKind::operand(field, "1 or -1", value)))
}

/// The sort key of a document.
#[derive(Clone, Copy)]
enum Key<'v> {
    EmptyArray,
    Value(&'v Value),
}

impl<'v> Key<'v> {
    fn of(document: &'v Value, path: &Path, direction: Direction) -> Self {
        let mut best: Option<Self> = None;
        collect(document, path.segments(), &mut |key| {
            let better = best.is_none_or(|best| match direction {
                Direction::Ascending => key.compare(best) == Ordering::Less,
                Direction::Descending => key.compare(best) == Ordering::Greater,
            });
            if better {
                best = Some(key);
            }
        });
        best.unwrap_or(Self::Value(&Value::Null))
    }

    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => order::compare(left, right),
            (Self::EmptyArray, Self::EmptyArray) => Ordering::Equal,
            (Self::EmptyArray, Self::Value(_)) => Ordering::Less,
            (Self::Value(_), Self::EmptyArray) => Ordering::Greater,
        }
    }
}

/// Yields every value that an index on the path would have for the document.
fn collect<'v>(value: &'v Value, path: &[Segment], take: &mut dyn FnMut(Key<'v>)) {
    let null = Key::Value(&Value::Null);
    match (value, path.split_first()) {
        (Value::Array(elements), None) if elements.is_empty() => take(Key::EmptyArray),
        (Value::Array(elements), None) => {
            elements.iter().for_each(|element| take(Key::Value(element)))
        }
        (value, None) => take(Key::Value(value)),
        (Value::Object(fields), Some((first, rest))) => match fields.get(&first.name) {
            Some(value) => collect(value, rest, take),
            None => take(null),
        },
        (Value::Array(elements), Some((first, rest))) => {
            if let Some(element) = first.index.and_then(|index| elements.get(index)) {
                return collect(element, rest, take);
            }
            if elements.is_empty() {
                take(null);
            }
            for element in elements {
                if element.is_object() { collect(element, path, take) } else { take(null) }
            }
        }
        _ => take(null),
    }
}
