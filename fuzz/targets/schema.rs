//! Schemas, and the validation of values.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz_checks::schema::check(data));
