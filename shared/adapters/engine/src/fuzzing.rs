//! What hostile bytes reach, without a process around it: for the fuzz targets in `fuzz/` and for
//! the test that replays what they have found. Not for use.

use writ_model::{Diagnostic, Language};

use crate::language::Runtime;
use crate::wire::Order;
use crate::{Budget, Call, Checked, Failed, Outcome, Source};

/// A language's compiler in this process, which it may take along when it overflows its stack.
pub struct Compiler(Box<dyn Runtime>);

impl Compiler {
    /// Starts what a zygote of the language starts.
    ///
    /// # Errors
    /// What the interpreter's own library raised.
    pub fn start(language: Language) -> Result<Self, String> {
        crate::worker::start(language).map(Self)
    }

    /// Compiles as a worker does, and drops what came of it.
    ///
    /// # Errors
    /// Everything that is wrong with the source.
    pub fn compile(&mut self, source: &Source) -> Result<Checked, Vec<Diagnostic>> {
        self.0.compile(source).map(|program| program.checked())
    }
}

/// What the platform makes of a worker that answers by `bytes`; nothing when it makes nothing of
/// it.
///
/// # Errors
/// When this host gives no socket.
pub fn answer(
    bytes: &[u8],
    call: &Call,
    budget: &Budget,
) -> std::io::Result<Option<Result<Outcome, Failed>>> {
    crate::host::reply_fuzz::answer(bytes, call, budget)
}

/// Whether a worker could read `bytes` as an order.
#[must_use]
pub fn is_order(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Order>(bytes).is_ok()
}
