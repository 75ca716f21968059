//! `writ up`: serves the whole platform from this process, on one data file, until a signal stops it.

mod banner;
mod log;
mod oidc;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use writ_callbacks::Allowlist;
use writ_embedded::{Config, DataLocation, ServerInfo};

use self::log::LogFormat;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::{Format, Terminal};
use crate::up_error::up_error;

/// Processes of your user on this machine need no token. With another address of `--host`, or with
/// `--require-token`, every caller needs one.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The directory of the data file, created if missing [default: `$XDG_DATA_HOME/writ`, else
    /// `~/.local/share/writ`]
    #[arg(long, env = "WRIT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the data in memory instead of `--data`; it is deleted at the end
    #[arg(long)]
    ephemeral: bool,
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = parse_host)]
    host: IpAddr,
    /// Require a token of every caller, also of your own processes on this machine
    #[arg(long)]
    require_token: bool,
    /// Serve even if this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
    /// Jobs that run at the same time, three quarters of them for one workspace at most [default: as
    /// many as leave half of the workers to requests]
    #[arg(long, value_name = "COUNT")]
    job_runners: Option<NonZeroUsize>,
    /// Private addresses and hosts that callbacks of jobs may reach, as
    /// `10.1.2.3/32,hooks.internal`; never this server itself
    #[arg(long, env = "WRIT_CALLBACKS_TO", value_name = "LIST", default_value_t)]
    callbacks_to: Allowlist,
    #[command(flatten)]
    oidc: oidc::Oidc,
    /// The format of the log on standard error; WRIT_LOG filters it, as `info` or `writ_edge=debug`
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
}

impl Up {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        log::start(self.log)?;
        let data = if self.ephemeral {
            DataLocation::Ephemeral
        } else {
            DataLocation::Directory(self.data.or_else(default_data_directory).ok_or_else(|| {
                CliError::usage("neither XDG_DATA_HOME nor HOME is an absolute path")
                    .help("set a directory with `--data DIR`, or keep no data with `--ephemeral`")
            })?)
        };
        let address = SocketAddr::new(self.host, self.port);
        let oidc = self.oidc.settings()?;
        let config = Config {
            data,
            address,
            allow_weak_sandbox: self.allow_weak_sandbox,
            oidc,
            job_runners: self.job_runners,
            require_token: self.require_token,
            callbacks_to: self.callbacks_to,
        };
        let terminal = global.terminal();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
                CliError::new(Exit::Internal, format!("cannot start threads: {error}"))
            })?;
        runtime.block_on(async {
            let shutdown = shutdown_signal(terminal)?;
            writ_embedded::up(config, |ready| print_ready(terminal, ready), shutdown)
                .await
                .map_err(|error| up_error(&error))
        })?;
        terminal.note("stopped");
        Ok(Exit::Success)
    }
}

/// Prints the address and the configuration. A failed write does not stop the platform.
fn print_ready(terminal: Terminal, ready: &ServerInfo) {
    let result = if terminal.format() == Format::Table {
        terminal.print_styled(&banner::banner(ready))
    } else {
        let data = json!({
            "url": banner::url(ready),
            "file": ready.file,
            "routes": ready.routes,
            "issuer": ready.issuer,
            "sandbox_is_whole": ready.sandbox.is_complete(),
        });
        terminal.print(&data.to_string(), |_| String::new())
    };
    if let Err(failure) = result {
        tracing::warn!(reason = failure.render(), "the banner could not be printed");
    }
}

/// Completes on SIGINT or SIGTERM.
fn shutdown_signal(terminal: Terminal) -> Result<impl Future<Output = ()>, CliError> {
    let on = |kind| {
        signal(kind).map_err(|error| {
            CliError::new(Exit::Internal, format!("cannot listen for signals: {error}"))
        })
    };
    let (mut interrupt, mut terminate) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        terminal.note("stopping; running requests are completed");
    })
}

/// `$XDG_DATA_HOME/writ`. The XDG Base Directory Specification says to ignore relative paths.
fn default_data_directory() -> Option<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base =
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(base.join("writ"))
}

fn parse_host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse()
        .map_err(|_| format!("`{text}` is not an address as `127.0.0.1`, `0.0.0.0` or `::1`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_this_machine() {
        assert_eq!(parse_host("localhost"), parse_host("127.0.0.1"));
        assert!(parse_host("::1").is_ok());
        assert!(parse_host("example.org").is_err());
    }
}
