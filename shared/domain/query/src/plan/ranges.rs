//! Sets of strings as ranges of an ordered index.

use std::cmp::Ordering;
use std::ops::Bound;

/// A range of an index, by the UTF-8 bytes of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The lower bound of the keys.
    pub lower: Bound<String>,
    /// The upper bound of the keys.
    pub upper: Bound<String>,
}

/// The selectivity of a set of ranges, most selective first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Selectivity {
    Points(usize),
    Prefixes(usize),
    TwoSided(usize),
    OneSided,
    Everything,
}

impl Range {
    /// Returns the range of the whole index.
    #[must_use]
    pub fn everything() -> Self {
        Self { lower: Bound::Unbounded, upper: Bound::Unbounded }
    }

    /// Whether the range is the whole index.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::everything()
    }

    /// Returns the key of a range that contains exactly one; otherwise `None`.
    #[must_use]
    pub fn as_point(&self) -> Option<&str> {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower), Bound::Included(upper)) if lower == upper => Some(lower),
            _ => None,
        }
    }

    /// Whether the range contains a key.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        let above = match &self.lower {
            Bound::Included(lower) => lower.as_str() <= key,
            Bound::Excluded(lower) => lower.as_str() < key,
            Bound::Unbounded => true,
        };
        above
            && match &self.upper {
                Bound::Included(upper) => key <= upper.as_str(),
                Bound::Excluded(upper) => key < upper.as_str(),
                Bound::Unbounded => true,
            }
    }

    pub(super) fn point(key: &str) -> Self {
        Self { lower: Bound::Included(key.to_owned()), upper: Bound::Included(key.to_owned()) }
    }

    pub(super) fn prefix(prefix: &str) -> Self {
        let upper = after_prefix(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { lower: Bound::Included(prefix.to_owned()), upper }
    }

    pub(super) fn above(key: &str, included: bool) -> Self {
        Self { lower: bound(key, included), upper: Bound::Unbounded }
    }

    pub(super) fn below(key: &str, included: bool) -> Self {
        Self { lower: Bound::Unbounded, upper: bound(key, included) }
    }

    fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Unbounded, Bound::Excluded(upper)) => upper.is_empty(),
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (
                Bound::Included(lower) | Bound::Excluded(lower),
                Bound::Included(upper) | Bound::Excluded(upper),
            ) => lower >= upper,
        }
    }

    fn selectivity(&self) -> Selectivity {
        match (&self.lower, &self.upper) {
            (Bound::Unbounded, Bound::Unbounded) => Selectivity::Everything,
            _ if self.as_point().is_some() => Selectivity::Points(1),
            (Bound::Included(lower), Bound::Excluded(upper))
                if after_prefix(lower).as_ref() == Some(upper) =>
            {
                Selectivity::Prefixes(1)
            }
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => Selectivity::OneSided,
            _ => Selectivity::TwoSided(1),
        }
    }
}

fn bound(key: &str, included: bool) -> Bound<String> {
    if included { Bound::Included(key.to_owned()) } else { Bound::Excluded(key.to_owned()) }
}

/// Returns the least string above all that start with the prefix; `None` where there is none. The
/// order of UTF-8 bytes is that of characters, so the last character that has a successor is
/// replaced by it.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // Surrogates are not characters: the successor of U+D7FF is U+E000.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// Ascending ranges with a gap between any two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Vec<Range>);

impl Ranges {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn one(range: Range) -> Self {
        if range.is_empty() { Self::none() } else { Self(vec![range]) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_one_point(&self) -> bool {
        matches!(self.0.as_slice(), [only] if only.as_point().is_some())
    }

    pub(super) fn into_vec(self) -> Vec<Range> {
        self.0
    }

    /// Returns the selectivity of the least selective range, with the number of ranges.
    pub(super) fn selectivity(&self) -> Selectivity {
        let count = self.0.len();
        match self.0.iter().map(Range::selectivity).max() {
            Some(Selectivity::Prefixes(_)) => Selectivity::Prefixes(count),
            Some(Selectivity::TwoSided(_)) => Selectivity::TwoSided(count),
            Some(Selectivity::Points(_)) | None => Selectivity::Points(count),
            Some(open) => open,
        }
    }

    pub(super) fn union(sets: impl IntoIterator<Item = Self>) -> Self {
        let mut all: Vec<Range> = sets.into_iter().flat_map(|set| set.0).collect();
        all.sort_by(|left, right| compare_lower(&left.lower, &right.lower));
        let mut merged: Vec<Range> = Vec::with_capacity(all.len());
        for range in all {
            match merged.last_mut() {
                Some(last) if !is_gap(&last.upper, &range.lower) => {
                    if compare_upper(&range.upper, &last.upper) == Ordering::Greater {
                        last.upper = range.upper;
                    }
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = Vec::new();
        while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
            let lower = if compare_lower(&first.lower, &second.lower) == Ordering::Less {
                &second.lower
            } else {
                &first.lower
            };
            let first_ends = compare_upper(&first.upper, &second.upper) == Ordering::Less;
            let upper = if first_ends { &first.upper } else { &second.upper };
            let range = Range { lower: lower.clone(), upper: upper.clone() };
            if !range.is_empty() {
                common.push(range);
            }
            if first_ends {
                left.next()
            } else {
                right.next()
            };
        }
        Self(common)
    }
}

fn compare_lower(left: &Bound<String>, right: &Bound<String>) -> Ordering {
    match (left, right) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (Bound::Included(left), Bound::Excluded(right)) => left.cmp(right).then(Ordering::Less),
        (Bound::Excluded(left), Bound::Included(right)) => left.cmp(right).then(Ordering::Greater),
        (Bound::Included(left), Bound::Included(right))
        | (Bound::Excluded(left), Bound::Excluded(right)) => left.cmp(right),
    }
}

fn compare_upper(left: &Bound<String>, right: &Bound<String>) -> Ordering {
    match (left, right) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(left), Bound::Excluded(right)) => left.cmp(right).then(Ordering::Greater),
        (Bound::Excluded(left), Bound::Included(right)) => left.cmp(right).then(Ordering::Less),
        (Bound::Included(left), Bound::Included(right))
        | (Bound::Excluded(left), Bound::Excluded(right)) => left.cmp(right),
    }
}

/// Whether a key can be between the end of one range and the start of the next.
fn is_gap(upper: &Bound<String>, lower: &Bound<String>) -> bool {
    match (upper, lower) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Excluded(upper), Bound::Excluded(lower)) => lower >= upper,
        (
            Bound::Included(upper) | Bound::Excluded(upper),
            Bound::Included(lower) | Bound::Excluded(lower),
        ) => lower > upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_above_all_that_starts_with_it() {
        for (prefix, want) in [
            ("a", Some("b")),
            ("az", Some("a{")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), want, "{prefix:?}");
        }
    }

    #[test]
    fn ranges_that_touch_become_one_and_a_missing_point_keeps_them_apart() {
        let union = |first, second| {
            Ranges::union([Ranges::one(first), Ranges::one(second)]).into_vec().len()
        };
        assert_eq!(union(Range::below("m", false), Range::above("m", true)), 1);
        assert_eq!(union(Range::below("m", false), Range::above("m", false)), 2);
        assert_eq!(union(Range::point("a"), Range::point("a")), 1);
        assert_eq!(union(Range::point("a"), Range::point("b")), 2);
    }
}
