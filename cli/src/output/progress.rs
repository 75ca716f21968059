//! How far a long command has come: one line on a terminal's standard error, gone at its end.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Terminal;

/// How often the line moves while nothing is known.
const TICK: Duration = Duration::from_millis(120);

/// A progress line; nothing where nobody watches.
pub(crate) struct Progress(ProgressBar);

impl Terminal {
    /// Starts one. Without a total it counts.
    pub(crate) fn progress(self, doing: &'static str, total: Option<u64>) -> Progress {
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {pos}/{len}  {eta} left",
            None => "{msg} {spinner} {pos}",
        };
        let progress = self.line(template, total);
        progress.0.set_message(doing);
        progress
    }

    /// Starts one that says how something stands, and for how long it has been watched.
    pub(crate) fn watching(self) -> Progress {
        self.line("{spinner} {msg}  {elapsed}", None)
    }

    fn line(self, template: &str, total: Option<u64>) -> Progress {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(match self.is_quiet {
            true => ProgressDrawTarget::hidden(),
            // Hides itself where standard error is no terminal.
            false => ProgressDrawTarget::stderr(),
        });
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(TICK);
        Progress(bar)
    }
}

impl Progress {
    /// So many more are done.
    pub(crate) fn add(&self, count: u64) {
        self.0.inc(count);
    }

    /// How it stands now.
    pub(crate) fn tell(&self, state: String) {
        self.0.set_message(state);
    }

    /// Whether somebody sees it.
    pub(crate) fn is_seen(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Prints something while the line is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
