//! Parses the operators that take values, lists of values or names, and no further conditions.

use serde_json::Value;

use super::bson_type::BsonType;
use super::parse::not_on_a_field;
use super::{Clause, Comparison, Test};
use crate::error::{QueryError, QueryErrorKind, excerpt};
use crate::location::Location;
use crate::number::as_count;

/// Parses one operator on a field.
pub(super) fn parse_operator(
    operator: &str,
    value: &Value,
    location: &Location<'_>,
) -> Result<Clause, QueryError> {
    let comparison = |comparison| Clause::Test(Test::Compare(comparison, value.clone()));
    Ok(match operator {
        "$eq" => equal(value),
        "$ne" => Clause::Not(vec![equal(value)]),
        "$gt" => comparison(Comparison::Greater),
        "$gte" => comparison(Comparison::GreaterOrEqual),
        "$lt" => comparison(Comparison::Less),
        "$lte" => comparison(Comparison::LessOrEqual),
        "$in" => Clause::Test(parse_membership(operator, value, location)?),
        "$nin" => Clause::Not(vec![Clause::Test(parse_membership(operator, value, location)?)]),
        "$exists" => parse_exists(value, location)?,
        "$type" => Clause::Test(Test::Type(parse_types(value, location)?)),
        "$size" => Clause::Test(Test::Size(parse_size(value, location)?)),
        "$semver" => Clause::Test(parse_semver(value, location)?),
        operator => return Err(location.error(not_on_a_field(operator))),
    })
}

pub(super) fn equal(value: &Value) -> Clause {
    Clause::Test(Test::Compare(Comparison::Equal, value.clone()))
}

pub(super) fn operand_error(
    operator: &str,
    expected: &'static str,
    found: &Value,
    location: &Location<'_>,
) -> QueryError {
    location.error(QueryErrorKind::operand(operator, expected, found))
}

fn parse_membership(
    operator: &str,
    value: &Value,
    location: &Location<'_>,
) -> Result<Test, QueryError> {
    match value {
        Value::Array(elements) => parse_literals(operator, elements, location).map(Test::In),
        other => Err(operand_error(operator, "a list of values", other, location)),
    }
}

/// Parses the elements of a list of values: an operator among them is an error.
pub(super) fn parse_literals(
    operator: &str,
    elements: &[Value],
    location: &Location<'_>,
) -> Result<Vec<Value>, QueryError> {
    for (index, element) in elements.iter().enumerate() {
        if element.as_object().is_some_and(|fields| fields.keys().any(|key| key.starts_with('$'))) {
            return Err(operators_in_list(operator, element, &Location::Index(location, index)));
        }
    }
    Ok(elements.to_vec())
}

fn operators_in_list(operator: &str, element: &Value, location: &Location<'_>) -> QueryError {
    operand_error(
        operator,
        "plain values (join conditions with `$or` or `$and` instead)",
        element,
        location,
    )
}

fn parse_exists(value: &Value, location: &Location<'_>) -> Result<Clause, QueryError> {
    let wanted = match value {
        Value::Bool(wanted) => *wanted,
        Value::Number(number) => as_count(number) != Some(0),
        other => return Err(operand_error("$exists", "true or false", other, location)),
    };
    let exists = Clause::Test(Test::Exists);
    Ok(if wanted { exists } else { Clause::Not(vec![exists]) })
}

fn parse_types(value: &Value, location: &Location<'_>) -> Result<Vec<BsonType>, QueryError> {
    let one = |value: &Value, location: &Location<'_>| {
        BsonType::parse(value).ok_or_else(|| {
            let found = excerpt(&value.to_string());
            let operator = "$type".to_owned();
            location.error(QueryErrorKind::Operand {
                operator,
                expected: BsonType::EXPECTED,
                found: format!("`{found}`"),
            })
        })
    };
    match value {
        Value::Array(kinds) if !kinds.is_empty() => kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| one(kind, &Location::Index(location, index)))
            .collect(),
        kind => one(kind, location).map(|kind| vec![kind]),
    }
}

fn parse_size(value: &Value, location: &Location<'_>) -> Result<usize, QueryError> {
    let expected = "a whole number from 0";
    let Value::Number(number) = value else {
        return Err(operand_error("$size", expected, value, location));
    };
    as_count(number).ok_or_else(|| {
        let found = format!("`{}`", excerpt(number.as_str()));
        location.error(QueryErrorKind::Operand { operator: "$size".to_owned(), expected, found })
    })
}

fn parse_semver(value: &Value, location: &Location<'_>) -> Result<Test, QueryError> {
    let Value::String(text) = value else {
        return Err(operand_error(
            "$semver",
            "a version requirement, as \">=1.2, <2\"",
            value,
            location,
        ));
    };
    semver::VersionReq::parse(text)
        .map(Test::Semver)
        .map_err(|error| location.error(QueryErrorKind::Semver { message: error.to_string() }))
}
