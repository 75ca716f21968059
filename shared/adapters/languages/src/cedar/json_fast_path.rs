//! Conversion of JSON values without Cedar's escapes. It bypasses Cedar's own parser, which takes
//! 10 µs for each string: a list of a hundred addresses would cost a millisecond.

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use serde_json::{Map, Value};

use super::reference;

/// The expression of a value; `None` if the value needs Cedar's own parser, because it has escapes
/// such as `__entity` or may be invalid.
pub(super) fn expression(value: &Value) -> Option<RestrictedExpression> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::Number(number) => RestrictedExpression::new_long(number.as_i64()?),
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(expression).collect();
            RestrictedExpression::new_set(items?)
        }
        Value::Object(members) => RestrictedExpression::new_record(record(members)?).ok()?,
    })
}

/// The members of a record; `None` if one of them needs Cedar's own parser.
pub(super) fn record(members: &Map<String, Value>) -> Option<Vec<(String, RestrictedExpression)>> {
    members
        .iter()
        .map(|(name, value)| {
            let is_escape = name.starts_with("__");
            expression(value).filter(|_| !is_escape).map(|value| (name.clone(), value))
        })
        .collect()
}

/// An entity without escapes in its attributes; `None` if it needs Cedar's own parser, which also
/// reports its errors.
pub(super) fn entity(value: &Value) -> Option<Entity> {
    let members = value.as_object().filter(|members| members.len() == 3)?;
    let uid = uid(members.get("uid")?)?;
    let attributes = record(members.get("attrs")?.as_object()?)?;
    let parents: Option<_> = members.get("parents")?.as_array()?.iter().map(self::uid).collect();
    Entity::new(uid, attributes.into_iter().collect(), parents?).ok()
}

fn uid(value: &Value) -> Option<EntityUid> {
    value.as_object().and_then(|_| reference::parse(value).ok())
}

#[cfg(test)]
mod tests {
    use cedar_policy::{Context, Entities};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read_is_what_cedar_reads() {
        for attributes in [
            json!({}),
            json!({"a": 1, "b": -9223372036854775808_i64, "c": "é\u{0}", "d": true}),
            json!({"a": [], "b": [1, "x", [true]], "c": {"d": {"e": [1, 1, 2]}}}),
            json!({"type": "User", "id": "alice", "fn": "ip", "arg": "::1"}),
            json!({"": {"x y": 1}}),
        ] {
            let value = json!({
                "uid": {"type": "A", "id": "a"}, "attrs": attributes,
                "parents": [{"type": "B", "id": "b"}],
            });
            let fast = Entities::from_entities([entity(&value).unwrap()], None).unwrap();
            let cedars = Entities::from_json_value(json!([value]), None).unwrap();
            assert!(fast.deep_eq(&cedars), "{value}");
            let fast = Context::from_pairs(record(attributes.as_object().unwrap()).unwrap());
            let cedars = Context::from_json_value(attributes.clone(), None).unwrap();
            assert_eq!(fast.unwrap().to_string(), cedars.to_string(), "{attributes}");
        }
    }

    #[test]
    fn what_only_cedar_may_read_is_left_to_it() {
        for value in [
            json!(null),
            json!(1.5),
            json!({"__entity": {"type": "A", "id": "a"}}),
            json!([{"__extn": {"fn": "ip", "arg": "::1"}}]),
            json!({"a": {"__expr": "1"}}),
        ] {
            assert!(expression(&value).is_none(), "{value}");
        }
        for wrong in [
            json!({"uid": "A::\"a\"", "attrs": {}, "parents": []}),
            json!({"uid": {"type": "A", "id": "a"}, "attrs": {}, "parents": [], "tags": {}}),
            json!({"uid": {"type": "A", "id": "a"}, "attrs": {}, "parents": 1}),
            json!({"uid": {"type": "A", "id": "a"}, "attrs": {}, "parent": []}),
        ] {
            assert!(entity(&wrong).is_none(), "{wrong}");
        }
    }
}
