//! The error of a command, rendered with message, location, notes and help.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use writ_model::{Error, ErrorKind};

use crate::diagnostics::{Listing, severity};
use crate::exit::Exit;
use crate::style::{BOLD, ERROR, FRAME, apply_style, sanitize};

/// Why a command failed, with its exit code.
#[derive(Clone, Debug)]
pub(crate) struct CliError {
    exit: Exit,
    kind: Option<&'static str>,
    message: String,
    location: Option<String>,
    notes: Vec<String>,
    help: Option<String>,
    /// Rendered diagnostics, printed before the message.
    diagnostics: String,
    is_silent: bool,
}

impl CliError {
    /// An error of this program.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            kind: None,
            message: message.into(),
            location: None,
            notes: Vec::new(),
            help: None,
            diagnostics: String::new(),
            is_silent: false,
        }
    }

    /// An error in the command line's arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An exit code without a message.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { is_silent: true, ..Self::new(exit, "") }
    }

    /// A file on which the operation `verb`, as `read`, failed.
    pub(crate) fn file(path: &Path, verb: &str, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Invalid,
        };
        Self::new(exit, format!("cannot {verb} `{}`: {error}", path.display()))
    }

    /// A failed write to standard output or standard error. A closed pipe (as by `head`) is a
    /// success.
    pub(crate) fn stream(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Success),
            _ => Self::new(Exit::Internal, format!("cannot write the output: {error}")),
        }
    }

    /// An error of the platform, from a server or from the library in this process.
    pub(crate) fn from_error(error: &Error) -> Self {
        let mut failure = Self::new(Exit::for_error(error), error.message.clone());
        failure.kind = Some(error.kind.name());
        failure.location.clone_from(&error.location);
        failure.help = help_for(error);
        if error.violations.len() > 1 {
            failure.notes.extend(error.violations.iter().map(|violation| {
                format!(
                    "`{}{}` {} ({})",
                    violation.subject, violation.path, violation.message, violation.rule
                )
            }));
        }
        failure.notes.extend(error.diagnostics.iter().map(|diagnostic| {
            let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            format!("{}[{}]: {diagnostic}{help}", severity(diagnostic.severity), diagnostic.code)
        }));
        if let Some(rule) = &error.rule {
            failure.notes.push(format!("decided by rule `{rule}`"));
        }
        if let Some(traceback) = &error.traceback {
            failure.notes.push(traceback.trim_end().to_owned());
        } else if let Some(line) = error.line {
            failure.notes.push(format!("raised at line {line} of the policy"));
        }
        failure
    }

    /// As [`CliError::from_error`], with each diagnostic rendered in the source code.
    pub(crate) fn with_listing(error: &Error, listing: &Listing<'_>) -> Self {
        let diagnostics =
            error.diagnostics.iter().map(|diagnostic| listing.render(diagnostic) + "\n").collect();
        let rest = Error { diagnostics: Vec::new(), ..error.clone() };
        Self { diagnostics, ..Self::from_error(&rest) }
    }

    /// Sets the location, unless a more precise one is set.
    pub(crate) fn at(mut self, location: impl Into<String>) -> Self {
        self.location.get_or_insert(location.into());
        self
    }

    /// Puts `origin` before the location, as a file before a JSON Pointer into it.
    pub(crate) fn within(mut self, origin: &str) -> Self {
        self.location = Some(match self.location {
            Some(location) if location.starts_with('/') => format!("{origin}#{location}"),
            Some(location) => format!("{origin}: {location}"),
            None => origin.to_owned(),
        });
        self
    }

    /// Adds a note below the location.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets the help text: what to do about the error.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Renders the styled text for standard error; empty for [`CliError::silent`].
    pub(crate) fn render(&self) -> String {
        if self.is_silent {
            return String::new();
        }
        let kind = self.kind.map(|kind| format!("[{kind}]")).unwrap_or_default();
        let head = apply_style(ERROR, &format!("error{kind}"));
        let mut text = self.diagnostics.clone();
        let _ = writeln!(text, "{head}: {}", apply_style(BOLD, &sanitize(&self.message)));
        if let Some(location) = &self.location {
            let _ = writeln!(text, " {} {}", apply_style(FRAME, "-->"), sanitize(location));
        }
        for note in &self.notes {
            let mut lines = note.lines();
            let first = lines.next().unwrap_or_default();
            let _ = writeln!(text, "  {} {}", apply_style(FRAME, "="), sanitize(first));
            for line in lines {
                let _ = writeln!(text, "    {}", sanitize(line));
            }
        }
        if let Some(help) = &self.help {
            let _ = writeln!(
                text,
                "  {} {}: {}",
                apply_style(FRAME, "="),
                apply_style(BOLD, "help"),
                sanitize(help)
            );
        }
        text
    }
}

