//! The whole platform in one process: the gateway, DynamoDB over one SQLite file, and the engines.

mod access;
mod data_directory;
pub mod gateway;
mod jobs;
mod schedules;
mod ticker;
mod up;

pub use data_directory::Exposure;
pub use jobs::SignalQueue;
pub use up::{Config, DataLocation, ServerInfo, UpError, open_store, up};

/// The ports of the embedded deployment.
pub type Platform = writ_platform::Platform<
    writ_engine_async::AsyncEngine,
    writ_platform::Outbound<jobs::SignalQueue>,
>;
