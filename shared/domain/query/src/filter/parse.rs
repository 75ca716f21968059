//! Parses a filter from JSON.

use serde_json::{Map, Value};

use super::operand::{equal, operand_error, parse_literals, parse_operator};
use super::pattern::Pattern;
use super::{Clause, ElementFilter, Node, Test, not_an_object};
use crate::bounds::{FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_REGEXES_MAX};
use crate::error::{QueryError, QueryErrorKind, excerpt};
use crate::location::Location;
use crate::path::{Aliases, Path};

/// The operators around filters.
pub(super) const LOGICAL: &[&str] = &["$and", "$or", "$nor"];

/// The operators on fields; any other one is unknown.
pub(super) const ON_FIELDS: &[&str] = &[
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$type",
    "$regex",
    "$options",
    "$not",
    "$all",
    "$size",
    "$elemMatch",
    "$semver",
];

pub(super) fn filter(value: &Value, aliases: &Aliases<'_>) -> Result<Node, QueryError> {
    if !value.is_object() {
        return Err(not_an_object(value, &Location::Root));
    }
    check_size(value, &Location::Root)?;
    Parser { regexes: 0 }.node(value, aliases, &Location::Root)
}

/// Parses the operand of `$pull`, which is an object.
pub(super) fn element(
    fields: &Map<String, Value>,
    location: &Location<'_>,
) -> Result<ElementFilter, QueryError> {
    let mut parser = Parser { regexes: 0 };
    if is_condition(fields) {
        parser.clauses(fields, location).map(ElementFilter::Is)
    } else {
        parser.fields(fields, &[], location).map(ElementFilter::Matches)
    }
}

/// Whether an object holds operators on a value, rather than a filter on its fields.
fn is_condition(fields: &Map<String, Value>) -> bool {
    fields.keys().next().is_some_and(|key| key.starts_with('$') && !LOGICAL.contains(&key.as_str()))
}

/// Rejects a value that is nested too deep or too large, before any other recursion into it.
pub(super) fn check_size(value: &Value, location: &Location<'_>) -> Result<(), QueryError> {
    fn walk(
        value: &Value,
        location: &Location<'_>,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), QueryError> {
        *nodes += 1;
        if *nodes > FILTER_NODES_MAX {
            return Err(location.error(QueryErrorKind::TooMany {
                what: "values in the filter",
                max: FILTER_NODES_MAX,
            }));
        }
        if depth > FILTER_DEPTH_MAX {
            return Err(location.error(QueryErrorKind::TooDeep { max: FILTER_DEPTH_MAX }));
        }
        match value {
            Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
                walk(value, &Location::Key(location, key), depth + 1, nodes)
            }),
            Value::Array(elements) => elements.iter().enumerate().try_for_each(|(index, value)| {
                walk(value, &Location::Index(location, index), depth + 1, nodes)
            }),
            _ => Ok(()),
        }
    }
    walk(value, location, 0, &mut 0)
}

struct Parser {
    regexes: usize,
}

impl Parser {
    fn node(
        &mut self,
        value: &Value,
        aliases: &Aliases<'_>,
        location: &Location<'_>,
    ) -> Result<Node, QueryError> {
        match value {
            Value::Object(fields) => self.fields(fields, aliases, location),
            other => Err(not_an_object(other, location)),
        }
    }

