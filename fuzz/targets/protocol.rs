//! Replies of a worker to the platform, and requests of the platform to a worker.
#![no_main]

#[path = "../checks/protocol.rs"]
mod protocol;

libfuzzer_sys::fuzz_target!(|data: &[u8]| protocol::check(data));
