//! The state of the current run, for the native functions of the interpreter.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use writ_model::{ContextChange, RawJson};

use crate::capture::Capture;
use crate::context::{ContextFullError, RunContext};
use crate::rng::Rng;
use crate::{Budget, Call};

/// The current run's clock, random numbers, capture, trace and context; one per interpreter.
#[derive(Debug, Default)]
pub(super) struct RunState {
    now_ms: Cell<i64>,
    rng: Cell<Rng>,
    printed: RefCell<Capture>,
    lines: RefCell<BTreeSet<u32>>,
    context: RefCell<RunContext>,
}

impl RunState {
    /// Replaces the state of the last run by that of the next one.
    pub(super) fn begin(&self, call: &Call, budget: &Budget) {
        self.now_ms.set(call.now_ms);
        self.rng.set(Rng::new(call.seed));
        self.printed.replace(Capture::new(budget.output_bytes_max));
        self.lines.borrow_mut().clear();
        self.context.replace(RunContext::of(call));
    }

    pub(super) fn context_get(&self, key: &str) -> Option<RawJson> {
        self.context.borrow().get(key).cloned()
    }

    pub(super) fn context_set(&self, key: &str, value: RawJson) -> Result<(), ContextFullError> {
        self.context.borrow_mut().set(key, value)
    }

    pub(super) fn context_delete(&self, key: &str) {
        self.context.borrow_mut().delete(key);
    }

    pub(super) fn context_clear(&self) {
        self.context.borrow_mut().clear();
    }

    pub(super) fn take_change(&self) -> Option<ContextChange> {
        self.context.take().into_change()
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    pub(super) fn random_bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut rng = self.rng.get();
        rng.fill(&mut bytes);
        self.rng.set(rng);
        bytes
    }

    pub(super) fn print(&self, text: &str) {
        self.printed.borrow_mut().print(text);
    }

    pub(super) fn take_printed(&self) -> String {
        self.printed.take().into_text()
    }

    pub(super) fn record_line(&self, line: u32) {
        self.lines.borrow_mut().insert(line);
    }

    pub(super) fn take_lines(&self) -> BTreeSet<u32> {
        std::mem::take(&mut self.lines.borrow_mut())
    }
}
