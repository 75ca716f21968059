//! Why a command could not do its work, as a person reads it: what, where, what to do.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use writ_model::{Error, ErrorKind};

use crate::diagnostics::Listing;
use crate::exit::Exit;
use crate::style::{ERROR, FRAME, STRONG, harmless, paint};

/// A command's failure.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    exit: Exit,
    kind: Option<&'static str>,
    message: String,
    location: Option<String>,
    notes: Vec<String>,
    help: Option<String>,
    findings: String,
    is_said: bool,
}

impl Failure {
    /// A failure of this program's own making.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            kind: None,
            message: message.into(),
            location: None,
            notes: Vec::new(),
            help: None,
            findings: String::new(),
            is_said: false,
        }
    }

    /// A command line that means nothing.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A failure about which everything has been printed already.
    pub(crate) fn said(exit: Exit) -> Self {
        Self { is_said: true, ..Self::new(exit, "") }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, doing: &str, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Invalid,
        };
        Self::new(exit, format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// Standard output or error that cannot be written. A reader that has had enough (as `head`)
    /// is no failure.
    pub(crate) fn stream(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::said(Exit::Success),
            _ => Self::new(Exit::Internal, format!("cannot write the output: {error}")),
        }
    }

    /// An error of the platform, whether a server or the library in this process reported it.
    pub(crate) fn of(error: &Error) -> Self {
        let mut failure = Self::new(Exit::of(error), error.message.clone());
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

    /// The same, with each diagnostic shown in the code that it is about.
    pub(crate) fn in_code(error: &Error, listing: &Listing<'_>) -> Self {
        let findings =
            error.diagnostics.iter().map(|diagnostic| listing.render(diagnostic) + "\n").collect();
        let rest = Error { diagnostics: Vec::new(), ..error.clone() };
        Self { findings, ..Self::of(&rest) }
    }

    /// Where it happened, unless a nearer place is known.
    pub(crate) fn at(mut self, location: impl Into<String>) -> Self {
        self.location.get_or_insert(location.into());
        self
    }

    /// Where it happened, before the place that is known already: a file before a pointer into it.
    pub(crate) fn within(mut self, origin: &str) -> Self {
        self.location = Some(match self.location {
            Some(location) if location.starts_with('/') => format!("{origin}#{location}"),
            Some(location) => format!("{origin}: {location}"),
            None => origin.to_owned(),
        });
        self
    }

    /// What else helps to understand it.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The text for standard error, styled; nothing where all has been said.
    pub(crate) fn render(&self) -> String {
        if self.is_said {
            return String::new();
        }
        let kind = self.kind.map(|kind| format!("[{kind}]")).unwrap_or_default();
        let head = paint(ERROR, &format!("error{kind}"));
        let mut text = self.findings.clone();
        let _ = writeln!(text, "{head}: {}", paint(STRONG, &harmless(&self.message)));
        if let Some(location) = &self.location {
            let _ = writeln!(text, " {} {}", paint(FRAME, "-->"), harmless(location));
        }
        for note in &self.notes {
            let mut lines = note.lines();
            let first = lines.next().unwrap_or_default();
            let _ = writeln!(text, "  {} {}", paint(FRAME, "="), harmless(first));
            for line in lines {
                let _ = writeln!(text, "    {}", harmless(line));
            }
        }
        if let Some(help) = &self.help {
            let _ = writeln!(
                text,
                "  {} {}: {}",
                paint(FRAME, "="),
                paint(STRONG, "help"),
                harmless(help)
            );
        }
        text
    }
}

pub(crate) fn severity(severity: writ_model::Severity) -> &'static str {
    match severity {
        writ_model::Severity::Error => "error",
        writ_model::Severity::Warning => "warning",
    }
}

/// What a caller can do about an error that does not say so itself.
fn help_for(error: &Error) -> Option<String> {
    let help = match error.kind {
        ErrorKind::Unauthenticated => {
            "give a token by `--token` or WRIT_TOKEN; `writ token create` makes one".to_owned()
        }
        ErrorKind::Forbidden => {
            "`writ whoami` says who you are to the server, and by which role".to_owned()
        }
        ErrorKind::Stale => "read it again, apply your change to that, and retry".to_owned(),
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
        let failure = Failure::of(
            &Error::new(ErrorKind::Stale, "revision 3 is not the newest").at("If-Match"),
        );
        assert_eq!(
            plain(&failure.render()),
            "error[stale]: revision 3 is not the newest\n \
             --> If-Match\n  \
             = help: read it again, apply your change to that, and retry\n"
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
        let failure = Failure::of(&Error::violations(vec![violation("/ip"), violation("/port")]));
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
            plain(&Failure::of(&error).render()),
            "error[policy_raised]: the policy raised ValueError: no\n  \
             = Traceback:\n      line 3, in eval\n    ValueError: \u{fffd}[31mno\n"
        );
    }

    #[test]
    fn a_pointer_stands_behind_its_file() {
        let at = |location: &str| {
            Failure::of(&Error::invalid("x").at(location)).within("p.json").location
        };
        assert_eq!(at("/version").as_deref(), Some("p.json#/version"));
        assert_eq!(at("line 3, column 1").as_deref(), Some("p.json: line 3, column 1"));
        assert_eq!(Failure::usage("x").within("p.json").location.as_deref(), Some("p.json"));
    }

    #[test]
    fn a_reader_that_has_had_enough_is_no_failure() {
        let failure = Failure::stream(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.render().as_str()), (Exit::Success, ""));
    }
}
