//! Sort keys of indexes: a field's value, a NUL, and the name of the object.
//!
//! The value comes first and is truncated to [`VALUE_CHARS_MAX`] characters, so that any value fits
//! into DynamoDB's 1,024 bytes; truncation at a number of characters keeps the order of UTF-8. The
//! name makes keys unique in their partition and keeps them from being empty. A NUL inside a value
//! is escaped, so that the first NUL of a key ends the value, and keys have the order of their
//! values.
//!
//! Ranges of values become ranges of keys that hold at least every object of the range: a truncated
//! value may belong to many. What is read is always checked against the filter.

use std::ops::Bound;

use writ_query::{Direction, Range};

/// Characters of a value in a key: up to 480 bytes, beside a name of at most 512.
const VALUE_CHARS_MAX: usize = 120;

const SEPARATOR: char = '\0';
/// The character after [`SEPARATOR`]. With it, a value is after all keys of the value and before those of
/// a longer one.
const AFTER_SEPARATOR: char = '\u{1}';

/// The sort key of an object in an index.
pub(crate) fn index_key(value: &str, name: &str) -> String {
    let mut key = truncate(value);
    key.push(SEPARATOR);
    key.push_str(name);
    key
}

/// The name of the object that a key belongs to.
pub(crate) fn suffix_of(key: &str) -> Option<&str> {
    key.split_once(SEPARATOR).map(|(_, name)| name)
}

/// Whether it is the key of an empty value: the key of any other value starts with another
/// character than [`SEPARATOR`].
pub(crate) fn is_empty_value_key(key: &str) -> bool {
    key.starts_with(SEPARATOR)
}

fn truncate(value: &str) -> String {
    escape(value).take(VALUE_CHARS_MAX).collect()
}

fn escape(value: &str) -> impl Iterator<Item = char> {
    value
        .chars()
        .flat_map(|character| match character {
            SEPARATOR => [Some(AFTER_SEPARATOR), Some(AFTER_SEPARATOR)],
            AFTER_SEPARATOR => [Some(AFTER_SEPARATOR), Some('\u{2}')],
            other => [Some(other), None],
        })
        .flatten()
}

/// Whether other values may have the same key: the value is truncated, or it equals a truncated
/// longer one.
fn may_share_key(value: &str) -> bool {
    escape(value).count() >= VALUE_CHARS_MAX
}

/// A range of keys in a partition of an index: `from` is included, `to` is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyRange {
    from: Option<String>,
    to: Option<String>,
}

impl KeyRange {
    /// The range of keys that holds the objects of a range of values.
    pub(crate) fn of(range: &Range) -> Self {
        let at = |value: &str, end| {
            let mut key = truncate(value);
            key.push(end);
            key
        };
        let from = match &range.lower {
            Bound::Unbounded => None,
            Bound::Excluded(value) if !may_share_key(value) => Some(at(value, AFTER_SEPARATOR)),
            Bound::Included(value) | Bound::Excluded(value) => Some(at(value, SEPARATOR)),
        };
        let to = match &range.upper {
            Bound::Unbounded => None,
            Bound::Excluded(value) if !may_share_key(value) => Some(at(value, SEPARATOR)),
            Bound::Included(value) | Bound::Excluded(value) => Some(at(value, AFTER_SEPARATOR)),
        };
        Self { from, to }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.from.as_deref().is_none_or(|from| from <= key)
            && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// The part of the range after a key, in reading order.
    pub(super) fn after(&self, key: &str, direction: Direction) -> Self {
        match direction {
            // The smallest key after it: no key equals another one with a NUL appended.
            Direction::Ascending => {
                Self { from: Some(format!("{key}{SEPARATOR}")), to: self.to.clone() }
            }
            Direction::Descending => Self { from: self.from.clone(), to: Some(key.to_owned()) },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!((&self.from, &self.to), (Some(from), Some(to)) if from >= to)
    }

    pub(super) fn bounds(&self) -> (Option<&str>, Option<&str>) {
        (self.from.as_deref(), self.to.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = String> {
        let character = prop_oneof![
            Just('\0'),
            Just('\u{1}'),
            Just('\u{2}'),
            Just('a'),
            Just('b'),
            Just('é'),
            Just('😀'),
            Just('\u{10ffff}')
        ];
        let some = proptest::collection::vec(character, 0..5);
        (some, prop_oneof![4 => Just(0_usize), 1 => 115..125_usize])
            .prop_map(|(end, long)| "x".repeat(long) + &end.into_iter().collect::<String>())
    }

    fn bound() -> impl Strategy<Value = Bound<String>> {
        prop_oneof![
            value().prop_map(Bound::Included),
            value().prop_map(Bound::Excluded),
            Just(Bound::Unbounded),
        ]
    }

    proptest! {
        #[test]
        fn a_range_of_keys_holds_every_object_of_its_range_of_values(
            lower in bound(), upper in bound(), value in value()
        ) {
            let range = Range { lower, upper };
            let key = index_key(&value, "a:1-b");
            let exact = !may_share_key(&value)
                && [&range.lower, &range.upper].into_iter().all(|bound| match bound {
                    Bound::Included(value) | Bound::Excluded(value) => !may_share_key(value),
                    Bound::Unbounded => true,
                });
            if exact {
                prop_assert_eq!(range.contains(&value), KeyRange::of(&range).contains(&key));
            } else if range.contains(&value) {
                prop_assert!(KeyRange::of(&range).contains(&key));
            }
        }

        #[test]
        fn keys_order_as_their_values(left in value(), right in value()) {
            if !may_share_key(&left) && !may_share_key(&right) {
                let keys = (index_key(&left, "n"), index_key(&right, "n"));
                prop_assert_eq!(left.cmp(&right), keys.0.cmp(&keys.1));
            }
            let key = index_key(&left, "n");
            prop_assert_eq!(suffix_of(&key), Some("n"));
            prop_assert_eq!(is_empty_value_key(&key), left.is_empty());
        }

        #[test]
        fn after_a_key_everything_but_it_and_what_was_before_is_left(
            one in value(), other in value(), descending in any::<bool>()
        ) {
            let direction = if descending { Direction::Descending } else { Direction::Ascending };
            let (one, other) = (index_key(&one, "a"), index_key(&other, "b"));
            let left = KeyRange::default().after(&one, direction);
            prop_assert!(!left.contains(&one));
            prop_assert_eq!(left.contains(&other), if descending { other < one } else { other > one });
        }
    }

    #[test]
    fn a_value_of_the_longest_key_excludes_itself_and_no_longer_one() {
        let full = "x".repeat(VALUE_CHARS_MAX);
        let above = Range { lower: Bound::Excluded(full.clone()), upper: Bound::Unbounded };
        assert!(KeyRange::of(&above).contains(&index_key(&format!("{full}y"), "n")));
    }

    #[test]
    fn the_longest_key_fits_a_sort_key() {
        assert!(index_key(&"😀".repeat(1_000), &"n".repeat(512)).len() <= 1_024);
    }
}
