//! `writ up`: starts the platform from its configuration, serves, and shuts it down.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use writ_callbacks::{Allowlist, WebhookClient};
use writ_dynamodb::{Database, DatabaseError};
use writ_engine::{Engine, EngineConfig, EngineError, SandboxReport};
use writ_engine_async::AsyncEngine;
use writ_model::{Error, Language};
use writ_platform::Outbound;
use writ_store::{Store, TableNames};

use crate::Platform;
use crate::access::EmbeddedAuthenticator;
use crate::data_directory::{self, Exposure};
use crate::gateway::{Gateway, RouteError};
use crate::jobs::{RunnerThreads, Runners, SignalQueue};
use crate::schedules::start_scheduler;
use crate::ticker::{Ticker, interval};

/// The prefix of the tables' names, as on AWS.
const TABLE_PREFIX: &str = "writ-";
/// Time until the first garbage collection, so that it does not slow down the start.
const GC_FIRST_DELAY: Duration = Duration::from_secs(10);
/// The interval of garbage collection.
const GC_INTERVAL: Duration = Duration::from_secs(300);
/// The interval of the sweep, which sends signals for due jobs.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// The location of the platform's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataLocation {
    /// In this directory, which is created if it does not exist.
    Directory(PathBuf),
    /// In memory; the data is lost when the process ends.
    Ephemeral,
}

/// The configuration of `writ up`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The location of the data.
    pub data: DataLocation,
    /// The address to listen on; port 0 picks a free one.
    pub address: SocketAddr,
    /// Serve even if the host does not permit all parts of the sandbox.
    pub allow_weak_sandbox: bool,
    /// The issuer of accepted JWTs, besides tokens; `None` for tokens alone.
    pub oidc: Option<writ_oidc::Settings>,
    /// Jobs that run concurrently; `None` for as many as the engines permit to jobs.
    pub job_runners: Option<NonZeroUsize>,
    /// Every caller needs a token or a JWT, also one on this machine.
    pub require_token: bool,
    /// Addresses that callbacks may reach in addition to public ones.
    pub callbacks_to: Allowlist,
}

/// The running server, for the message to its operator.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// The address that the server listens on.
    pub address: SocketAddr,
    /// The path of the database file; `None` when the data is in memory.
    pub file: Option<PathBuf>,
    /// The number of routes that are served.
    pub routes: usize,
    /// Every caller needs a token or a JWT; otherwise the server's own user is the local admin.
    pub requires_token: bool,
    /// The URL of the issuer of accepted JWTs; `None` without one.
    pub issuer: Option<String>,
    /// The parts of the sandbox that the host permits.
    pub sandbox: SandboxReport,
}

