//! What the native functions of the interpreter see of the run that is going on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use writ_model::{ContextChange, RawJson};

use crate::context::{Full, RunContext};
use crate::{Budget, Call};

/// The current run's clock, entropy, capture and trace; one per interpreter.
#[derive(Debug, Default)]
pub(super) struct Hub {
    now_ms: Cell<i64>,
    entropy: Cell<u64>,
    printed: RefCell<String>,
    printed_bytes_max: Cell<usize>,
    lines: RefCell<BTreeSet<u32>>,
    context: RefCell<RunContext>,
}

impl Hub {
    /// Forgets the last run and takes over what the next one may see.
    pub(super) fn begin(&self, call: &Call, budget: &Budget) {
        self.now_ms.set(call.now_ms);
        self.entropy.set(call.seed);
        self.printed.borrow_mut().clear();
        self.printed_bytes_max.set(budget.output_bytes_max);
        self.lines.borrow_mut().clear();
        self.context.replace(RunContext::of(call));
    }

    pub(super) fn kept(&self, key: &str) -> Option<RawJson> {
        self.context.borrow().get(key).cloned()
    }

    pub(super) fn keep(&self, key: &str, value: RawJson) -> Result<(), Full> {
        self.context.borrow_mut().set(key, value)
    }

    pub(super) fn drop_kept(&self, key: &str) {
        self.context.borrow_mut().delete(key);
    }

    pub(super) fn drop_all_kept(&self) {
        self.context.borrow_mut().clear();
    }

    pub(super) fn take_change(&self) -> Option<ContextChange> {
        self.context.take().into_change()
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    /// Seeded bytes, as SplitMix64 makes them: a policy's randomness is for spreading load, and a
    /// replay needs the same; it is no secret.
    pub(super) fn random_bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count.saturating_add(8));
        while bytes.len() < count {
            let state = self.entropy.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.entropy.set(state);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// Keeps what fits; printing without end costs nothing but time.
    pub(super) fn print(&self, text: &str) {
        let mut printed = self.printed.borrow_mut();
        let mut room = self.printed_bytes_max.get().saturating_sub(printed.len()).min(text.len());
        while !text.is_char_boundary(room) {
            room -= 1;
        }
        printed.push_str(text.get(..room).unwrap_or_default());
        if room < text.len() {
            // Nothing after a cut: the capture is a prefix of what was printed.
            self.printed_bytes_max.set(printed.len());
        }
    }

    pub(super) fn take_printed(&self) -> String {
        std::mem::take(&mut self.printed.borrow_mut())
    }

    pub(super) fn ran(&self, line: u32) {
        self.lines.borrow_mut().insert(line);
    }

    pub(super) fn take_lines(&self) -> BTreeSet<u32> {
        std::mem::take(&mut self.lines.borrow_mut())
    }
}
