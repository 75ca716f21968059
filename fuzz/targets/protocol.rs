//! Replies of a worker to the platform, and requests of the platform to a worker.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz_checks::protocol::check(data));
