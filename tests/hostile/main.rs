//! One workspace does its worst through every route while another one works: the callers of
//! [`honest`] against those of [`attacker`], on the binary itself.
//!
//! `alone` makes each attack by itself, which takes many minutes. `neighbour` makes all of them for a
//! minute and compares times, so it needs an idle machine. Both run by hand (`tests/load`): a run
//! that names neither has no trials.

mod alone;
mod attacker;
mod attacks;
mod client;
mod connections;
mod honest;
mod latency;
mod neighbour;
mod payloads;
mod policies;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};

/// The binary under test.
pub(crate) const WRIT: &str = env!("CARGO_BIN_EXE_writ");

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Measured times mean nothing beside another trial.
    arguments.test_threads = Some(1);
    let trials = match arguments.filter.as_deref() {
        Some(filter) if filter.starts_with("neighbour") => neighbour::trials(),
        Some(filter) if filter.starts_with("alone") => alone::trials(),
        _ => Vec::new(),
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Fails a check with this message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, Failed> {
    Err(Failed::from(message.into()))
}