/// The reason why the platform does not start or serve.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The data directory cannot be created.
    #[error("cannot make the data directory `{}`; choose another with `--data`", path.display())]
    Directory {
        /// The path of the directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another user could change the data directory or a file of the database.
    #[error("`{}` {exposure}, or choose another directory with `--data`", path.display())]
    Exposed {
        /// The path of the directory or file.
        path: PathBuf,
        /// The rights of other users.
        exposure: Exposure,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The tables cannot be created.
    #[error("cannot prepare the tables of the database: {}", .0.log.as_deref().unwrap_or(&.0.message))]
    Tables(Error),
    /// The threads of the runners cannot be started.
    #[error("cannot start the threads that run jobs")]
    Threads(#[source] io::Error),
    /// The engines cannot run here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The address is in use, or is no address of this machine.
    #[error("cannot listen on {address}; stop what listens there, or choose another with `--port`")]
    Listen {
        /// The address to listen on.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The address is reachable from other machines, where every caller needs a token, and no token
    /// exists.
    #[error(
        "{address} can be reached from other machines, where every caller needs a token, and there \
         is none yet; make one first: `writ token create --data DIR --subject NAME --role admin`"
    )]
    NoTokens {
        /// The address to listen on.
        address: SocketAddr,
    },
    /// Tokens are required of every caller, and no token exists.
    #[error(
        "with `--require-token` every caller needs a token, and there is none yet; make one first: \
         `writ token create --data DIR --subject NAME --role admin`"
    )]
    NoTokensYet,
    /// The route table is invalid, which is a defect.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// The access policy is invalid, which is a defect.
    #[error(transparent)]
    Policy(#[from] writ_authz::PolicyError),
    /// The listener failed while serving.
    #[error("the server failed")]
    Serve(#[source] io::Error),
}

/// Serves until `shutdown` completes, then ends running requests, workers and the database.
/// `on_ready` is called once the server listens.
///
/// # Errors
/// [`UpError`], with what the operator can do about it.
pub async fn up(
    config: Config,
    on_ready: impl FnOnce(&ServerInfo),
    shutdown: impl Future<Output = ()>,
) -> Result<(), UpError> {
    let engine = Arc::new(Engine::start(EngineConfig {
        allow_weak_sandbox: config.allow_weak_sandbox,
        ..EngineConfig::default()
    })?);
    let (database, file) = open(&config.data)?;
    let store = create_store(&database).await?;
    let is_local = config.address.ip().is_loopback();
    let requires_token = config.require_token || !is_local;
    if requires_token
        && config.oidc.is_none()
        && !store.has_tokens().await.map_err(UpError::Tables)?
    {
        return Err(match is_local {
            true => UpError::NoTokensYet,
            false => UpError::NoTokens { address: config.address },
        });
    }
    let io_error = |source| UpError::Listen { address: config.address, source };
    let listener = listen(config.address).map_err(io_error)?;
    let address = listener.local_addr().map_err(io_error)?;
    let queue = SignalQueue::default();
    let webhook_client = WebhookClient::new(config.callbacks_to.without_listener(address));
    let outbound = Outbound { queue: queue.clone(), webhook_client };
    let platform = writ_platform::Platform::new(store, AsyncEngine::new(Arc::clone(&engine)));
    let platform = Arc::new(platform.with_outbound(outbound));
    let issuer = config.oidc.as_ref().map(|oidc| oidc.url().to_owned());
    let authenticator =
        EmbeddedAuthenticator::new(Arc::clone(&platform), config.oidc, !requires_token)?;
    let routes = writ_routes::routes();
    let count = routes.len();
    let gateway = Gateway::new(Arc::clone(&platform), authenticator, routes)?;
    let sandbox = engine.report().clone();
    on_ready(&ServerInfo { address, file, routes: count, requires_token, issuer, sandbox });
    warm(&engine);
    let gc = start_gc(&platform);
    // Further runners would only wait for a worker, each with a thread.
    let count = config.job_runners.map_or_else(|| engine.jobs_max(), NonZeroUsize::get);
    let threads = RunnerThreads::start(count).map_err(UpError::Threads)?;
    let (sweeps, runners) = start_jobs(&platform, &queue, count, threads.handle());
    let schedules = start_scheduler(&platform);
    let served = gateway.serve(listener, shutdown).await;
    schedules.stop().await;
    sweeps.stop().await;
    runners.stop().await;
    gc.stop().await;
    served.map_err(UpError::Serve)?;
    engine.shutdown();
    drop(database);
    Ok(())
}

fn start_gc(platform: &Arc<Platform>) -> Ticker {
    let platform = Arc::clone(platform);
    Ticker::start(interval(GC_FIRST_DELAY, GC_INTERVAL), move || {
        let platform = Arc::clone(&platform);
        async move {
            // A failure is logged by the tick, and its work is repeated by the next one.
            let _ = writ_gc::tick(&*platform).await;
        }
    })
}

/// Listens on an address. As many connections as the kernel permits wait to be accepted: one beyond
/// them is tried again by its client after a second, and a few clients that connect again and again
/// fill the usual 128.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    const BACKLOG: u32 = 4_096;
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Starts the runners and the sweep. The first sweep sends signals for the queued jobs of an
/// earlier process as well, since the queue is empty at the start.
fn start_jobs(
    platform: &Arc<Platform>,
    queue: &SignalQueue,
    runners: usize,
    threads: &Handle,
) -> (Ticker, Runners) {
    let runners = Runners::start(platform, queue, runners, threads);
    let (platform, mut is_first) = (Arc::clone(platform), true);
    let sweeps = Ticker::start(interval(Duration::ZERO, SWEEP_INTERVAL), move || {
        let (platform, was_first) =
            (Arc::clone(&platform), std::mem::replace(&mut is_first, false));
        async move {
            let left = match was_first {
                true => writ_job_control::notify_all(&*platform).await.map(drop),
                false => Ok(()),
            };
            let swept = writ_job_runner::sweep(&*platform).await.map(drop);
            if let Err(error) = left.and(swept) {
                tracing::error!(%error, log = error.log, "the signals of due jobs were not sent");
            }
        }
    });
    (sweeps, runners)
}

/// Opens the store of a data directory, for commands that work without a server.
///
/// # Errors
/// As [`up`]; [`DatabaseError::InUse`] while a server uses the directory.
pub async fn open_store(directory: &Path) -> Result<(Database, Store), UpError> {
    let (database, _) = open(&DataLocation::Directory(directory.to_owned()))?;
    let store = create_store(&database).await?;
    Ok((database, store))
}

fn open(data: &DataLocation) -> Result<(Database, Option<PathBuf>), UpError> {
    match data {
        DataLocation::Ephemeral => Ok((Database::ephemeral()?, None)),
        DataLocation::Directory(path) => {
            let file = data_directory::prepare(path)?;
            Ok((Database::open(&file)?, Some(file)))
        }
    }
}

async fn create_store(database: &Database) -> Result<Store, UpError> {
    let store = Store::new(database.client(), TableNames::with_prefix(TABLE_PREFIX));
    store.create_tables().await.map_err(UpError::Tables)?;
    Ok(store)
}

/// Starts the zygotes, so that the first caller does not wait for their imports.
fn warm(engine: &Arc<Engine>) {
    for language in Language::ALL {
        let engine = Arc::clone(engine);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = engine.warm(language) {
                tracing::error!(%language, %error, "the zygote does not start");
            }
        });
    }
}
