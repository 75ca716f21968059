//! Compilation of wasm source text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz_checks::source::check(writ_model::Language::Wasm, data));
