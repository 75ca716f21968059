//! The memory of a zygote, moved into a sealed file that its workers share.
#![expect(
    unsafe_code,
    reason = "this process's own memory is moved under it; each block says why it is sound"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use super::maps::mappings;
use super::table::Segment;
use super::{Range, sys};
use crate::sys::rename_fd;
use crate::wire::BASE_FD;

/// The memory that a zygote shares with its workers.
#[derive(Debug)]
pub(crate) struct Base {
    /// Every writable mapping but the stack, with its place in the file.
    pub(super) segments: Vec<Segment>,
    /// The heap, which is one of them.
    pub(super) heap: Range,
}

impl Base {
    /// Moves every writable mapping but the stack into a file. Later writes go to copies, and a fork
    /// has no page tables of them to copy. The file's descriptor is [`BASE_FD`].
    pub(crate) fn share() -> io::Result<Self> {
        if !sys::has_usual_pages() {
            return Err(io::Error::other("pages of another size than 4096 bytes"));
        }
        let text = std::fs::read("/proc/self/maps")?;
        let mut segments = Vec::new();
        let mut heap = Range::default();
        let mut bytes = 0;
        for mapping in mappings(&text) {
            let mapping = mapping.ok_or_else(|| io::Error::other("memory that others see"))?;
            if mapping.is_heap() {
                heap = mapping.range;
            }
            if mapping.is_written && !mapping.is_stack() {
                segments.push(Segment { range: mapping.range, offset: bytes });
                bytes += mapping.range.bytes();
            }
        }
        let file = sys::memory_file(c"writ-base", bytes)?;
        let window = sys::map_shared(file.as_fd(), 0, bytes)?;
        for Segment { range, offset } in &segments {
            // From the copy to the new mapping nothing is written to `range`, for nothing is allocated.
            // SAFETY: the kernel has listed the range as mapped, and the window is as large as all.
            unsafe { sys::copy(*range, window.start + offset) };
            // SAFETY: the file holds a copy of the range since the line above.
            unsafe { sys::map_private_over(*range, file.as_fd(), *offset)? };
        }
        // SAFETY: the window was made above, and nothing refers to it.
        unsafe { sys::unmap(window)? };
        sys::seal(file.as_fd())?;
        rename_fd(file.as_raw_fd(), BASE_FD)?;
        Ok(Self { segments, heap })
    }
}
