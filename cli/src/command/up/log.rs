//! The server's log, on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Which parts of the log are written, in the words of `tracing-subscriber`'s filters.
const VARIABLE: &str = "WRIT_LOG";

/// Without the variable: what an operator should look at.
const DEFAULT: &str = "warn";

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Starts the log for the rest of the process.
pub(super) fn start(style: Style) -> Result<(), Failure> {
    let text = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&text).map_err(|error| {
        Failure::usage(format!("`{text}` is no log filter: {error}"))
            .at(format!("environment variable {VARIABLE}"))
            .help("write it as `info`, or `warn,writ_edge=debug`")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match style {
        Style::Text => builder.with_ansi(is_coloured()).try_init(),
        Style::Json => builder.json().try_init(),
    };
    started.map_err(|error| {
        Failure::new(crate::exit::Exit::Internal, format!("cannot start the log: {error}"))
    })
}

fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
