//! Prepared policies, kept by digest: a body never changes under its digest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use writ_model::Digest;

use crate::CompiledPolicy;

/// Policies kept at most; about 20 KB each without their code.
const PREPARED_MAX: usize = 256;

/// The most recently used prepared policies.
#[derive(Debug, Default)]
pub struct PolicyCache {
    // Most recently used at the back. Scanning a few hundred digests costs less than a map that
    // keeps the order beside itself.
    kept: Mutex<VecDeque<(Digest, Arc<CompiledPolicy>)>>,
}

/// Whoever keeps a shelf, for routes that read policies and do not run them.
pub trait HasPolicyCache: Send + Sync {
    /// The shelf.
    fn policy_cache(&self) -> &PolicyCache;
}

writ_ports::port!(HasPolicyCache, local);

impl PolicyCache {
    /// The policy whose body has this digest, if it is kept.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<Arc<CompiledPolicy>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().rposition(|(other, _)| other == digest)?;
        let entry = kept.remove(position)?;
        let prepared = Arc::clone(&entry.1);
        kept.push_back(entry);
        Some(prepared)
    }

    /// Keeps a policy; the least recently used one makes room.
    pub fn put(&self, digest: Digest, prepared: Arc<CompiledPolicy>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.iter().any(|(other, _)| *other == digest) {
            return;
        }
        if kept.len() >= PREPARED_MAX {
            kept.pop_front();
        }
        kept.push_back((digest, prepared));
    }
}
