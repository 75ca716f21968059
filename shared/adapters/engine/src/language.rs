//! The interface of a policy language. Both traits are implemented inside a worker process: an
//! implementation may be slow, abort or loop, and the platform survives it.

use writ_model::{Diagnostic, Language};

use crate::{Budget, Call, CheckReport, Failure, Outcome, Source};

/// A language's interpreter, started once in a zygote, with its imports done.
pub trait Runtime {
    /// Compiles a source into a program.
    ///
    /// # Errors
    /// Every diagnostic of a source that does not compile.
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>>;
}

/// Compiled code, ready to run.
pub trait Program {
    /// The compiler's warnings about code that compiles.
    fn checked(&self) -> CheckReport;

    /// Runs once. The process that called this puts its memory back to what it was before the run,
    /// so that no run sees anything of an earlier one; see `worker::memory`.
    ///
    /// An implementation need not enforce the budget's time. It enforces memory, depth and output
    /// for precise messages; the limits of the process are the second line of defence.
    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure>;

    /// Takes what the last run has printed, if it has failed; an outcome holds its own.
    fn take_printed(&mut self) -> String {
        String::new()
    }
}

/// Starts a language's runtime and does its imports.
///
/// # Errors
/// What the language's own library raised, or that the program has not linked the language.
pub type Start = fn(Language) -> Result<Box<dyn Runtime>, String>;
