//! Filters, which select the documents of a query.

mod bson_type;
mod matching;
mod operand;
mod parse;
mod pattern;
mod version;

use serde_json::Value;

use crate::location::Location;
use crate::path::{Aliases, Path};
use crate::{QueryError, error};

use parse::check_size;
pub(crate) use pattern::Anchor;

/// A parsed MongoDB filter.
///
/// Operators: `$eq $ne $gt $gte $lt $lte $in $nin $exists $type $regex $options $not $all $size
/// $elemMatch $semver` on fields, `$and $or $nor` around filters. `{}` matches everything.
#[derive(Clone, Debug)]
pub struct Filter {
    root: Node,
}

impl Filter {
    /// The operators around filters.
    pub const LOGICAL_OPERATORS: &[&str] = parse::LOGICAL;

    /// The operators on fields.
    pub const FIELD_OPERATORS: &[&str] = parse::ON_FIELDS;

    /// Parses a filter from a JSON object.
    ///
    /// # Errors
    /// Returns an error with the location of an invalid or unknown operator, or of a filter beyond
    /// the limits of [`crate::bounds`].
    pub fn parse(filter: &Value) -> Result<Self, QueryError> {
        Self::parse_with(filter, &[])
    }

    /// Parses a filter in which `aliases` are further names of top-level fields.
    ///
    /// # Errors
    /// The same as those of [`Filter::parse`].
    pub fn parse_with(filter: &Value, aliases: &Aliases<'_>) -> Result<Self, QueryError> {
        parse::filter(filter, aliases).map(|root| Self { root })
    }

    /// Whether the filter matches the document. Never fails: an operator that does not apply to a
    /// value does not match it.
    #[must_use]
    pub fn matches(&self, document: &Value) -> bool {
        self.root.matches(document)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}

/// A condition on a whole document.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Nor(Vec<Node>),
    /// Each clause on its own holds for some value at the path.
    Field(Path, Vec<Clause>),
}

/// A condition on the values at a path.
#[derive(Clone, Debug)]
pub(crate) enum Clause {
    Test(Test),
    Not(Vec<Clause>),
    All(Vec<Clause>),
}

/// A condition on one value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Compare(Comparison, Value),
    In(Vec<Value>),
    Exists,
    Type(Vec<bson_type::BsonType>),
    Pattern(pattern::Pattern),
    Size(usize),
    ElementMatches(Box<Node>),
    ElementIs(Vec<Clause>),
    Semver(semver::VersionReq),
    /// The test of `$all: []`, which matches nothing.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// The operand of `$pull`: a value, or a condition on the elements to remove.
#[derive(Clone, Debug)]
pub(crate) enum ElementFilter {
    Equals(Value),
    /// Matches an element that is an object and that the filter matches.
    Matches(Node),
    /// Matches an element for which all operators hold.
    Is(Vec<Clause>),
}

impl ElementFilter {
    pub(crate) fn parse(value: &Value, location: &Location<'_>) -> Result<Self, QueryError> {
        match value {
            Value::Object(fields) => {
                check_size(value, location)?;
                parse::element(fields, location)
            }
            _ => Ok(Self::Equals(value.clone())),
        }
    }

    pub(crate) fn matches(&self, element: &Value) -> bool {
        match self {
            Self::Equals(value) => crate::order::equal(value, element),
            Self::Matches(node) => element.is_object() && node.matches(element),
            Self::Is(clauses) => clauses.iter().all(|clause| clause.matches_leaf(element)),
        }
    }
}

const EXAMPLE: &str = r#"{"name": "ip_allowlist"}"#;

fn not_an_object(value: &Value, location: &Location<'_>) -> QueryError {
    location.error(error::QueryErrorKind::NotAnObject {
        subject: "a filter",
        example: EXAMPLE,
        found: error::type_name(value),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alias_applies_at_the_top_and_not_inside_elements() {
        let aliases = [("metadata", "executor_metadata")];
        let filter =
            json!({"$or": [{"metadata.zone": "eu"}, {"jobs": {"$elemMatch": {"metadata": 1}}}]});
        let filter = Filter::parse_with(&filter, &aliases).unwrap();
        assert!(filter.matches(&json!({"executor_metadata": {"zone": "eu"}})));
        assert!(!filter.matches(&json!({"metadata": {"zone": "eu"}})));
        assert!(filter.matches(&json!({"jobs": [{"metadata": 1}]})));
        assert!(!filter.matches(&json!({"jobs": [{"executor_metadata": 1}]})));
    }

    #[test]
    fn a_document_that_is_no_object_has_no_fields() {
        let missing = Filter::parse(&json!({"a": null})).unwrap();
        let present = Filter::parse(&json!({"a": {"$exists": true}})).unwrap();
        for document in [json!(1), json!("a"), json!(null)] {
            assert!(missing.matches(&document), "{document}");
            assert!(!present.matches(&document), "{document}");
        }
    }
}
