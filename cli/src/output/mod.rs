//! What a command prints: data on standard output, everything else on standard error.

mod progress;
pub(crate) use progress::Progress;
pub(crate) mod table;
mod yaml;

use std::io::Write as _;

use clap::ValueEnum;
use serde_json::Value;

use crate::failure::Failure;
use crate::style::{STRONG, WARNING, harmless, paint};

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// The data itself, byte for byte.
    Json,
    /// The same data as YAML 1.2; numbers keep their digits.
    Yaml,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes this the choice for the rest of the process.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Where a command prints.
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

    /// Prints JSON text, or what `table` makes of its value.
    pub(crate) fn show(
        self,
        json: &str,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.text(json),
            Format::Yaml => self.text(&yaml::from_json(&value_of(json))),
            Format::Table => self.text(&harmless(&table(&value_of(json)))),
        }
    }

    /// Prints a policy's output: itself an answer, so JSON stays JSON unless YAML is asked for.
    pub(crate) fn show_output(self, json: &str) -> Result<(), Failure> {
        match self.format {
            Format::Yaml => self.text(&yaml::from_json(&value_of(json))),
            Format::Json | Format::Table => self.text(json),
        }
    }

    /// Prints data as it is, ended by a line break.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write!(out, "{text}{end}")
            .and_then(|()| out.flush())
            .map_err(|error| Failure::stream(&error))
    }

    /// Prints styled data, ended as it is.
    pub(crate) fn styled(self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::stream(&error))
    }

    /// Says something to the person, unless they want none of it.
    pub(crate) fn note(self, text: &str) {
        if !self.is_quiet {
            say(&format!("{}\n", harmless(text)));
        }
    }

    /// Warns the person, whether they want it or not.
    pub(crate) fn warn(self, text: &str) {
        say(&format!("{}: {}\n", paint(WARNING, "warning"), paint(STRONG, &harmless(text))));
    }
}

/// Writes styled text to standard error. Where even that fails there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// The value of JSON text that was read as JSON before.
fn value_of(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}
