//! Output of commands: data on standard output, everything else on standard error.

mod progress;
pub(crate) use progress::Progress;
pub(crate) mod table;
mod yaml;

use std::io::Write as _;

use clap::ValueEnum;
use serde_json::Value;

use crate::error::CliError;
use crate::style::{BOLD, WARNING, apply_style, sanitize};

/// The format of data on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and text for reading in a terminal
    Table,
    /// The JSON data, byte for byte
    Json,
    /// The same data as YAML 1.2; numbers keep their digits
    Yaml,
}

/// When to style text on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Even if the output is not a terminal
    Always,
    /// Not even on a terminal
    Never,
}

impl Color {
    /// Sets the choice for the whole process.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Writes a command's output in the format that was chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    format: Format,
    is_quiet: bool,
}

impl Terminal {
    pub(crate) fn new(format: Format, is_quiet: bool) -> Self {
        Self { format, is_quiet }
    }

    pub(crate) fn format(self) -> Format {
        self.format
    }

    /// Prints JSON text in the chosen format; `table` renders its value for [`Format::Table`].
    pub(crate) fn print(
        self,
        json: &str,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Json => self.print_text(json),
            Format::Yaml => self.print_text(&yaml::from_json(&value_of(json))),
            Format::Table => self.print_text(&sanitize(&table(&value_of(json)))),
        }
    }

    /// Prints a policy's output as JSON, or as YAML if that format was chosen.
    pub(crate) fn print_output(self, json: &str) -> Result<(), CliError> {
        match self.format {
            Format::Yaml => self.print_text(&yaml::from_json(&value_of(json))),
            Format::Json | Format::Table => self.print_text(json),
        }
    }

    /// Prints text, with a line break at its end.
    pub(crate) fn print_text(self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write!(out, "{text}{end}")
            .and_then(|()| out.flush())
            .map_err(|error| CliError::stream(&error))
    }

    /// Prints styled text as it is.
    pub(crate) fn print_styled(self, text: &str) -> Result<(), CliError> {
        let mut out = anstream::stdout().lock();
        write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| CliError::stream(&error))
    }

    /// Writes a line to standard error, unless `--quiet` is set.
    pub(crate) fn note(self, text: &str) {
        if !self.is_quiet {
            print_stderr(&format!("{}\n", sanitize(text)));
        }
    }

    /// Writes a warning to standard error, even with `--quiet`.
    pub(crate) fn warn(self, text: &str) {
        print_stderr(&format!(
            "{}: {}\n",
            apply_style(WARNING, "warning"),
            apply_style(BOLD, &sanitize(text))
        ));
    }
}

/// Writes styled text to standard error. A failed write is ignored: no other stream is left to
/// report it on.
pub(crate) fn print_stderr(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// The value of text that is known to be valid JSON.
fn value_of(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}
