//! What a worker says to the platform, and the platform to a worker.
#![no_main]

#[path = "../checks/protocol.rs"]
mod protocol;

libfuzzer_sys::fuzz_target!(|data: &[u8]| protocol::check(data));
