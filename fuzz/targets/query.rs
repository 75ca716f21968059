//! Filters, updates, sorts and projections, applied to documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz_checks::query::check(data));
