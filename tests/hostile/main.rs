//! One workspace does its worst through every route while another one works: the callers of
//! [`honest`] against those of [`attacker`], on the binary itself.

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

use libtest_mimic::{Arguments, Failed, Trial};

/// The binary under test.
pub(crate) const WRIT: &str = env!("CARGO_BIN_EXE_writ");

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Measured times mean nothing beside another trial.
    arguments.test_threads = Some(1);
    let trials: Vec<Trial> = neighbour::trials().into_iter().chain(alone::trials()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Fails a check with this message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, Failed> {
    Err(Failed::from(message.into()))
}
