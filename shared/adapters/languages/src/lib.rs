//! The policy languages: each implements [`Runtime`] and [`language::Program`] inside a worker
//! process of the engine.
//!
//! A program that runs policies calls [`init`] first. One that applies schemas alone links no language:
//! see [`writ_engine::worker::init_without_languages`].

mod cedar;
mod cel;
mod context;
#[doc(hidden)]
pub mod fuzzing;
mod nesting;
mod python;
mod rego;
mod rng;
mod wasm;

use writ_engine::language::{self, Runtime};
use writ_engine::{Budget, Call, CheckReport, Coverage, Failure, Method, Outcome, Source, capture};
use writ_model::Language;

/// Lets this program act as its own zygote and worker, of every language. Call it first in `main` of
/// every binary that runs policies, before any thread exists.
///
/// In a process that an engine has started it runs the zygote and never returns. In any other
/// process it returns at once.
pub fn init() {
    writ_engine::worker::init(start);
}

/// Starts a language's runtime and does its imports.
fn start(language: Language) -> Result<Box<dyn Runtime>, String> {
    Ok(match language {
        Language::Python => Box::new(python::start()?),
        Language::Rego => Box::new(rego::runtime()),
        Language::Cedar => Box::new(cedar::runtime()),
        Language::Cel => Box::new(cel::runtime()),
        Language::Wasm => Box::new(wasm::runtime()),
    })
}
