//! The limits of a run: its time, as fuel, and its memory.

use wasmi::ResourceLimiter;
use wasmi_core::{LimiterError, MemoryError};

use crate::Budget;

/// Instructions for each millisecond of the budget. Wasmi executes several times as many, so a run
/// that takes too long ends at the same instruction on every machine; on a machine that is slower
/// than this, the deadline ends it.
const FUEL_PER_MS: u64 = 100_000;
/// Elements of each table, as references of 8 bytes.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The fuel of one run, in instructions.
pub(super) fn fuel(budget: &Budget) -> u64 {
    u64::try_from(budget.time.as_millis()).unwrap_or(u64::MAX).saturating_mul(FUEL_PER_MS)
}

/// The largest linear memory, in bytes. A quarter of the budget is left for the argument, the output
/// and wasmi itself, so that this deterministic bound is reached before the limit of the process.
pub(super) fn memory_bytes_max(budget: &Budget) -> usize {
    usize::try_from(budget.memory_bytes_max / 4 * 3).unwrap_or(usize::MAX)
}

/// Refuses growth beyond the limits, and records it: a module that traps afterwards was out of
/// memory.
#[derive(Debug)]
pub(super) struct Limits {
    memory_bytes_max: usize,
    pub(super) refused: bool,
}

impl Limits {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { memory_bytes_max: memory_bytes_max(budget), refused: false }
    }

    fn allow(&mut self, desired: usize, most: usize, declared: Option<usize>) -> bool {
        // Growth beyond the module's own maximum fails, but not because of these limits.
        if declared.is_some_and(|declared| desired > declared) {
            return false;
        }
        self.refused |= desired > most;
        desired <= most
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(self.allow(desired, self.memory_bytes_max, maximum))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(self.allow(desired, TABLE_ELEMENTS_MAX, maximum))
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.refused |= matches!(error, MemoryError::OutOfSystemMemory);
        Ok(())
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        usize::MAX
    }

    fn memories(&self) -> usize {
        1
    }
}
