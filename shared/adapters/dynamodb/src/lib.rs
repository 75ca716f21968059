//! DynamoDB inside this process: dynoxide on one SQLite file, behind the AWS SDK's own client.
//!
//! The SDK's HTTP client is replaced by a connector that passes each request to a few threads of
//! this crate; nothing listens on a socket. SQLite runs in WAL mode and syncs every commit, so an
//! acknowledged write survives a killed process and a power cut.
//!
//! Differences from AWS that matter to a caller: writes are serialised, so transactions never
//! conflict (`TransactionConflict` does not occur), nothing is throttled, indexes are consistent at
//! once, and expired items stay until garbage collection removes them: the engine's own sweep reads
//! whole tables.

mod connector;
mod dispatch;
mod lock;
mod queue;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::{Client, Config};

use connector::Connector;
use lock::FileLock;
use queue::{RequestQueue, Share};

/// Statements run one at a time on SQLite's one connection; a second thread parses and writes JSON
/// meanwhile, and a third one serves the light requests while both have heavy ones.
const THREADS: [Share; 3] = [Share::All, Share::All, Share::Light];

/// The errors of opening a database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Another process has the file open.
    #[error("`{}` is already in use by another `writ up`; stop that one, or choose another directory with `--data`", path.display())]
    InUse {
        /// The path of the database file.
        path: PathBuf,
    },
    /// The database file or the lock file beside it could not be opened or locked.
    #[error("cannot lock `{}`; check that its directory exists and is writable", path.display())]
    Lock {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not a database of this format, or cannot be read.
    #[error("cannot open `{}` as a database", path.display())]
    Open {
        /// The path of the database file, or `:memory:`.
        path: PathBuf,
        /// The error of the database engine.
        source: dynoxide::DynoxideError,
    },
    /// The operating system could not start a thread.
    #[error("cannot start the threads of the database")]
    Threads {
        /// The error of the operating system.
        source: io::Error,
    },
}

/// A running database. Dropping it finishes the accepted requests, ends its threads and closes the
/// file. Clients that still exist then fail to connect.
#[derive(Debug)]
pub struct Database {
    queue: Arc<RequestQueue>,
    threads: Vec<JoinHandle<()>>,
    // Declared last: fields drop in order, so the lock is released after the file is closed.
    _lock: Option<FileLock>,
}

impl Database {
    /// Opens the file, or creates it. One process at a time may have it open.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let lock = FileLock::acquire(path)?;
        let open_error = |source| DatabaseError::Open { path: path.to_owned(), source };
        let name = path.to_str().ok_or_else(|| {
            open_error(dynoxide::DynoxideError::ValidationException(
                "the path is not UTF-8".to_owned(),
            ))
        })?;
        let engine = dynoxide::Database::new(name).map_err(open_error)?;
        Self::start(Some(lock), engine)
    }

    /// Creates a database in memory, which ends with this value.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn ephemeral() -> Result<Self, DatabaseError> {
        let engine = dynoxide::Database::memory()
            .map_err(|source| DatabaseError::Open { path: PathBuf::from(":memory:"), source })?;
        Self::start(None, engine)
    }

    // Parameters drop in reverse order: where a thread does not start, the file is closed before
    // the lock is released.
    fn start(lock: Option<FileLock>, engine: dynoxide::Database) -> Result<Self, DatabaseError> {
        let mut database =
            Self { queue: Arc::new(RequestQueue::default()), threads: Vec::new(), _lock: None };
        for (number, share) in THREADS.into_iter().enumerate() {
            let (queue, engine) = (Arc::clone(&database.queue), engine.clone());
            let thread = std::thread::Builder::new()
                .name(format!("dynamodb-{number}"))
                .spawn(move || queue.serve(share, |request| dispatch::respond(&engine, request)))
                .map_err(|source| DatabaseError::Threads { source })?;
            database.threads.push(thread);
        }
        database._lock = lock;
        Ok(database)
    }

    /// A new SDK client of this database.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::from_conf(Self::config(self.http_client()))
    }

    /// The SDK's HTTP client for this database: it passes requests to the database's threads and
    /// uses no network.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Connector::new(Arc::clone(&self.queue)))
    }

    /// The SDK's configuration over an HTTP client. Requests are not signed, not retried and have
    /// no timeout: no network can fail between the client and the database.
    #[must_use]
    pub fn config(http_client: SharedHttpClient) -> Config {
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("embedded"))
            .allow_no_auth()
            .endpoint_url("http://dynamodb.embedded.invalid")
            .http_client(http_client)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
