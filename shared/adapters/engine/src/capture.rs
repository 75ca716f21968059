//! The capture of what a policy prints, up to a bound.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::unistd::write;

use crate::sys;
use crate::wire::PRINTED_FD;

/// Whether this process is a worker, which has a pipe for a copy of what it prints.
static HAS_PIPE: AtomicBool = AtomicBool::new(false);

/// Makes every later capture write a copy to the pipe, which the platform reads if this process is
/// killed.
pub(crate) fn enable_pipe() {
    HAS_PIPE.store(true, Ordering::Relaxed);
}

/// Keeps the first `bytes_max` bytes and drops the rest.
#[derive(Debug, Default)]
pub struct Capture {
    text: String,
    bytes_max: usize,
    /// Whether there is a pipe, and it is not full yet.
    copies_to_pipe: bool,
}

impl Capture {
    pub fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max, copies_to_pipe: HAS_PIPE.load(Ordering::Relaxed) }
    }

    pub fn print(&mut self, text: &str) {
        let remaining = self.bytes_max.saturating_sub(self.text.len());
        let end = text.floor_char_boundary(remaining);
        let fitting = text.get(..end).unwrap_or_default();
        self.text.push_str(fitting);
        self.copies_to_pipe = self.copies_to_pipe && copy_to_pipe(fitting);
        if end < text.len() {
            // Drop all that follows: the capture is a prefix of what was printed.
            self.bytes_max = self.text.len();
        }
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

/// Writes to the pipe what this worker compiles or applies from now on, so that the platform knows
/// it if this process is killed meanwhile. Where there is no pipe it does nothing.
pub(crate) fn mark(location: &str) {
    if HAS_PIPE.load(Ordering::Relaxed) {
        copy_to_pipe(location);
        copy_to_pipe("\n");
    }
}

/// Writes a text to the pipe without blocking. Returns whether the whole text was written.
fn copy_to_pipe(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match write(sys::fixed_fd(PRINTED_FD), rest) {
            Err(Errno::EINTR) => {}
            Err(_) => return false,
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capture_is_a_prefix_of_what_was_printed() {
        let mut capture = Capture::new(4);
        ["ab", "cé", "d"].into_iter().for_each(|text| capture.print(text));
        assert_eq!(capture.into_text(), "abc");
    }
}