    fn fields(
        &mut self,
        fields: &Map<String, Value>,
        aliases: &Aliases<'_>,
        location: &Location<'_>,
    ) -> Result<Node, QueryError> {
        let mut nodes = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            let location = &Location::Key(location, key);
            nodes.push(match key.as_str() {
                "$and" => Node::And(self.list(key, value, aliases, location)?),
                "$or" => Node::Or(self.list(key, value, aliases, location)?),
                "$nor" => Node::Nor(self.list(key, value, aliases, location)?),
                operator if operator.starts_with('$') => {
                    return Err(location.error(not_logical(operator)));
                }
                path => Node::Field(
                    Path::parse(path, aliases, location)?,
                    self.condition(value, location)?,
                ),
            });
        }
        Ok(Node::And(nodes))
    }

    fn list(
        &mut self,
        operator: &str,
        value: &Value,
        aliases: &Aliases<'_>,
        location: &Location<'_>,
    ) -> Result<Vec<Node>, QueryError> {
        match value {
            Value::Array(filters) if !filters.is_empty() => filters
                .iter()
                .enumerate()
                .map(|(index, filter)| {
                    self.node(filter, aliases, &Location::Index(location, index))
                })
                .collect(),
            other => Err(operand_error(operator, "a list of at least one filter", other, location)),
        }
    }

    /// Parses the condition on a field: operators, or a value that the field must equal.
    fn condition(
        &mut self,
        value: &Value,
        location: &Location<'_>,
    ) -> Result<Vec<Clause>, QueryError> {
        let Value::Object(fields) = value else {
            return Ok(vec![equal(value)]);
        };
        if fields.keys().next().is_some_and(|key| key.starts_with('$')) {
            return self.clauses(fields, location);
        }
        if let Some(name) = fields.keys().find(|key| key.starts_with('$')) {
            let instead =
                "is an operator after plain fields; for an object with such a key use `$eq`";
            return Err(location.error(QueryErrorKind::Mixed { name: excerpt(name), instead }));
        }
        Ok(vec![equal(value)])
    }

    /// Parses an object of operators, each of which is a clause of its own.
    fn clauses(
        &mut self,
        fields: &Map<String, Value>,
        location: &Location<'_>,
    ) -> Result<Vec<Clause>, QueryError> {
        let mut clauses = Vec::with_capacity(fields.len());
        for (operator, value) in fields {
            let below = &Location::Key(location, operator);
            clauses.push(match operator.as_str() {
                operator if !ON_FIELDS.contains(&operator) => {
                    return Err(below.error(not_on_a_field(operator)));
                }
                "$regex" => self.regex(value, fields.get("$options"), location)?,
                "$options" if fields.contains_key("$regex") => continue,
                "$options" => {
                    let instead = "it belongs beside a `$regex`";
                    return Err(
                        below.error(QueryErrorKind::Misplaced { name: operator.clone(), instead })
                    );
                }
                "$not" => Clause::Not(self.not(value, below)?),
                "$all" => self.all(value, below)?,
                "$elemMatch" => self.elem_match(value, below)?,
                operator => parse_operator(operator, value, below)?,
            });
        }
        Ok(clauses)
    }

    fn not(&mut self, value: &Value, location: &Location<'_>) -> Result<Vec<Clause>, QueryError> {
        match value {
            Value::Object(fields) if is_condition(fields) => self.clauses(fields, location),
            other => Err(operand_error(
                "$not",
                "an object of operators, as `{\"$gt\": 5}`",
                other,
                location,
            )),
        }
    }

    fn regex(
        &mut self,
        value: &Value,
        options: Option<&Value>,
        parent: &Location<'_>,
    ) -> Result<Clause, QueryError> {
        let location = &Location::Key(parent, "$regex");
        self.regexes += 1;
        if self.regexes > FILTER_REGEXES_MAX {
            return Err(location.error(QueryErrorKind::TooMany {
                what: "`$regex` in the filter",
                max: FILTER_REGEXES_MAX,
            }));
        }
        let Value::String(text) = value else {
            return Err(operand_error("$regex", "a string", value, location));
        };
        let options = match options {
            None => "",
            Some(Value::String(letters)) => letters,
            Some(other) => {
                return Err(operand_error(
                    "$options",
                    "a string of letters",
                    other,
                    &Location::Key(parent, "$options"),
                ));
            }
        };
        match Pattern::parse(text, options) {
            Ok(pattern) => Ok(Clause::Test(Test::Pattern(pattern))),
            Err(kind @ QueryErrorKind::RegexOption { .. }) => {
                Err(Location::Key(parent, "$options").error(kind))
            }
            Err(kind) => Err(location.error(kind)),
        }
    }

    /// Parses `$all`: a conjunction of equalities, or of `$elemMatch`. An empty list matches
    /// nothing.
    fn all(&mut self, value: &Value, location: &Location<'_>) -> Result<Clause, QueryError> {
        let Value::Array(elements) = value else {
            return Err(operand_error("$all", "a list", value, location));
        };
        if elements.is_empty() {
            return Ok(Clause::Test(Test::Never));
        }
        let is_match = |value: &Value| {
            value
                .as_object()
                .is_some_and(|fields| fields.keys().next().is_some_and(|key| key == "$elemMatch"))
        };
        if !elements.iter().any(is_match) {
            let parsed = parse_literals("$all", elements, location)?;
            return Ok(Clause::All(parsed.iter().map(equal).collect()));
        }
        let mut clauses = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let location = &Location::Index(location, index);
            match element {
                Value::Object(fields) if is_match(element) && fields.len() == 1 => {
                    clauses.extend(self.clauses(fields, location)?);
                }
                other => {
                    return Err(operand_error(
                        "$all",
                        "either values or `$elemMatch` objects alone",
                        other,
                        location,
                    ));
                }
            }
        }
        Ok(Clause::All(clauses))
    }

    fn elem_match(&mut self, value: &Value, location: &Location<'_>) -> Result<Clause, QueryError> {
        let Value::Object(fields) = value else {
            return Err(operand_error(
                "$elemMatch",
                "an object of fields or of operators",
                value,
                location,
            ));
        };
        Ok(Clause::Test(if is_condition(fields) {
            Test::ElementIs(self.clauses(fields, location)?)
        } else {
            Test::ElementMatches(Box::new(self.fields(fields, &[], location)?))
        }))
    }
}

