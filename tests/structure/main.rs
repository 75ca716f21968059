//! Holds the source tree to its own rules: the layers of its crates, the words of its glossary,
//! comments that say something, and paths in documents that exist.
//!
//! These tests read files and run no program but `cargo metadata`.

#[cfg(test)]
mod comments;
#[cfg(test)]
mod identifiers;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod source;
