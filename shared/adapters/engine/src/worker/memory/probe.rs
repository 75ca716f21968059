//! Proof, in each worker, that a checkpoint is one: something is left in every kind of memory, and has
//! to be gone when the memory was put back.
#![expect(unsafe_code, reason = "two mappings of its own are put back and removed")]

use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Checkpoint, PAGE_BYTES, sys};

/// The mark at the checkpoint.
const BEFORE: usize = 0x5752_4954;
/// The mark that a run leaves.
const LEFT: usize = !BEFORE;

static STATIC: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OF_THREAD: Cell<usize> = const { Cell::new(0) };
}

/// Checks on one page of the worker's file that the kernel drops copies, before anything depends on
/// it.
///
/// # Errors
/// The kernel refuses a step, or a copy is still there.
pub(super) fn copies_are_dropped(file: BorrowedFd<'_>) -> io::Result<()> {
    let shared = sys::map_shared(file, 0, PAGE_BYTES)?;
    sys::write(shared, BEFORE);
    let copy = sys::map_private(file, 0, PAGE_BYTES)?;
    sys::write(copy, LEFT);
    let is_private = sys::read(shared) == BEFORE && sys::read(copy) == LEFT;
    // SAFETY: both mappings are this function's own, and hold numbers only.
    unsafe {
        sys::discard(copy)?;
        let is_dropped = sys::read(copy) == BEFORE;
        sys::unmap(copy)?;
        sys::unmap(shared)?;
        if is_private && is_dropped {
            Ok(())
        } else {
            Err(io::Error::other("copies of pages stay"))
        }
    }
}

/// Marks that are written before the checkpoint, in the heap, the statics and the thread's memory.
pub(super) struct Marks {
    heap: Box<Cell<usize>>,
}

impl Marks {
    pub(super) fn new() -> Self {
        STATIC.store(BEFORE, Ordering::Relaxed);
        OF_THREAD.set(BEFORE);
        Self { heap: black_box(Box::new(Cell::new(BEFORE))) }
    }

    /// The address of the mark in the heap.
    pub(super) fn heap_address(&self) -> usize {
        std::ptr::from_ref(&*self.heap).addr()
    }

    fn all(&self) -> [(&'static str, usize); 3] {
        [
            ("the heap", black_box(&self.heap).get()),
            ("a static variable", STATIC.load(Ordering::Relaxed)),
            ("a variable of the thread", OF_THREAD.get()),
        ]
    }

    /// Leaves something behind everywhere, puts the memory back and looks for it: once by dropping
    /// copies, once by overwriting them.
    ///
    /// # Errors
    /// Where something was left. The process must end then.
    pub(super) fn check(self, checkpoint: &Checkpoint) -> Result<(), String> {
        for overwritten_max in [0, usize::MAX] {
            let failed = |error: io::Error| format!("its memory cannot be put back: {error}");
            let left = self.leave().map_err(failed)?;
            checkpoint.restore_by(overwritten_max).map_err(failed)?;
            if let Some((place, _)) = self.all().into_iter().find(|(_, mark)| *mark != BEFORE) {
                return Err(format!("a run would leave something in {place}"));
            }
            if sys::is_mapped(left.mapping) {
                return Err("a run would leave a mapping".to_owned());
            }
            if sys::heap_end() != left.heap_end {
                return Err("a run would leave a larger heap".to_owned());
            }
        }
        Ok(())
    }

    /// What a run does to memory: it changes values, and allocates without freeing.
    #[inline(never)]
    fn leave(&self) -> io::Result<Left> {
        let heap_end = sys::heap_end();
        self.heap.set(LEFT);
        STATIC.store(LEFT, Ordering::Relaxed);
        OF_THREAD.set(LEFT);
        for _ in 0..64 {
            black_box(vec![1u8; 16 << 10].leak());
        }
        let mapping = sys::map_anonymous(PAGE_BYTES)?.start;
        Ok(Left { mapping, heap_end })
    }
}

/// Where the marks of a run would be found.
struct Left {
    mapping: usize,
    heap_end: usize,
}
