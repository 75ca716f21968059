//! What happens inside the child processes: the zygote, and the workers that it forks.

mod seccomp;
mod serve;
mod zygote;

use std::sync::atomic::{AtomicBool, Ordering};

use writ_model::Language;

use crate::sys;
use crate::wire::MARKER;

pub(crate) use zygote::start;

static READY: AtomicBool = AtomicBool::new(false);

/// Lets this program be its own worker. Call it first in `main` of every binary that starts an
/// [`Engine`](crate::Engine), before any thread exists.
///
/// In a process that an engine has started it runs the worker and never returns. Anywhere else
/// it returns at once.
pub fn init() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(MARKER) {
        match arguments.next().as_deref().and_then(Language::named) {
            Some(language) => zygote::run(language),
            None => sys::exit_now(2),
        }
    }
    READY.store(true, Ordering::Release);
}

/// Whether a copy of this program would become a worker when asked to.
pub(crate) fn is_ready() -> bool {
    READY.load(Ordering::Acquire)
}
