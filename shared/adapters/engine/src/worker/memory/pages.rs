//! The pages that a process has written since its memory became private copies of a file, by the
//! kernel's entries of pages (`/proc/self/pagemap`).

use super::table::{Full, List, Segment};
use super::{PAGE_BYTES, Range};

/// The page is in memory.
const PRESENT: u64 = 1 << 63;
/// The page is swapped out, which happens to copies only.
const SWAPPED: u64 = 1 << 62;
/// The page is one of a file's, not a copy.
const OF_FILE: u64 = 1 << 61;

/// Whether the entry is that of a copy.
pub(super) fn is_copy(entry: u64) -> bool {
    entry & SWAPPED != 0 || (entry & PRESENT != 0 && entry & OF_FILE == 0)
}

/// Adds the copied pages among `entries`, the first of which is at `start`, to `segments`. Runs of
/// them that are at most `gap` pages apart become one segment, but not with one before `first`: each
/// segment costs a mapping.
///
/// # Errors
/// [`Full`] when there are too many segments.
pub(super) fn add_copies<const N: usize>(
    segments: &mut List<Segment, N>,
    entries: &[u64],
    start: usize,
    first: usize,
    gap: usize,
) -> Result<(), Full> {
    for (index, entry) in entries.iter().enumerate() {
        if !is_copy(*entry) {
            continue;
        }
        let page = start + index * PAGE_BYTES;
        match segments.last_mut() {
            Some(last)
                if last.range.start >= first && page - last.range.end <= gap * PAGE_BYTES =>
            {
                last.range.end = page + PAGE_BYTES;
            }
            _ => segments.push(Segment {
                range: Range { start: page, end: page + PAGE_BYTES },
                offset: 0,
            })?,
        }
    }
    Ok(())
}
