//! The memory of a zygote, moved into a sealed file that its workers share.
#![expect(
    unsafe_code,
    reason = "this process's own memory is moved under it; each block says why it is sound"
)]

use std::io;
use std::os::fd::AsFd;

use super::maps::mappings;
use super::{Range, sys};

/// Moves every writable mapping but the stack into a file. Later writes go to copies, and a fork has
/// no page tables of them to copy.
///
/// Returns where the heap was; memory that is beside it is small.
pub(crate) fn share() -> io::Result<Range> {
    if !sys::has_usual_pages() {
        return Err(io::Error::other("pages of another size than 4096 bytes"));
    }
    let text = std::fs::read("/proc/self/maps")?;
    let unreadable = || io::Error::other("a mapping that cannot be shared");
    let mut moved = Vec::new();
    let mut heap = Range::default();
    for mapping in mappings(&text) {
        let mapping = mapping.ok_or_else(unreadable)?;
        if mapping.is_heap() {
            heap = mapping.range;
        }
        if mapping.is_written && !mapping.is_stack() {
            moved.push(mapping.range);
        }
    }
    let bytes = moved.iter().map(|range| range.bytes()).sum();
    let file = sys::memory_file(c"writ-base", bytes)?;
    let window = sys::map_shared(file.as_fd(), 0, bytes)?;
    let mut offset = 0;
    for range in &moved {
        // From the copy to the new mapping nothing is written to `range`, for nothing is allocated.
        // SAFETY: the kernel has listed the range as mapped, and the window is as large as all.
        unsafe { sys::copy(*range, window.start + offset) };
        // SAFETY: the file holds a copy of the range since the line above.
        unsafe { sys::map_private_over(*range, file.as_fd(), offset)? };
        offset += range.bytes();
    }
    // SAFETY: the window was made above, and nothing refers to it.
    unsafe { sys::unmap(window)? };
    sys::seal(file.as_fd())?;
    Ok(heap)
}
