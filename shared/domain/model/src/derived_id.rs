//! Ids that are derived from what they name, so that making a thing a second time meets the first.

use sha2::{Digest as _, Sha256};

use crate::Timestamp;

/// A UUID of version 7 (RFC 9562) with the time `at`. Its other bits come from a SHA-256 of the time
/// and the parts, so the same arguments give the same id for ever.
///
/// Ids of different parts differ as far as the parts, joined by NUL, do: at most one of the parts may
/// contain a NUL.
#[must_use]
pub fn derive_id(at: Timestamp, parts: &[&str]) -> String {
    let mut hash = Sha256::new().chain_update(at.as_ms().to_be_bytes());
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            hash.update([0]);
        }
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let (word, _) = digest.split_first_chunk::<10>().unwrap_or((&[0; 10], &[]));
    let [a, b, c, d, e, f, g, h, i, j] = *word;
    let ms = u64::try_from(at.as_ms()).unwrap_or(0) & 0xffff_ffff_ffff;
    let (version, variant) = (0x70 | (a & 0x0f), 0x80 | (c & 0x3f));
    let node = format!("{e:02x}{f:02x}{g:02x}{h:02x}{i:02x}{j:02x}");
    format!("{:08x}-{:04x}-{version:02x}{b:02x}-{variant:02x}{d:02x}-{node}", ms >> 16, ms & 0xffff)
}

/// The id of what a request with an idempotency key makes. Every request with that key has it, within
/// the key's day: the second one to commit finds the id in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedId {
    /// A UUID of version 7 that begins with the time of the key's first claim.
    pub id: String,
    /// The time of the key's first claim.
    pub claimed_at: Timestamp,
    /// Whether an earlier request claimed the key, which may have made the thing already.
    pub is_retry: bool,
}

impl DerivedId {
    /// The id of what a request makes that is told from all others by these parts.
    #[must_use]
    pub fn new(claimed_at: Timestamp, parts: &[&str], is_retry: bool) -> Self {
        Self { id: derive_id(claimed_at, parts), claimed_at, is_retry }
    }

    /// The id of something that is made on the way, as the record of a pre-check. `purpose` tells it
    /// from the others.
    #[must_use]
    pub fn child(&self, purpose: &str) -> Self {
        Self::new(self.claimed_at, &[&self.id, purpose], self.is_retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_that_is_the_same_for_ever() {
        let at = Timestamp::from_ms(1_790_000_000_123);
        let id = derive_id(at, &["home", "ada", "jobs.submit", "k1"]);
        assert_eq!((id.len(), &id[..15]), (36, "01a0c450-6c7b-7"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_eq!(id, derive_id(at, &["home", "ada", "jobs.submit", "k1"]));
    }

    #[test]
    fn other_parts_and_times_have_other_ids() {
        let at = Timestamp::from_ms(1_790_000_000_123);
        let ids = [
            derive_id(at, &["home", "ada", "jobs.submit", "k1"]),
            derive_id(Timestamp::from_ms(at.as_ms() + 1), &["home", "ada", "jobs.submit", "k1"]),
            derive_id(at, &["home", "ada", "jobs.submit", "k2"]),
            derive_id(at, &["home", "ada", "jobs.submitk", "1"]),
            derive_id(at, &["home", "bob", "jobs.submit", "k1"]),
            derive_id(at, &["homes", "ada", "jobs.submit", "k1"]),
            derive_id(at, &["home", "ada"]),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn a_child_has_the_time_of_its_parent_and_an_id_of_its_own() {
        let parent = DerivedId::new(Timestamp::from_ms(7), &["a"], true);
        let child = parent.child("precheck");
        assert_eq!((child.claimed_at, child.is_retry), (parent.claimed_at, true));
        assert_eq!(child, parent.child("precheck"));
        let ids = [&parent.id, &child.id, &parent.child("failure").id];
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{ids:?}");
    }
}
