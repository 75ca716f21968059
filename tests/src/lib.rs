//! What several suites of this directory share: the processes of this machine, and the attacks as
//! data.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

pub mod attacks;
pub mod procfs;
