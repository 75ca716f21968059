//! Dotted paths, and the values at a path of a document.

use std::fmt;

use serde_json::{Map, Value};

use crate::bounds::PATH_SEGMENTS_MAX;
use crate::error::{QueryErrorKind, excerpt};
use crate::location::Location;

/// Aliases of top-level fields: `[("metadata", "executor_metadata")]` makes `metadata.x` mean
/// `executor_metadata.x`.
pub type Aliases<'a> = [(&'a str, &'a str)];

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// The segment as an array index, where it is written as one (`0`, `12`, not `01`).
    pub(crate) index: Option<usize>,
}

/// A path such as `metadata.owners.0.name`; it has at least one segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path {
    segments: Vec<Segment>,
}

/// The values of a path that ends at an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// Every element, and then the array itself.
    Expanded,
    /// Only the array itself.
    Whole,
}

/// Receives each value at a path (`None` where a field is missing); returning `true` ends the
/// visit.
pub(crate) type Visit<'f> = dyn FnMut(Option<&Value>) -> bool + 'f;

impl Path {
    /// Splits the text at dots. Any text is a path; an empty segment names the empty key.
    pub(crate) fn parse(
        text: &str,
        aliases: &Aliases<'_>,
        location: &Location<'_>,
    ) -> Result<Self, crate::QueryError> {
        if text.split('.').count() > PATH_SEGMENTS_MAX {
            return Err(location.error(QueryErrorKind::Path {
                path: excerpt(text),
                reason: format!("has more than {PATH_SEGMENTS_MAX} segments"),
            }));
        }
        let mut segments: Vec<Segment> = text.split('.').map(Segment::new).collect();
        if let Some(first) = segments.first_mut()
            && let Some((_, field)) = aliases.iter().find(|(alias, _)| *alias == first.name)
        {
            *first = Segment::new(field);
        }
        Ok(Self { segments })
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the top-level field of the path.
    pub(crate) fn root(&self) -> &str {
        self.segments.first().map_or("", |segment| &segment.name)
    }

    /// Whether the path is this top-level field itself.
    pub(crate) fn is_field(&self, field: &str) -> bool {
        matches!(self.segments.as_slice(), [only] if only.name == field)
    }

    /// Whether `other` is this path or starts with it.
    pub(crate) fn is_prefix_of(&self, other: &Self) -> bool {
        other.segments.starts_with(&self.segments)
    }

    /// Visits the values at the path as MongoDB's matcher does: through objects by key, and through
    /// an array both by index and by every element that is an object. An array in which no element
    /// continues the path yields no value, which differs from a missing field.
    pub(crate) fn visit(&self, document: &Value, leaf: Leaf, visit: &mut Visit<'_>) -> bool {
        match document {
            Value::Object(fields) => visit_object(fields, &self.segments, leaf, visit),
            // Inside `$elemMatch` an array counts as an object with its indexes as keys.
            Value::Array(elements) => match self.segments.split_first() {
                Some((first, rest)) => {
                    let element = first.index.and_then(|index| elements.get(index));
                    visit_field(element, rest, leaf, visit)
                }
                None => false,
            },
            _ => visit(None),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            write!(f, "{dot}{}", segment.name)?;
        }
        Ok(())
    }
}

impl Segment {
    fn new(name: &str) -> Self {
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = name == "0" || !name.starts_with('0');
        let index = if digits && canonical { name.parse().ok() } else { None };
        Self { name: name.to_owned(), index }
    }
}

fn visit_object(
    fields: &Map<String, Value>,
    path: &[Segment],
    leaf: Leaf,
    visit: &mut Visit<'_>,
) -> bool {
    match path.split_first() {
        Some((first, rest)) => visit_field(fields.get(&first.name), rest, leaf, visit),
        None => false,
    }
}

fn visit_field(value: Option<&Value>, rest: &[Segment], leaf: Leaf, visit: &mut Visit<'_>) -> bool {
    match (value, rest.is_empty()) {
        (Some(value), true) => visit_leaf(value, leaf, visit),
        (Some(Value::Object(fields)), false) => visit_object(fields, rest, leaf, visit),
        (Some(Value::Array(elements)), false) => visit_array(elements, rest, leaf, visit),
        _ => visit(None),
    }
}

/// Visits one value like the end of a path.
pub(crate) fn visit_leaf(value: &Value, leaf: Leaf, visit: &mut Visit<'_>) -> bool {
    if let (Value::Array(elements), Leaf::Expanded) = (value, leaf) {
        return elements.iter().any(|element| visit(Some(element))) || visit(Some(value));
    }
    visit(Some(value))
}

fn visit_array(elements: &[Value], path: &[Segment], leaf: Leaf, visit: &mut Visit<'_>) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    let through_objects = elements.iter().any(|element| match element {
        Value::Object(fields) => visit_object(fields, path, leaf, visit),
        _ => false,
    });
    if through_objects {
        return true;
    }
    match (first.index.and_then(|index| elements.get(index)), rest.is_empty()) {
        // MongoDB does not expand an array that is reached by an index.
        (Some(element), true) => visit(Some(element)),
        (Some(Value::Object(fields)), false) => visit_object(fields, rest, leaf, visit),
        (Some(Value::Array(inner)), false) => visit_array(inner, rest, leaf, visit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(path: &str, document: &Value) -> Value {
        let path = Path::parse(path, &[], &Location::Root).unwrap();
        let mut seen = Vec::new();
        path.visit(document, Leaf::Expanded, &mut |value| {
            seen.push(value.cloned().unwrap_or_else(|| json!("MISSING")));
            false
        });
        Value::Array(seen)
    }

    /// The cases of MongoDB's own path tests that JSON can express.
    #[test]
    fn a_path_leads_where_it_leads_in_mongodb() {
        for (path, document, want) in [
            ("a", json!({"a": 5}), json!([5])),
            ("a", json!({}), json!(["MISSING"])),
            ("a", json!({"a": [5, 6]}), json!([5, 6, [5, 6]])),
            ("a", json!({"a": []}), json!([[]])),
            ("a.b", json!({"a": 5}), json!(["MISSING"])),
            ("a.b", json!({"a": {"b": [1]}}), json!([1, [1]])),
            (
                "a.b",
                json!({"a": [{"b": 5}, 3, {}, {"b": [9, 11]}]}),
                json!([5, "MISSING", 9, 11, [9, 11]]),
            ),
            ("a.b", json!({"a": [1, 2]}), json!([])),
            ("a.b", json!({"a": []}), json!([])),
            ("a.b", json!({"a": [[{"b": 1}]]}), json!([])),
            ("a.1", json!({"a": [5, 7, 3]}), json!([7])),
            ("a.1", json!({"a": [5, [2, 4]]}), json!([[2, 4]])),
            ("a.1", json!({"a": [5, {"1": 4}]}), json!([4, {"1": 4}])),
            ("a.1.b", json!({"a": [5, {"b": 4}]}), json!(["MISSING", 4])),
            ("a.1.b", json!({"a": [5, [{"b": 4}]]}), json!([4])),
            ("a.01", json!({"a": [5, 7]}), json!([])),
            ("a.0", json!({"a": {"0": 1}}), json!([1])),
        ] {
            assert_eq!(values(path, &document), want, "`{path}` in {document}");
        }
    }

    #[test]
    fn an_alias_renames_the_first_segment_only() {
        let aliases: &Aliases<'_> = &[("metadata", "executor_metadata")];
        let parse = |text| Path::parse(text, aliases, &Location::Root).unwrap().to_string();
        assert_eq!(parse("metadata.metadata"), "executor_metadata.metadata");
        assert_eq!(parse("x.metadata"), "x.metadata");
    }
}
