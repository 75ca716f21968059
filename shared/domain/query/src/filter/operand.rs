//! Parses the operators that take values, lists of values or names, and no further conditions.

use serde_json::Value;

use super::kind::Kind;
use super::parse::not_on_a_field;
use super::{Clause, Comparison, Test};
use crate::error::{Fault, QueryError, echo};
use crate::number::as_count;
use crate::place::Place;

/// Parses one operator on a field.
pub(super) fn simple(
    operator: &str,
    value: &Value,
    place: &Place<'_>,
) -> Result<Clause, QueryError> {
    let comparison = |comparison| Clause::Test(Test::Compare(comparison, value.clone()));
    Ok(match operator {
        "$eq" => equal(value),
        "$ne" => Clause::Not(vec![equal(value)]),
        "$gt" => comparison(Comparison::Greater),
        "$gte" => comparison(Comparison::GreaterOrEqual),
        "$lt" => comparison(Comparison::Less),
        "$lte" => comparison(Comparison::LessOrEqual),
        "$in" => Clause::Test(membership(operator, value, place)?),
        "$nin" => Clause::Not(vec![Clause::Test(membership(operator, value, place)?)]),
        "$exists" => exists(value, place)?,
        "$type" => Clause::Test(Test::Type(kinds(value, place)?)),
        "$size" => Clause::Test(Test::Size(size(value, place)?)),
        "$semver" => Clause::Test(semver(value, place)?),
        operator => return Err(place.error(not_on_a_field(operator))),
    })
}

pub(super) fn equal(value: &Value) -> Clause {
    Clause::Test(Test::Compare(Comparison::Equal, value.clone()))
}

pub(super) fn operand(
    operator: &str,
    expected: &'static str,
    found: &Value,
    place: &Place<'_>,
) -> QueryError {
    place.error(Fault::operand(operator, expected, found))
}

fn membership(operator: &str, value: &Value, place: &Place<'_>) -> Result<Test, QueryError> {
    match value {
        Value::Array(elements) => literals(operator, elements, place).map(Test::In),
        other => Err(operand(operator, "a list of values", other, place)),
    }
}

/// Parses the elements of a list of values: an operator among them is an error.
pub(super) fn literals(
    operator: &str,
    elements: &[Value],
    place: &Place<'_>,
) -> Result<Vec<Value>, QueryError> {
    for (index, element) in elements.iter().enumerate() {
        if element.as_object().is_some_and(|fields| fields.keys().any(|key| key.starts_with('$'))) {
            return Err(operators_in_list(operator, element, &Place::Index(place, index)));
        }
    }
    Ok(elements.to_vec())
}

fn operators_in_list(operator: &str, element: &Value, place: &Place<'_>) -> QueryError {
    operand(operator, "plain values (join conditions with `$or` or `$and` instead)", element, place)
}

fn exists(value: &Value, place: &Place<'_>) -> Result<Clause, QueryError> {
    let wanted = match value {
        Value::Bool(wanted) => *wanted,
        Value::Number(number) => as_count(number) != Some(0),
        other => return Err(operand("$exists", "true or false", other, place)),
    };
    let exists = Clause::Test(Test::Exists);
    Ok(if wanted { exists } else { Clause::Not(vec![exists]) })
}

fn kinds(value: &Value, place: &Place<'_>) -> Result<Vec<Kind>, QueryError> {
    let one = |value: &Value, place: &Place<'_>| {
        Kind::parse(value).ok_or_else(|| {
            let found = echo(&value.to_string());
            let operator = "$type".to_owned();
            place.error(Fault::Operand {
                operator,
                expected: Kind::EXPECTED,
                found: format!("`{found}`"),
            })
        })
    };
    match value {
        Value::Array(kinds) if !kinds.is_empty() => kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| one(kind, &Place::Index(place, index)))
            .collect(),
        kind => one(kind, place).map(|kind| vec![kind]),
    }
}

fn size(value: &Value, place: &Place<'_>) -> Result<usize, QueryError> {
    let expected = "a whole number from 0";
    let Value::Number(number) = value else {
        return Err(operand("$size", expected, value, place));
    };
    as_count(number).ok_or_else(|| {
        let found = format!("`{}`", echo(number.as_str()));
        place.error(Fault::Operand { operator: "$size".to_owned(), expected, found })
    })
}

fn semver(value: &Value, place: &Place<'_>) -> Result<Test, QueryError> {
    let Value::String(text) = value else {
        return Err(operand("$semver", "a version requirement, as \">=1.2, <2\"", value, place));
    };
    semver::VersionReq::parse(text)
        .map(Test::Semver)
        .map_err(|error| place.error(Fault::Semver { message: error.to_string() }))
}
