//! One zygote per language, started when it is first needed and again when it was lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use writ_model::Language;

use crate::EngineError;
use crate::host::Zygote;

#[derive(Debug)]
pub(crate) struct Zygotes {
    weak: bool,
    closed: AtomicBool,
    /// Locked while a zygote starts, so that it is started once.
    slots: BTreeMap<Language, Mutex<Option<Arc<Zygote>>>>,
}

impl Zygotes {
    pub(crate) fn new(weak: bool) -> Self {
        let slots = Language::ALL.into_iter().map(|language| (language, Mutex::default()));
        Self { weak, closed: AtomicBool::new(false), slots: slots.collect() }
    }

    /// The zygote of a language, started if it has to be.
    pub(crate) fn of(&self, language: Language) -> Result<Arc<Zygote>, EngineError> {
        let failed = |reason: String| EngineError::Zygote { language, reason };
        let slot = self.slots.get(&language).ok_or_else(|| failed("unknown".to_owned()))?;
        let mut slot = lock(slot);
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::ShutDown);
        }
        if let Some(zygote) = slot.as_ref().filter(|zygote| !zygote.is_lost()) {
            return Ok(Arc::clone(zygote));
        }
        let zygote = Arc::new(Zygote::start(language, self.weak).map_err(failed)?);
        *slot = Some(Arc::clone(&zygote));
        Ok(zygote)
    }

    /// How many workers exist.
    pub(crate) fn workers(&self) -> usize {
        self.slots
            .values()
            .filter_map(|slot| lock(slot).clone())
            .map(|zygote| zygote.workers())
            .sum()
    }

    /// Ends them all with their workers, for good.
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
