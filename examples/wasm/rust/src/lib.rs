//! Allows a request whose address is on the operator's list or on the caller's.
//!
//! This file is the policy; `abi.rs` is how it meets the platform and stays the same for every
//! policy.

// `std` works too; without it the module has half the size.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod abi;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the platform hands over, as far as this policy reads it.
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
    // As it came: its order and its digits stay.
    input_data: &'a RawValue,
    reason: &'static str,
}

/// JSON in, JSON out.
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
    fn decided(input: &str) -> String {
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
            assert!(decided(input).starts_with(start), "{input}");
        }
    }

    #[test]
    fn the_input_comes_back_as_it_was() {
        let input = r#"{"ip": "10.0.0.1", "n": 1.00}"#;
        assert!(decided(input).contains(input));
    }
}
