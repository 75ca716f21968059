//! The values of Rego and its built-in functions, with the results that OPA gives.
//!
//! [`Value`] has OPA's order, equality and text. Nothing here reads a clock, draws from a random source or
//! touches the machine; what a function needs of a run comes in from its caller.

mod builtin;
mod context;
mod declarations;
mod float;
mod functions;
mod gofmt;
mod json;
mod number;
mod pattern;
mod print;
mod value;

pub use builtin::{Answer, Builtin, lookup};
pub use context::{Context, Error, ErrorKind, SchemaCheck, SchemaError};
pub use declarations::{DECLARATIONS, Declaration, Type, declaration};
pub use json::{JsonError, from_json_str};
pub use number::{ArithmeticError, MAX_EXPONENT, Number};
pub use value::{Array, MAX_DEPTH, Object, Set, Value};
