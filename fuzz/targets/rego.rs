//! Compilation of rego source text.
#![no_main]

#[path = "../checks/source.rs"]
mod source;

libfuzzer_sys::fuzz_target!(|data: &[u8]| source::check(writ_model::Language::Rego, data));
