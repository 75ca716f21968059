//! Tests a policy from Rust: a table of inputs and expected outputs or errors, and the lines that no
//! case covers. Exits with 1 if a case fails.
//!
//! [`writ::init`] has to be the first statement of `main`, and the harness of `cargo test` has a
//! `main` of its own. So in a crate of yours this is a test target with `harness = false`:
//!
//! ```toml
//! [[test]]
//! name = "policy"
//! harness = false
//! ```
//!
//! ```text
//! cargo run -p writ --example test_policy
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

use writ::{EngineConfig, Policy, Writ};

const POLICY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/ip_allowlist/policy.json");

/// Name, input, and the expected output or the expected kind of error.
const CASES: [(&str, &str, Result<&str, &str>); 3] = [
    (
        "a listed address is allowed",
        r#"{"ip": "10.0.0.1"}"#,
        Ok(r#"{"allowed":true,"input_data":{"ip":"10.0.0.1"},"reason":"allowed"}"#),
    ),
    (
        "another address is denied",
        r#"{"ip": "192.0.2.1"}"#,
        Ok(r#"{"allowed":false,"input_data":{"ip":"192.0.2.1"},"reason":"denied"}"#),
    ),
    ("an invalid address is refused", r#"{"ip": "ten"}"#, Err("schema_violation")),
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // First statement of `main`: policies run in worker processes, started from this binary.
    writ::init();
    let writ = Writ::start(EngineConfig::default())?;
    let policy = Policy::from_json(&std::fs::read_to_string(POLICY)?)?;
    writ.check(&policy)?;

    let (mut failed, mut covered, mut executable) = (0, BTreeSet::new(), BTreeSet::new());
    for (name, input, expected) in CASES {
        let run = writ.run_with_coverage(&policy, input, None)?;
        let actual = run.output().map(|output| output.as_str().to_owned());
        let actual = actual.map_err(|error| error.kind.name());
        if actual.as_deref() == expected.as_ref().copied() {
            println!("test {name} ... ok");
        } else {
            failed += 1;
            println!("test {name} ... FAILED: {actual:?} instead of {expected:?}");
        }
        if let Some(coverage) = run.coverage {
            executable.extend(coverage.covered.iter().chain(&coverage.missed).copied());
            covered.extend(coverage.covered);
        }
    }
    println!("{} passed; {failed} failed", CASES.len() - failed);
    println!("lines not covered: {:?}", executable.difference(&covered).collect::<Vec<_>>());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