fn not_logical(operator: &str) -> QueryErrorKind {
    if operator == "$not" {
        let instead =
            "negate a field, as `{\"name\": {\"$not\": {...}}}`, or whole filters with `$nor`";
        return QueryErrorKind::Misplaced { name: operator.to_owned(), instead };
    }
    if ON_FIELDS.contains(&operator) {
        let instead = "it goes below a field, as `{\"name\": {\"$eq\": \"x\"}}`";
        return QueryErrorKind::Misplaced { name: operator.to_owned(), instead };
    }
    QueryErrorKind::unknown_operator(operator, LOGICAL)
}

pub(super) fn not_on_a_field(operator: &str) -> QueryErrorKind {
    if LOGICAL.contains(&operator) {
        let instead =
            "it joins whole filters, as `{\"$or\": [{\"name\": \"x\"}, {\"name\": \"y\"}]}`";
        return QueryErrorKind::Misplaced { name: operator.to_owned(), instead };
    }
    if operator.starts_with('$') {
        return QueryErrorKind::unknown_operator(operator, ON_FIELDS);
    }
    let instead = "is a plain field after operators; write operators and fields apart";
    QueryErrorKind::Mixed { name: excerpt(operator), instead }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::bounds::{FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_REGEXES_MAX};
    use crate::{Filter, QueryErrorKind};

    fn nested(levels: usize) -> serde_json::Value {
        (0..levels).fold(json!({}), |inner, _| json!({ "$nor": [inner] }))
    }

    #[test]
    fn depth_is_bounded_exactly() {
        assert!(Filter::parse(&nested(FILTER_DEPTH_MAX / 2)).is_ok());
        let error = Filter::parse(&nested(FILTER_DEPTH_MAX / 2 + 1)).unwrap_err();
        assert_eq!(error.kind(), &QueryErrorKind::TooDeep { max: FILTER_DEPTH_MAX });
        assert!(Filter::parse(&nested(60)).is_err());
    }

    #[test]
    fn the_number_of_values_is_bounded_exactly() {
        // The filter, the field's object and the list are values too.
        let of = |values: usize| Filter::parse(&json!({"a": {"$in": vec![1; values]}}));
        assert!(of(FILTER_NODES_MAX - 3).is_ok());
        assert!(matches!(
            of(FILTER_NODES_MAX - 2).unwrap_err().kind(),
            QueryErrorKind::TooMany { .. }
        ));
    }

    #[test]
    fn the_number_of_expressions_is_bounded_exactly() {
        let of = |count: usize| {
            Filter::parse(&json!({"$or": vec![json!({"a": {"$regex": "x"}}); count]}))
        };
        assert!(of(FILTER_REGEXES_MAX).is_ok());
        assert!(of(FILTER_REGEXES_MAX + 1).is_err());
    }
}
