//! Schedules fire when they should: cases as data, and laws that hold for all of them.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod cases;
mod expressions;
mod laws;
mod waking;
