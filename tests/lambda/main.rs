//! Tests of the Lambda programs as Lambda runs them: started with its environment variables, invoked
//! through its Runtime API, over a scripted DynamoDB, and frozen between invocations.
//!
//! Events and expected results are data (`tests/cases/lambda`). Tests that need processes or signals
//! are functions in the modules. No test asserts a duration.
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
    // Each trial starts processes of its own, so more trials in parallel would not be faster.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let trials: Vec<Trial> =
        [cases::trials(), engines::trials(), freezing::trials(), log::trials(), starting::trials()]
            .into_iter()
            .flatten()
            .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// A trial that fails if `test` panics.
fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
