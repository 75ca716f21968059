//! Tests of the worker processes: their limits, their isolation and their exits. Hostile policies are
//! in `attacks`.
//!
//! No test asserts a duration: it waits for what must end, and fails if that never happens.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod compile;
mod helper;
mod isolation;
mod jobs;
mod limits;
mod policies;
mod processes;
mod restore;
mod schemas;
mod survival;

use libtest_mimic::{Arguments, Trial};

fn main() {
    if std::env::args().nth(1).as_deref() == Some(helper::WITHOUT_INIT) {
        helper::without_init();
    }
    writ_languages::init();
    helper::run_role_from_arguments();
    let mut arguments = Arguments::from_args();
    // Trials inspect the child processes of this process, so they must run one after another.
    arguments.test_threads = Some(1);
    let trials: Vec<Trial> = [
        compile::trials(),
        isolation::trials(),
        jobs::trials(),
        limits::trials(),
        processes::trials(),
        restore::trials(),
        schemas::trials(),
        survival::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// A trial that fails by a panic.
fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
