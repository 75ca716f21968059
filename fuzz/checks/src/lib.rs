//! What has to hold for any bytes. A check panics where it does not: the targets in `fuzz/targets`
//! look for such bytes, the suite `tests/attacks` replays those of `fuzz/corpus`.

#![cfg_attr(
    feature = "engine",
    expect(
        clippy::panic,
        clippy::unwrap_used,
        reason = "a check that fails ends the target with a panic"
    )
)]

#[cfg(feature = "engine")]
pub mod protocol;
pub mod query;
pub mod schema;
#[cfg(feature = "engine")]
pub mod source;
