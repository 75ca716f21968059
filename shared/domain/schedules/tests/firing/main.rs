//! Tests of the fires of schedules: cases as data, and properties of all expressions.

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
