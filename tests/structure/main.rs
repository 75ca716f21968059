//! Holds the source tree to its own rules: the layers of its crates, the words of its glossary,
//! comments that say something, and paths in documents that exist.
//!
//! These tests read files and run no program but `cargo metadata`.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod comments;
mod identifiers;
mod layers;
mod paths;
mod source;
