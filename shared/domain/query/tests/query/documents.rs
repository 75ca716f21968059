//! Random documents and filters over a few fields and values, so that they often match.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Strings that are prefixes and neighbours of one another in the order.
pub(crate) fn text() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "",
        "a",
        "ab",
        "abc",
        "ac",
        "b",
        "é",
        "\u{ffff}",
        "\u{10000}",
        "1.0",
        "1.10",
    ])
    .prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..4).prop_map(Value::from),
        proptest::sample::select(vec!["1.0", "1e0", "0.5", "1e400", "-1e400", "9007199254740993"])
            .prop_map(|text| Value::Number(text.parse().unwrap())),
        text().prop_map(Value::from),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            object(inner).prop_map(Value::Object),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let key = proptest::sample::select(vec!["a", "b", "0"]).prop_map(str::to_owned);
    proptest::collection::vec((key, inner), 0..3).prop_map(|fields| fields.into_iter().collect())
}

/// A document like those of the registry: `name` and `version` are strings, `tags` may be missing.
pub(crate) fn document() -> impl Strategy<Value = Value> {
    (text(), text(), proptest::option::of(text()), object(value())).prop_map(
        |(name, version, tags, mut rest)| {
            rest.insert("name".to_owned(), name.into());
            rest.insert("version".to_owned(), version.into());
            if let Some(tags) = tags {
                rest.insert("tags".to_owned(), tags.into());
            }
            Value::Object(rest)
        },
    )
}

fn path() -> impl Strategy<Value = String> {
    let free = proptest::sample::select(vec!["a", "b", "a.b", "a.0", "a.b.0", "b.a"]);
    let indexed = proptest::sample::select(vec!["name", "version", "tags"]);
    prop_oneof![free, indexed].prop_map(str::to_owned)
}

fn regex() -> impl Strategy<Value = Value> {
    let texts = vec!["^a", "^ab$", "^ab?", "a", "^A", "^a|b", "^", "^é", "^a.*c", "^\u{ffff}"];
    (proptest::sample::select(texts), proptest::sample::select(vec!["", "i", "m", "s"]))
        .prop_map(|(text, options)| json!({"$regex": text, "$options": options}))
}

/// The operators on one field.
pub(crate) fn condition() -> impl Strategy<Value = Value> {
    let comparison =
        (proptest::sample::select(vec!["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), value())
            .prop_map(|(operator, value)| json!({operator: value}));
    let on_text = || {
        (proptest::sample::select(vec!["$eq", "$gt", "$gte", "$lt", "$lte"]), text())
            .prop_map(|(operator, value)| json!({operator: value}))
    };
    let list = (
        proptest::sample::select(vec!["$in", "$nin", "$all"]),
        proptest::collection::vec(value(), 0..3),
    )
        .prop_map(|(operator, values)| json!({operator: values}));
    let texts = proptest::collection::vec(text(), 0..3).prop_map(|values| json!({"$in": values}));
    let between = (text(), text()).prop_map(|(lower, upper)| json!({"$gte": lower, "$lt": upper}));
    let simple = prop_oneof![
        comparison,
        on_text(),
        on_text(),
        list,
        texts,
        between,
        regex(),
        any::<bool>().prop_map(|wanted| json!({"$exists": wanted})),
        proptest::sample::select(vec!["string", "number", "array", "null", "int"])
            .prop_map(|kind| json!({"$type": kind})),
        (0..3).prop_map(|size| json!({"$size": size})),
        Just(json!({"$semver": ">=1"})),
    ];
    simple.prop_recursive(2, 4, 1, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| json!({"$not": inner})),
            inner.prop_map(|inner| json!({"$elemMatch": inner})),
        ]
    })
}

/// A filter with nested logical operators.
pub(crate) fn filter() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        (path(), condition()).prop_map(|(path, condition)| json!({path: condition})),
        (path(), value()).prop_map(|(path, value)| json!({path: {"$eq": value}})),
    ];
    field.prop_recursive(3, 8, 3, |inner| {
        let operator = proptest::sample::select(vec!["$and", "$or", "$nor", "$and"]);
        (operator, proptest::collection::vec(inner, 1..4))
            .prop_map(|(operator, filters)| json!({operator: filters}))
    })
}

/// A filter of string conditions on indexed fields only, as in typical requests. A plan serves most
/// of these without a residual test.
pub(crate) fn indexable() -> impl Strategy<Value = Value> {
    let field = || proptest::sample::select(vec!["name", "version", "tags"]);
    let comparison = || proptest::sample::select(vec!["$eq", "$gt", "$gte", "$lt", "$lte"]);
    let condition = prop_oneof![
        (comparison(), text()).prop_map(|(operator, value)| json!({operator: value})),
        (text(), text()).prop_map(|(lower, upper)| json!({"$gte": lower, "$lt": upper})),
        (text(), text()).prop_map(|(lower, upper)| json!({"$gt": lower, "$lte": upper})),
        proptest::collection::vec(text(), 0..4).prop_map(|values| json!({"$in": values})),
        regex(),
    ];
    let one = (field(), condition).prop_map(|(field, condition)| json!({field: condition}));
    one.prop_recursive(2, 6, 3, |inner| {
        (proptest::sample::select(vec!["$and", "$or"]), proptest::collection::vec(inner, 1..4))
            .prop_map(|(operator, filters)| json!({operator: filters}))
    })
}

/// An update of up to three operations; many of them do not apply to the document.
pub(crate) fn update() -> impl Strategy<Value = Value> {
    let path = || proptest::sample::select(vec!["a", "a.b", "a.0", "b", "b.0.a", "n", "name"]);
    let operation = prop_oneof![
        (path(), value()).prop_map(|(path, value)| ("$set", path, value)),
        path().prop_map(|path| ("$unset", path, json!(1))),
        (path(), -3..3).prop_map(|(path, amount)| ("$inc", path, json!(amount))),
        (path(), value()).prop_map(|(path, value)| ("$push", path, value)),
        (path(), value()).prop_map(|(path, value)| ("$addToSet", path, value)),
        (path(), value()).prop_map(|(path, value)| ("$pull", path, value)),
    ];
    proptest::collection::vec(operation, 1..4).prop_map(|operations| {
        let mut update = Map::new();
        for (operator, path, operand) in operations {
            let fields = update.entry(operator).or_insert_with(|| json!({}));
            fields[path] = operand;
        }
        Value::Object(update)
    })
}
