//! What a policy prints, kept up to a bound.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::unistd::write;

use crate::sys;
use crate::wire::PRINTED_FD;

/// Whether this process is a worker, with a pipe for what it prints.
static HAS_PIPE: AtomicBool = AtomicBool::new(false);

/// From here on this process leaves a copy of what it prints in its pipe, for the platform to find
/// if it is killed.
pub(crate) fn leave_copies() {
    HAS_PIPE.store(true, Ordering::Relaxed);
}

/// Keeps what fits; printing without end costs nothing but time.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    text: String,
    bytes_max: usize,
    /// The pipe is not full yet.
    is_copied: bool,
}

impl Capture {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max, is_copied: HAS_PIPE.load(Ordering::Relaxed) }
    }

    pub(crate) fn print(&mut self, text: &str) {
        let room = self.bytes_max.saturating_sub(self.text.len());
        let room = text.floor_char_boundary(room);
        let kept = text.get(..room).unwrap_or_default();
        self.text.push_str(kept);
        self.is_copied = self.is_copied && copied(kept);
        if room < text.len() {
            // Nothing after a cut: the capture is a prefix of what was printed.
            self.bytes_max = self.text.len();
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// Whether the pipe took the whole text; it never blocks.
fn copied(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match write(sys::agreed(PRINTED_FD), rest) {
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
