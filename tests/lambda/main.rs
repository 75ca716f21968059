//! The Lambda programs as Lambda meets them: started with its variables, asked through its Runtime
//! API, over a DynamoDB that answers what a case says, and frozen in between.
//!
//! Events and what must come of them are data (`tests/cases/lambda`). What needs processes or
//! signals is a function in one of the modules. Nothing here asserts a duration.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod cases;
mod engines;
mod freezing;
mod log;
mod programs;
mod starting;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // Each trial starts processes of its own: side by side they would only slow each other down.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let trials: Vec<Trial> =
        [cases::trials(), engines::trials(), freezing::trials(), log::trials(), starting::trials()]
            .into_iter()
            .flatten()
            .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// A trial that fails by a panic.
fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
