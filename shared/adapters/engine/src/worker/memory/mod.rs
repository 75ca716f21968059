//! The isolation of one run from the next: after each run a worker puts its memory back.
//!
//! Every writable page of a worker is a private mapping of a memory file that no process can write
//! any more. A run writes to copies. After the run, the bytes of the file come back: a few copies are
//! overwritten, since a copy costs less than its next fault, and many are dropped. The state is that
//! between the compilation and the first run, whatever the run has changed, without knowledge of the
//! language.
//!
//! - A zygote moves its memory into a file once its imports are done ([`base`]); its workers share
//!   it.
//! - A worker moves what its compilation has changed into a second file, which the platform gives
//!   it and seals ([`Checkpoint::take`]), and puts its memory back after each run
//!   ([`Checkpoint::restore`]).
//!
//! Mappings that a run has made are removed, the heap ends where it ended, blocked signals are as
//! they were, and the stack below the worker's loop is discarded. The stack above it belongs to
//! frames that are in no call of a program. System calls with other lasting effects are not on the
//! list of the worker's filter.
//!
//! The worker trusts none of this. Where the kernel does not drop copies, or does not say which pages
//! are copies, it serves a single run. Then it leaves marks in every kind of memory, puts the memory
//! back, and ends if it finds one of them ([`probe`]).
//!
//! It separates runs of policies that act through their language. It is no defence against
//! native code, and a worker never serves two policies or two workspaces.

mod base;
mod checkpoint;
mod maps;
mod pages;
mod probe;
mod sys;
mod table;

pub(super) use base::Base;
pub(super) use checkpoint::Checkpoint;
pub(crate) use sys::{memory_file, seal};

/// The size of a page of memory that all supported kernels and processors use here, in bytes.
///
/// A process with larger pages takes no checkpoint.
const PAGE_BYTES: usize = 4096;

/// Where a mapping begins, and where the next one may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    start: usize,
    end: usize,
}

impl Range {
    fn bytes(self) -> usize {
        self.end - self.start
    }

    fn contains(self, other: Range) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}
