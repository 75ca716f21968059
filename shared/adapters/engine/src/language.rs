//! What a policy language has to offer. Both traits live inside a worker process: an
//! implementation may be slow, abort or loop, and the platform survives it.

use writ_model::Diagnostic;

use crate::{Budget, Call, Checked, Failure, Outcome, Source};

/// A language's interpreter, started once in a zygote, with its imports done.
pub(crate) trait Runtime {
    /// Compiles a source, or says everything that is wrong with it.
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>>;
}

/// Compiled code, ready to run.
pub(crate) trait Program {
    /// What the compiler wants to say though the code compiles.
    fn checked(&self) -> Checked;

    /// Whether this process may run the program again, for another caller, after a run.
    fn isolation(&self) -> Isolation;

    /// Runs once, stateless: nothing of an earlier run may be seen.
    ///
    /// The budget's time is not the implementation's to enforce; memory, depth and output are
    /// its first line, for good messages. The process's limits are the second.
    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure>;

    /// Takes what the last run has printed, where it has failed: an outcome holds its own.
    fn take_printed(&mut self) -> String {
        String::new()
    }
}

/// How one run is kept from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// It is proven that a run leaves nothing behind: the process serves the next run too.
    Reusable,
    /// A run might leave something behind: the process serves one run and ends.
    SingleUse,
}
