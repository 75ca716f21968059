//! The server's log, on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::error::CliError;

/// The environment variable of the log filter, in the syntax of `tracing-subscriber`.
const VARIABLE: &str = "WRIT_LOG";

/// The filter without the variable.
const DEFAULT: &str = "warn";

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Text for reading in a terminal
    Text,
    /// One JSON object for each line
    Json,
}

/// Starts the log for the rest of the process.
pub(super) fn start(format: LogFormat) -> Result<(), CliError> {
    let text = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&text).map_err(|error| {
        CliError::usage(format!("`{text}` is no log filter: {error}"))
            .at(format!("environment variable {VARIABLE}"))
            .help("write it as `info`, or as `warn,writ_edge=debug`")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let result = match format {
        LogFormat::Text => builder.with_ansi(is_coloured()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    result.map_err(|error| {
        CliError::new(crate::exit::Exit::Internal, format!("cannot start the log: {error}"))
    })
}

fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
