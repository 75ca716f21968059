//! Sort keys of indexes: a field's value, NUL, what names the object.
//!
//! The value comes first and is shortened to [`VALUE_CHARS_MAX`] characters, so that any value fits
//! DynamoDB's 1,024 bytes; cutting at a number of characters keeps the order of UTF-8. The name
//! makes keys unique in their partition and keeps them from being empty. A NUL inside a value is
//! escaped, so that the first NUL of a key ends the value and values keep their order.
//!
//! Ranges of values become ranges of keys that hold at least every object of the range: a
//! shortened value may stand for many. What is read is always held against the filter.

use std::ops::Bound;

use writ_query::{Direction, Range};

/// Up to 480 bytes, beside a name of at most 512.
const VALUE_CHARS_MAX: usize = 120;

/// Ends a value.
const END: char = '\0';
/// Just after [`END`]: what follows every key of a value, and no key of a longer one.
const PAST: char = '\u{1}';

/// The key under which an index holds an object.
pub(crate) fn index_key(value: &str, name: &str) -> String {
    let mut key = shortened(value);
    key.push(END);
    key.push_str(name);
    key
}

/// What names the object of a key.
pub(crate) fn suffix_of(key: &str) -> Option<&str> {
    key.split_once(END).map(|(_, name)| name)
}

/// Whether it is the key of an empty value: any other's first character is not [`END`].
pub(crate) fn is_key_of_nothing(key: &str) -> bool {
    key.starts_with(END)
}

fn shortened(value: &str) -> String {
    escaped(value).take(VALUE_CHARS_MAX).collect()
}

fn escaped(value: &str) -> impl Iterator<Item = char> {
    value
        .chars()
        .flat_map(|character| match character {
            END => [Some(PAST), Some(PAST)],
            PAST => [Some(PAST), Some('\u{2}')],
            other => [Some(other), None],
        })
        .flatten()
}

/// Whether other values may have its key: it is shortened, or what longer ones are shortened to.
fn shares_its_key(value: &str) -> bool {
    escaped(value).count() >= VALUE_CHARS_MAX
}

/// A stretch of an index's partition: from `from` on, and before `to`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyRange {
    from: Option<String>,
    to: Option<String>,
}

impl KeyRange {
    /// Where the objects of a range of values are.
    pub(crate) fn of(range: &Range) -> Self {
        let at = |value: &str, end| {
            let mut key = shortened(value);
            key.push(end);
            key
        };
        let from = match &range.lower {
            Bound::Unbounded => None,
            Bound::Excluded(value) if !shares_its_key(value) => Some(at(value, PAST)),
            Bound::Included(value) | Bound::Excluded(value) => Some(at(value, END)),
        };
        let to = match &range.upper {
            Bound::Unbounded => None,
            Bound::Excluded(value) if !shares_its_key(value) => Some(at(value, END)),
            Bound::Included(value) | Bound::Excluded(value) => Some(at(value, PAST)),
        };
        Self { from, to }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.from.as_deref().is_none_or(|from| from <= key)
            && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// What is left of it after a key, in reading order.
    pub(super) fn after(&self, key: &str, direction: Direction) -> Self {
        match direction {
            // No key is another one followed by NUL.
            Direction::Ascending => Self { from: Some(format!("{key}{END}")), to: self.to.clone() },
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
            let exact = !shares_its_key(&value)
                && [&range.lower, &range.upper].into_iter().all(|bound| match bound {
                    Bound::Included(value) | Bound::Excluded(value) => !shares_its_key(value),
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
            if !shares_its_key(&left) && !shares_its_key(&right) {
                let keys = (index_key(&left, "n"), index_key(&right, "n"));
                prop_assert_eq!(left.cmp(&right), keys.0.cmp(&keys.1));
            }
            let key = index_key(&left, "n");
            prop_assert_eq!(suffix_of(&key), Some("n"));
            prop_assert_eq!(is_key_of_nothing(&key), left.is_empty());
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
