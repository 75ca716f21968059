//! How two outcomes differ, so that those that differ alike can be counted together.

use serde::Serialize;
use serde_json::Value;

/// Texts up to this long are part of what makes changes alike: they are decisions. Longer ones,
/// and numbers, would make each change another one.
const WORD_BYTES_MAX: usize = 40;

/// Differences of one comparison at most; the rest is not compared.
const CHANGES_MAX: usize = 20;

/// Bytes of a path at about which it is cut.
const PATH_BYTES_MAX: usize = 1 << 10;

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

/// Where `is` differs from `was`, in their order; nothing where they are the same JSON value. Both are
/// read once for each level of nesting, and a path is written for a difference alone.
pub(super) fn changes(was: &Value, is: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut changes, &mut Vec::new(), was, is);
    changes
}

fn compare<'v>(changes: &mut Vec<Change>, path: &mut Vec<&'v str>, was: &'v Value, is: &'v Value) {
    if changes.len() >= CHANGES_MAX || was == is {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (was, is) else {
        push(changes, path, Kind::Changed { was: word(was), is: word(is) });
        return;
    };
    for (name, was) in before {
        path.push(name);
        match after.get(name) {
            Some(is) => compare(changes, path, was, is),
            None => push(changes, path, Kind::Removed),
        }
        path.pop();
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        path.push(name);
        push(changes, path, Kind::Added);
        path.pop();
    }
}

/// Adds a difference, unless there are enough.
fn push(changes: &mut Vec<Change>, path: &[&str], kind: Kind) {
    if changes.len() < CHANGES_MAX {
        changes.push(Change { path: pointer(path), kind });
    }
}

/// The location as a JSON Pointer, cut where its names are too long to be shown.
fn pointer(path: &[&str]) -> String {
    let mut pointer = String::new();
    for name in path {
        let rest = PATH_BYTES_MAX.saturating_sub(pointer.len());
        let shown = name.get(..name.floor_char_boundary(rest)).unwrap_or_default();
        pointer.push('/');
        pointer.push_str(&shown.replace('~', "~0").replace('/', "~1"));
        if shown.len() < name.len() {
            pointer.push_str("...");
            break;
        }
    }
    pointer
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
    fn a_long_name_is_written_for_differences_alone_and_cut() {
        let long = "\u{e9}".repeat(1 << 18);
        let many = |last: u32| {
            let members = (0..100_000).map(|n| (n.to_string(), if n == 99_999 { last } else { 0 }));
            Value::from_iter([(long.clone(), Value::from_iter(members))])
        };
        // With the path of each member it would copy 50 GB.
        let found = changes(&many(1), &many(2));
        assert_eq!(found.len(), 1);
        assert!(found[0].path.len() < 2 * PATH_BYTES_MAX && found[0].path.ends_with("..."));
    }

    #[test]
    fn outcomes_that_differ_everywhere_are_not_compared_without_end() {
        let many = |value: u32| Value::from_iter((0..1_000).map(|n| (n.to_string(), value)));
        assert_eq!(changes(&many(1), &many(2)).len(), CHANGES_MAX);
        assert_eq!(changes(&many(1), &json!({})).len(), CHANGES_MAX);
    }
}
