//! Entry points for the fuzz targets in `fuzz/` and for the test that replays their corpora: the code
//! that untrusted bytes reach, without a worker process. Not a public interface.

use writ_model::{Diagnostic, Language};

use crate::language::Runtime;
use crate::wire::WorkerRequest;
use crate::{Budget, Call, CheckReport, FailedRun, Outcome, Source};

/// A language's compiler in this process. A stack overflow in it ends the process.
pub struct Compiler(Box<dyn Runtime>);

impl Compiler {
    /// Starts the language's runtime, as its zygote does.
    ///
    /// # Errors
    /// What the interpreter's own library raised.
    pub fn start(language: Language) -> Result<Self, String> {
        crate::worker::start(language).map(Self)
    }

    /// Compiles as a worker does, and drops the program.
    ///
    /// # Errors
    /// Every diagnostic of the source.
    pub fn compile(&mut self, source: &Source) -> Result<CheckReport, Vec<Diagnostic>> {
        self.0.compile(source).map(|program| program.checked())
    }
}

/// The result that the platform derives from a worker that replies with `bytes`; `None` when they
/// are no valid reply.
///
/// # Errors
/// When the host cannot create a socket pair or a timer.
pub fn answer(
    bytes: &[u8],
    call: &Call,
    budget: &Budget,
) -> std::io::Result<Option<Result<Outcome, FailedRun>>> {
    crate::host::reply_fuzz::answer(bytes, call, budget)
}

/// Whether a worker would accept `bytes` as a request.
#[must_use]
pub fn is_worker_request(bytes: &[u8]) -> bool {
    serde_json::from_slice::<WorkerRequest>(bytes).is_ok()
}