/// The help for kinds of errors for which the message gives none.
fn help_for(error: &Error) -> Option<String> {
    let help = match error.kind {
        ErrorKind::Unauthenticated => {
            "set a token with `--token` or WRIT_TOKEN; `writ token create` makes one".to_owned()
        }
        ErrorKind::Forbidden => {
            "`writ whoami` shows the identity and the role that the server gives you".to_owned()
        }
        ErrorKind::Stale => {
            "fetch the newest revision, apply the change to it, and retry".to_owned()
        }
        ErrorKind::Limited | ErrorKind::Unavailable => {
            format!("try again in {} s", error.retry_after_s?)
        }
        _ => return None,
    };
    Some(help)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use writ_model::Violation;

    pub(crate) fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_failure_says_what_where_and_what_to_do() {
        let failure = CliError::from_error(
            &Error::new(ErrorKind::Stale, "revision 3 is not the newest").at("If-Match"),
        );
        assert_eq!(
            plain(&failure.render()),
            "error[stale]: revision 3 is not the newest\n \
             --> If-Match\n  \
             = help: fetch the newest revision, apply the change to it, and retry\n"
        );
        assert_eq!(failure.exit(), Exit::Conflict);
    }

    #[test]
    fn every_violation_is_listed_where_there_are_several() {
        let violation = |path: &str| Violation {
            subject: "input_data".to_owned(),
            path: path.to_owned(),
            rule: "type".to_owned(),
            message: "is not a string".to_owned(),
        };
        let failure =
            CliError::from_error(&Error::violations(vec![violation("/ip"), violation("/port")]));
        assert_eq!(
            plain(&failure.render()),
            "error[schema_violation]: at `input_data/ip`: is not a string (and 1 more)\n  \
             = `input_data/ip` is not a string (type)\n  \
             = `input_data/port` is not a string (type)\n"
        );
    }

    #[test]
    fn a_traceback_keeps_its_lines_and_loses_its_escapes() {
        let mut error = Error::new(ErrorKind::PolicyRaised, "the policy raised ValueError: no");
        error.traceback =
            Some("Traceback:\n  line 3, in eval\nValueError: \u{1b}[31mno\n".to_owned());
        assert_eq!(
            plain(&CliError::from_error(&error).render()),
            "error[policy_raised]: the policy raised ValueError: no\n  \
             = Traceback:\n      line 3, in eval\n    ValueError: \u{fffd}[31mno\n"
        );
    }

    #[test]
    fn a_pointer_stands_behind_its_file() {
        let at = |location: &str| {
            CliError::from_error(&Error::invalid("x").at(location)).within("p.json").location
        };
        assert_eq!(at("/version").as_deref(), Some("p.json#/version"));
        assert_eq!(at("line 3, column 1").as_deref(), Some("p.json: line 3, column 1"));
        assert_eq!(CliError::usage("x").within("p.json").location.as_deref(), Some("p.json"));
    }

    #[test]
    fn a_reader_that_has_had_enough_is_no_failure() {
        let failure = CliError::stream(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.render().as_str()), (Exit::Success, ""));
    }
}
