//! Compiled policies by digest: a body never changes under its digest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use writ_model::Digest;

use crate::CompiledPolicy;

/// Policies in the cache at most; about 20 KB each without their code.
const POLICIES_MAX: usize = 256;

type Entries = VecDeque<(Digest, Arc<CompiledPolicy>)>;

/// The most recently used compiled policies, at most 256 of them.
#[derive(Debug, Default)]
pub struct PolicyCache {
    // Most recently used at the back. Scanning a few hundred digests costs less than a map that
    // keeps the order beside itself.
    entries: Mutex<Entries>,
}

impl PolicyCache {
    /// The policy with the body of this digest, if it is in the cache.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<Arc<CompiledPolicy>> {
        let mut entries = self.lock();
        let position = entries.iter().rposition(|(other, _)| other == digest)?;
        let entry = entries.remove(position)?;
        let policy = Arc::clone(&entry.1);
        entries.push_back(entry);
        Some(policy)
    }

    /// Adds a policy; a full cache drops the least recently used one.
    pub fn put(&self, digest: Digest, policy: Arc<CompiledPolicy>) {
        let mut entries = self.lock();
        if entries.iter().any(|(other, _)| *other == digest) {
            return;
        }
        if entries.len() >= POLICIES_MAX {
            entries.pop_front();
        }
        entries.push_back((digest, policy));
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
