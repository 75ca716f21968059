//! Projections, which select the fields of a document to return.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::bounds::PATHS_MAX;
use crate::error::{QueryError, QueryErrorKind, excerpt, type_name};
use crate::field_list;
use crate::location::Location;
use crate::number::as_count;
use crate::path::{Aliases, Path, Segment};

/// A parsed projection: the fields to include, or the fields to exclude.
///
/// Paths descend into objects and into every element of arrays, as in MongoDB; a number in a path
/// is a key, not an index. The remaining fields keep the document's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    keep: bool,
    fields: Fields,
}

type Fields = BTreeMap<String, Branch>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Branch {
    Whole,
    Below(Fields),
}

impl Projection {
    /// Parses a projection such as `{"name": 1}` or `{"code": 0}`; `{}` includes all fields.
    ///
    /// # Errors
    /// Returns an error where a flag is neither 0 nor 1, both are mixed, or one path is part of
    /// another.
    pub fn parse(projection: &Value) -> Result<Self, QueryError> {
        Self::parse_with(projection, &[])
    }

    /// Parses a projection in which `aliases` are further names of top-level fields.
    ///
    /// # Errors
    /// The same as those of [`Projection::parse`].
    pub fn parse_with(projection: &Value, aliases: &Aliases<'_>) -> Result<Self, QueryError> {
        let Value::Object(flags) = projection else {
            let example = r#"{"name": 1, "version": 1}"#;
            let kind = QueryErrorKind::NotAnObject {
                subject: "a projection",
                example,
                found: type_name(projection),
            };
            return Err(Location::Root.error(kind));
        };
        if flags.len() > PATHS_MAX {
            return Err(Location::Root.error(QueryErrorKind::TooMany {
                what: "fields in the projection",
                max: PATHS_MAX,
            }));
        }
        let mut keep = None;
        let mut fields = Fields::new();
        for (field, flag) in flags {
            let location = &Location::Key(&Location::Root, field);
            let flag = parse_flag(field, flag, location)?;
            if *keep.get_or_insert(flag) != flag {
                let instead = "is the other way round than the fields before it; either keep fields with 1 or leave some out with 0";
                return Err(location.error(QueryErrorKind::Mixed { name: excerpt(field), instead }));
            }
            let path = Path::parse(field, aliases, location)?;
            if !insert(&mut fields, path.segments()) {
                return Err(location.error(QueryErrorKind::Conflict {
                    first: excerpt(field),
                    second: "another path".to_owned(),
                }));
            }
        }
        Ok(Self { keep: keep.unwrap_or(false), fields })
    }

    /// Parses a projection from a query parameter: `name,version` includes fields, `-code` excludes
    /// one; or a JSON object.
    ///
    /// # Errors
    /// The same as those of [`Projection::parse`], and a field that is repeated or empty.
    pub fn parse_text(text: &str, aliases: &Aliases<'_>) -> Result<Self, QueryError> {
        Self::parse_with(&field_list::parse("a projection", text, 0)?, aliases)
    }

    /// Applies the projection to a document.
    #[must_use]
    pub fn apply(&self, document: &Value) -> Value {
        match document {
            Value::Object(object) => Value::Object(self.object(object, &self.fields)),
            other => other.clone(),
        }
    }

    fn object(&self, object: &Map<String, Value>, fields: &Fields) -> Map<String, Value> {
        object
            .iter()
            .filter_map(|(key, value)| {
                let remaining = match fields.get(key) {
                    None => (!self.keep).then(|| value.clone()),
                    Some(Branch::Whole) => self.keep.then(|| value.clone()),
                    Some(Branch::Below(fields)) => self.below(value, fields),
                };
                remaining.map(|value| (key.clone(), value))
            })
            .collect()
    }

    /// A value without fields has nothing to include and nothing to exclude.
    fn below(&self, value: &Value, fields: &Fields) -> Option<Value> {
        match value {
            Value::Object(object) => Some(Value::Object(self.object(object, fields))),
            Value::Array(elements) => Some(Value::Array(
                elements.iter().filter_map(|element| self.below(element, fields)).collect(),
            )),
            other => (!self.keep).then(|| other.clone()),
        }
    }
}

impl FromStr for Projection {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse_text(text, &[])
    }
}

fn parse_flag(field: &str, value: &Value, location: &Location<'_>) -> Result<bool, QueryError> {
    let flag = match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match as_count(number) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    };
    flag.ok_or_else(|| {
        location.error(QueryErrorKind::operand(field, "1 to keep it or 0 to leave it out", value))
    })
}

/// Inserts a path. Returns `false` where it equals, contains or is part of an earlier one.
fn insert(fields: &mut Fields, path: &[Segment]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return fields.insert(first.name.clone(), Branch::Whole).is_none();
    }
    match fields.entry(first.name.clone()).or_insert_with(|| Branch::Below(Fields::new())) {
        Branch::Whole => false,
        Branch::Below(below) => insert(below, rest),
    }
}
