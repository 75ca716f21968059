//! One zygote per language and one for schemas, started at the first use and again after it was lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::EngineError;
use crate::host::Zygote;
use crate::zygote_kind::ZygoteKind;

#[derive(Debug)]
pub(crate) struct Zygotes {
    allow_weak: bool,
    closed: AtomicBool,
    /// Locked while a zygote starts, so that it is started once.
    slots: BTreeMap<ZygoteKind, Mutex<Option<Arc<Zygote>>>>,
}

impl Zygotes {
    pub(crate) fn new(allow_weak: bool) -> Self {
        let slots = ZygoteKind::all().map(|kind| (kind, Mutex::default()));
        Self { allow_weak, closed: AtomicBool::new(false), slots: slots.collect() }
    }

    /// The zygote of a kind, started if there is none.
    pub(crate) fn of(&self, kind: ZygoteKind) -> Result<Arc<Zygote>, EngineError> {
        let failed = |reason: String| EngineError::Zygote { kind: kind.name(), reason };
        let slot = self.slots.get(&kind).ok_or_else(|| failed("unknown".to_owned()))?;
        let mut slot = lock(slot);
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::ShutDown);
        }
        if let Some(zygote) = slot.as_ref().filter(|zygote| !zygote.is_lost()) {
            return Ok(Arc::clone(zygote));
        }
        let zygote = Arc::new(Zygote::start(kind, self.allow_weak).map_err(failed)?);
        *slot = Some(Arc::clone(&zygote));
        Ok(zygote)
    }

    /// The number of workers of all zygotes that are not reaped yet.
    pub(crate) fn workers(&self) -> usize {
        self.slots
            .values()
            .filter_map(|slot| lock(slot).clone())
            .map(|zygote| zygote.workers())
            .sum()
    }

    /// Ends every zygote with its workers, and refuses to start any further one.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for slot in self.slots.values() {
            let zygote = lock(slot).take();
            if let Some(zygote) = zygote {
                zygote.close();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // INVARIANT: nothing is left half-done under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
