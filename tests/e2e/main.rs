//! The platform as a person meets it: the `writ` binary, its one port, its files.
//!
//! Scenarios are data (`tests/cases/http`), each on a server of its own. What needs processes,
//! signals or timing of its own is a function in one of the modules.

mod command_line;
mod durability;
mod hostile;
#[path = "../jwt/mod.rs"]
mod jwt;
#[path = "../jwt/http.rs"]
mod jwt_http;
mod oidc;
mod scenario;
mod server;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test that is written in Rust.
type Check = fn() -> Result<(), Failed>;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for file in scenario::files(&root().join("tests/cases/http")) {
        let name =
            file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        trials.push(Trial::test(format!("http::{name}"), move || scenario::run(&file)));
    }
    for checks in [command_line::CHECKS, durability::CHECKS, hostile::CHECKS, oidc::CHECKS] {
        for (name, check) in checks {
            trials.push(Trial::test(*name, *check));
        }
    }
    // Each trial starts processes of its own: side by side they would only slow each other down.
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(2));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A failed expectation.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, Failed> {
    Err(Failed::from(message.into()))
}
