//! The code that runs inside the child processes: the zygote, and the workers that it forks.

mod memory;
mod schemas;
mod seccomp;
mod serve;
mod zygote;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::language::Start;
use crate::sys;
use crate::wire::ZYGOTE_ARGUMENT;
use crate::zygote_kind::ZygoteKind;

pub(crate) use memory::{memory_file, seal};

static READY: AtomicBool = AtomicBool::new(false);

/// Lets this program act as its own zygote and worker, of the languages that `start` starts. Call it
/// first in `main` of every binary that starts an [`Engine`](crate::Engine), before any thread
/// exists.
///
/// In a process that an engine has started it runs the zygote and never returns. In any other
/// process it returns at once.
pub fn init(start: Start) {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(ZYGOTE_ARGUMENT) {
        match arguments.next().as_deref().and_then(ZygoteKind::from_name) {
            Some(kind) => zygote::run(kind, start),
            None => sys::exit_now(2),
        }
    }
    READY.store(true, Ordering::Release);
}

/// The same as [`init`], for a program that applies schemas and runs no policy.
pub fn init_without_languages() {
    init(|language| Err(format!("this program does not run `{language}`")));
}

/// Whether [`init`] was called, so that this program can be started as a zygote.
pub(crate) fn is_ready() -> bool {
    READY.load(Ordering::Acquire)
}
