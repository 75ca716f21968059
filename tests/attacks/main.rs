//! The attack battery: policies and inputs that try to harm the host, another workspace or a later
//! caller, as data (`<language>.yaml`), run beside the policies of another workspace.
//!
//! No test asserts a duration. The cost of each attack beyond its budget is measured and printed at
//! the end; `--nocapture` prints every attack.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod battery;
mod canary;
mod corpus;
mod guide;
mod host;
mod matrix;
mod report;
mod trace;
mod watch;

use libtest_mimic::{Arguments, Trial};

fn main() {
    writ_languages::init();
    let mut arguments = Arguments::from_args();
    // Each trial inspects all processes and descriptors of this process.
    arguments.test_threads = Some(1);
    let trials: Vec<Trial> = [
        matrix::trials(),
        guide::trials(),
        corpus::trials(),
        battery::trials(),
        trace::trials(),
        // The last one ends the engine that the others have shared.
        host::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    report::print(arguments.nocapture);
    conclusion.exit();
}

/// A trial that fails by a panic.
fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
