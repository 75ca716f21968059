//! How two outcomes differ, so that those that differ alike can be counted together.

use serde::Serialize;
use serde_json::Value;

/// Texts up to this long are part of what makes changes alike: they are decisions. Longer ones,
/// and numbers, would make each change another one.
const WORD_BYTES_MAX: usize = 40;

/// Differences of one comparison at most; the rest is not compared.
const CHANGES_MAX: usize = 20;

/// One location where two outcomes differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// A JSON Pointer into the outcome.
    pub path: String,
    /// The difference at that location.
    #[serde(flatten)]
    pub kind: Kind,
}

/// The difference at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Kind {
    /// The value is another one.
    Changed {
        /// The recorded value, where it is a word.
        #[serde(skip_serializing_if = "Option::is_none")]
        was: Option<Value>,
        /// The new value, where it is a word.
        #[serde(skip_serializing_if = "Option::is_none")]
        is: Option<Value>,
    },
    /// Only the new outcome has the member.
    Added,
    /// Only the recorded outcome has the member.
    Removed,
}

/// Where `is` differs from `was`, in their order; nothing where they are the same JSON value.
pub(super) fn changes(was: &Value, is: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut changes, "", was, is);
    changes
}

fn compare(changes: &mut Vec<Change>, path: &str, was: &Value, is: &Value) {
    if changes.len() >= CHANGES_MAX || was == is {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (was, is) else {
        let kind = Kind::Changed { was: word(was), is: word(is) };
        changes.push(Change { path: path.to_owned(), kind });
        return;
    };
    for (name, was) in before {
        let path = below(path, name);
        match after.get(name) {
            Some(is) => compare(changes, &path, was, is),
            None => changes.push(Change { path, kind: Kind::Removed }),
        }
    }
    let added = after.keys().filter(|name| !before.contains_key(*name));
    changes.extend(added.map(|name| Change { path: below(path, name), kind: Kind::Added }));
    changes.truncate(CHANGES_MAX);
}

fn below(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A value that is a decision by itself: null, a boolean or a short text.
fn word(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) => Some(value.clone()),
        Value::String(text) if text.len() <= WORD_BYTES_MAX => Some(value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_says_where_and_what_decided_otherwise() {
        let cases = [
            (json!({"a": 1, "b": [1]}), json!({"b": [1], "a": 1}), json!([])),
            (
                json!({"allowed": true, "score": 1}),
                json!({"allowed": false, "score": 2}),
                json!([
                    {"path": "/allowed", "change": "changed", "was": true, "is": false},
                    {"path": "/score", "change": "changed"},
                ]),
            ),
            (
                json!({"a/b": {"x": 1, "old": 1}}),
                json!({"a/b": {"x": 1, "new": 1}}),
                json!([
                    {"path": "/a~1b/old", "change": "removed"},
                    {"path": "/a~1b/new", "change": "added"},
                ]),
            ),
            (
                json!([1, 2]),
                json!("deny"),
                json!([{"path": "", "change": "changed", "is": "deny"}]),
            ),
            (
                json!("x".repeat(50)),
                json!(null),
                json!([{"path": "", "change": "changed", "is": null}]),
            ),
        ];
        for (was, is, expected) in cases {
            assert_eq!(serde_json::to_value(changes(&was, &is)).unwrap(), expected, "{was} {is}");
        }
    }

    #[test]
    fn outcomes_that_differ_everywhere_are_not_compared_without_end() {
        let many = |value: u32| Value::from_iter((0..1_000).map(|n| (n.to_string(), value)));
        assert_eq!(changes(&many(1), &many(2)).len(), CHANGES_MAX);
        assert_eq!(changes(&many(1), &json!({})).len(), CHANGES_MAX);
    }
}
