//! Progress of long commands: one line on standard error, removed at the end.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Terminal;

/// The redraw interval of the progress line.
const TICK: Duration = Duration::from_millis(120);

/// A progress line; hidden with `--quiet` or if standard error is not a terminal.
pub(crate) struct Progress(ProgressBar);

impl Terminal {
    /// Starts a progress bar, or a counter if the total is not known.
    pub(crate) fn progress(self, message: &'static str, total: Option<u64>) -> Progress {
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {pos}/{len}  {eta} left",
            None => "{msg} {spinner} {pos}",
        };
        let progress = self.line(template, total);
        progress.0.set_message(message);
        progress
    }

    /// Starts a line with a changing message and the elapsed time.
    pub(crate) fn spinner(self) -> Progress {
        self.line("{spinner} {msg}  {elapsed}", None)
    }

    fn line(self, template: &str, total: Option<u64>) -> Progress {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(match self.is_quiet {
            true => ProgressDrawTarget::hidden(),
            // Hidden by `indicatif` if standard error is not a terminal.
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
    /// Adds `count` finished items.
    pub(crate) fn add(&self, count: u64) {
        self.0.inc(count);
    }

    /// Replaces the message of the line.
    pub(crate) fn set_message(&self, message: String) {
        self.0.set_message(message);
    }

    /// Whether the line is drawn on a terminal.
    pub(crate) fn is_visible(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Runs `print` while the line is cleared.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
