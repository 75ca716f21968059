//! The interface of a policy language. Both traits are implemented inside a worker process: an
//! implementation may be slow, abort or loop, and the platform survives it.

use writ_model::Diagnostic;

use crate::{Budget, Call, CheckReport, Failure, Outcome, Source};

/// A language's interpreter, started once in a zygote, with its imports done.
pub(crate) trait Runtime {
    /// Compiles a source into a program.
    ///
    /// # Errors
    /// Every diagnostic of a source that does not compile.
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>>;
}

/// Compiled code, ready to run.
pub(crate) trait Program {
    /// The compiler's warnings about code that compiles.
    fn checked(&self) -> CheckReport;

    /// Whether this process may run the program again, for another caller, after a run.
    fn isolation(&self) -> Isolation;

    /// Runs once, stateless: it must not see anything of an earlier run.
    ///
    /// An implementation need not enforce the budget's time. It enforces memory, depth and output
    /// for precise messages; the limits of the process are the second line of defence.
    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure>;

    /// Takes what the last run has printed, if it has failed; an outcome holds its own.
    fn take_printed(&mut self) -> String {
        String::new()
    }
}

/// How the runs of one program are isolated from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// A run provably leaves nothing behind: the process serves further runs.
    Reusable,
    /// A run might leave something behind: the process serves one run and ends.
    SingleUse,
}
