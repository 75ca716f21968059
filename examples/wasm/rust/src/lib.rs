//! Allows a request if its address is on the operator's list or on the caller's.
//!
//! This file is the policy; `abi.rs` is the interface to the platform, which is the same for every
//! policy.

// `std` works, too; a module without it has half the size.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod abi;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The members of the platform's argument that this policy reads.
#[derive(Deserialize)]
struct Argument<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default)]
    settings: Settings,
}

#[derive(Deserialize)]
struct Input {
    ip: Option<String>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    local_allowlist: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    remote_allowlist: Vec<String>,
}

#[derive(Serialize)]
struct Decision<'a> {
    allowed: bool,
    // The text of the input, so that the order of members and the digits of numbers stay.
    input_data: &'a RawValue,
    reason: &'static str,
}

/// Decides about the argument, JSON text, and returns the decision as JSON text.
pub fn eval(argument: &[u8]) -> Result<String, serde_json::Error> {
    let Argument { input, parameters, settings } = serde_json::from_slice(argument)?;
    let Input { ip } = serde_json::from_str(input.get())?;
    let (allowed, reason) = match ip {
        None => (false, "IP missing from the input"),
        Some(ip) => {
            let mut known = settings.remote_allowlist.iter().chain(&parameters.local_allowlist);
            if known.any(|address| *address == ip) { (true, "allowed") } else { (false, "denied") }
        }
    };
    serde_json::to_string(&Decision { allowed, input_data: input, reason })
}

#[cfg(test)]
mod tests {
    fn decide(input: &str) -> String {
        let argument = format!(
            r#"{{"rule_id": "a:1-b", "settings": {{"remote_allowlist": ["203.0.113.7"]}},
                "parameters": {{"local_allowlist": ["10.0.0.1"]}}, "input": {input}}}"#
        );
        super::eval(argument.as_bytes()).unwrap()
    }

    #[test]
    fn an_address_on_either_list_is_allowed() {
        for (input, start) in [
            (r#"{"ip": "10.0.0.1"}"#, r#"{"allowed":true"#),
            (r#"{"ip": "203.0.113.7"}"#, r#"{"allowed":true"#),
            (r#"{"ip": "192.0.2.1"}"#, r#"{"allowed":false"#),
            ("{}", r#"{"allowed":false"#),
        ] {
            assert!(decide(input).starts_with(start), "{input}");
        }
    }

    #[test]
    fn the_input_comes_back_as_it_was() {
        let input = r#"{"ip": "10.0.0.1", "n": 1.00}"#;
        assert!(decide(input).contains(input));
    }
}
