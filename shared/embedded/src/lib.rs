//! The whole platform in one process: the gateway, DynamoDB over one SQLite file, the engines.

mod access;
pub mod gateway;
mod platform;
mod routes;
mod up;

pub use platform::Platform;
pub use routes::{abouts, routes};
pub use up::{Config, Data, Ready, UpError, open_store, up};
