//! The MongoDB query language over JSON documents: [`Filter`], [`Update`], [`Sort`],
//! [`Projection`], and [`Plan`], which decides what part of a filter an index serves.
//!
//! The semantics are those of MongoDB (the query and update operators of its manual), with the
//! types of JSON: `{a: null}` matches a missing `a`, a comparison never crosses types, an array
//! matches if any element does. There are three differences:
//!
//! - Numbers are compared and added exactly, from their text: no integer or decimal is rounded.
//! - `$regex` is the linear-time syntax of the `regex` crate: no look-around, no back-references.
//! - `$semver` takes a version requirement, as `{"version": {"$semver": ">=1.2, <2"}}`.
//!
//! Objects are equal when they have equal fields in the same order, as in MongoDB. Strings compare
//! by their UTF-8 bytes, as MongoDB's default collation and DynamoDB's sort keys do.
//!
//! This crate does no I/O. Every size that a caller controls is bounded by a constant of
//! [`bounds`].

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )
)]

pub mod bounds;
mod error;
mod field_list;
mod filter;
mod location;
mod number;
mod order;
mod path;
mod plan;
mod projection;
mod sort;
mod update;

pub use error::{QueryError, QueryErrorKind};
pub use filter::Filter;
pub use path::Aliases;
pub use plan::{Direction, Index, Plan, Range};
pub use projection::Projection;
pub use sort::Sort;
pub use update::Update;
