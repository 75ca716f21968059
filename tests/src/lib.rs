//! What several suites of this directory share: the processes of this machine, the attacks as data, and
//! a server of the binary.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

pub mod attacks;
pub mod procfs;
pub mod schemas;
pub mod server;
