//! Evaluates a policy file for inputs, in this process.
//!
//! ```text
//! cargo run -p writ --example evaluate_policy
//! cargo run -p writ --example evaluate_policy -- examples/ip_allowlist/policy.json '{"ip": "192.0.2.1"}'
//! ```

use std::error::Error;

use writ::{EngineConfig, Policy, Writ};

const POLICY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/ip_allowlist/policy.json");

fn main() -> Result<(), Box<dyn Error>> {
    // First statement of `main`: policies run in worker processes, started from this binary.
    writ::init();
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| POLICY.to_owned());
    let mut inputs: Vec<_> = arguments.collect();
    if inputs.is_empty() {
        inputs = [r#"{"ip": "10.0.0.1"}"#, r#"{"ip": "192.0.2.1"}"#, r#"{"ip": "ten"}"#]
            .map(str::to_owned)
            .into();
    }

    let writ = Writ::start(EngineConfig::default())?;
    let policy = Policy::from_json(&std::fs::read_to_string(file)?)?;
    for warning in writ.check(&policy)?.warnings {
        eprintln!("warning: {warning}");
    }
    for input in inputs {
        match writ.run(&policy, &input, None)?.output() {
            Ok(output) => println!("{input} -> {}", output.as_str()),
            Err(error) => println!("{input} -> error {}: {error}", error.kind.name()),
        }
    }
    Ok(())
}
