//! `writ up`: the whole platform in this process, on one data file, until it is told to stop.

mod banner;
mod log;
mod oidc;

use std::error::Error as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use writ_callbacks::Allowed;
use writ_embedded::{Config, DataLocation, ServerInfo, UpError};

use super::no_engines;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Terminal};

/// Callers on this machine need no token; `--host` with another address demands one of everybody.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The directory of the data file, made if need be; without it `writ` in $XDG_DATA_HOME, which
    /// is ~/.local/share where nobody says otherwise
    #[arg(long, env = "WRIT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the data in memory, whatever `--data` says; it is gone at the end
    #[arg(long)]
    ephemeral: bool,
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,
    /// Serve although this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
    /// Jobs that run at once; unless said, as many as leave half of the workers to requests
    #[arg(long, value_name = "COUNT")]
    job_runners: Option<NonZeroUsize>,
    /// Addresses and hosts that callbacks of jobs may reach beside public ones, as
    /// `127.0.0.1/32,hooks.internal`
    #[arg(long, env = "WRIT_CALLBACKS_TO", value_name = "LIST", default_value_t)]
    callbacks_to: Allowed,
    #[command(flatten)]
    oidc: oidc::Oidc,
    /// How to write the log to standard error; WRIT_LOG says what, as `info` or `writ_edge=debug`
    #[arg(long, value_enum, default_value_t = log::Style::Text)]
    log: log::Style,
}

impl Up {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        log::start(self.log)?;
        let data = if self.ephemeral {
            DataLocation::Ephemeral
        } else {
            DataLocation::Directory(self.data.or_else(data_directory).ok_or_else(|| {
                Failure::usage("there is no home directory to keep the data in").help(
                    "choose a directory with `--data DIR`, or keep nothing with `--ephemeral`",
                )
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
            callbacks_to: self.callbacks_to,
        };
        let terminal = global.terminal();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
                Failure::new(Exit::Internal, format!("cannot start threads: {error}"))
            })?;
        runtime.block_on(async {
            let stop = stop(terminal)?;
            writ_embedded::up(config, |ready| announce(terminal, ready), stop)
                .await
                .map_err(|error| refused(&error))
        })?;
        terminal.note("stopped");
        Ok(Exit::Success)
    }
}

/// Says what is served. Somebody who does not listen is no reason to stop.
fn announce(terminal: Terminal, ready: &ServerInfo) {
    let said = if terminal.format() == Format::Table {
        terminal.styled(&banner::banner(ready))
    } else {
        let data = json!({
            "url": banner::url(ready),
            "file": ready.file,
            "routes": ready.routes,
            "issuer": ready.issuer,
            "sandbox_is_whole": ready.sandbox.is_complete(),
        });
        terminal.show(&data.to_string(), |_| String::new())
    };
    if let Err(failure) = said {
        tracing::warn!(reason = failure.render(), "the greeting could not be printed");
    }
}

/// Ready when the process is told to stop, from the terminal or by a service manager.
fn stop(terminal: Terminal) -> Result<impl Future<Output = ()>, Failure> {
    let on = |kind| {
        signal(kind).map_err(|error| {
            Failure::new(Exit::Internal, format!("cannot listen for signals: {error}"))
        })
    };
    let (mut interrupt, mut terminate) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        terminal.note("stopping; what runs may end");
    })
}

/// Why it does not serve, for a person.
pub(crate) fn refused(error: &UpError) -> Failure {
    let exit = match error {
        UpError::Engine(error) => return no_engines(error),
        UpError::NoTokens { .. } => Exit::Usage,
        UpError::Directory { .. } => Exit::Invalid,
        UpError::Database(_) | UpError::Listen { .. } => Exit::Unavailable,
        UpError::Tables(_) | UpError::Routes(_) | UpError::Policy(_) | UpError::Serve(_) => {
            Exit::Internal
        }
    };
    let mut failure = Failure::new(exit, error.to_string());
    let mut cause = error.source();
    while let Some(deeper) = cause {
        failure = failure.note(deeper.to_string());
        cause = deeper.source();
    }
    failure
}

/// `$XDG_DATA_HOME/writ`, by the XDG Base Directory Specification: a relative path is none.
fn data_directory() -> Option<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base =
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(base.join("writ"))
}

fn host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse()
        .map_err(|_| format!("`{text}` is no address such as `127.0.0.1`, `0.0.0.0` or `::1`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_this_machine() {
        assert_eq!(host("localhost"), host("127.0.0.1"));
        assert!(host("::1").is_ok());
        assert!(host("example.org").is_err());
    }

    #[test]
    fn a_taken_port_says_what_to_do() {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 5000);
        let source = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let failure = refused(&UpError::Listen { address, source });
        assert_eq!(failure.exit(), Exit::Unavailable);
        let text = failure.render();
        assert!(text.contains("127.0.0.1:5000") && text.contains("--port"), "{text}");
    }
}
