//! The state of a worker between its compilation and its first run, and the way back to it.
#![expect(
    unsafe_code,
    reason = "this process's own memory is replaced under it; each block says why it is sound"
)]

use std::io;

use nix::errno::Errno;
use nix::unistd::read;

use super::maps::mappings;
use super::table::{Full, Segment, Table};
use super::{PAGE_BYTES, Range, pages, probe, sys};
use crate::sys::{fixed_fd, read_at};
use crate::wire::{IMAGE_BYTES_MAX, IMAGE_FD, MAPS_FD, PAGES_FD};

/// How much is copied into the file through one window, in bytes.
const WINDOW_BYTES: usize = 1 << 20;
/// Pages of the heap that may lie between two changed ones in one segment; doubled until the
/// segments fit into the table.
const GAP_PAGES: usize = 4;
/// How far a stack may grow, and the gap that the kernel keeps below it (1 MiB).
const STACK_BYTES_MAX: usize = (64 << 20) + (1 << 20);
/// Stack below the worker's loop that is overwritten instead of unmapped, in bytes.
const STACK_BYTES_CLEARED: usize = 64 << 10;
/// The lowest address that may be mapped (`vm.mmap_min_addr`).
const ADDRESS_MIN: usize = 64 << 10;
/// Above the addresses of every process.
const ADDRESS_END: usize = 1 << 48;

/// A state that the memory of this process can be put back to, any number of times.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    table: &'static Table,
    /// Where the heap ended; not a whole number of pages everywhere.
    heap_end: usize,
}

impl Checkpoint {
    /// Moves into the worker's file what the compilation has written, and maps copies of it.
    /// `base_heap` is the heap that the zygote shares.
    ///
    /// # Errors
    /// Why this process can serve one run only. Its memory is as it was.
    pub(crate) fn take(base_heap: Range) -> Result<Self, String> {
        let marks = probe::Marks::new();
        let (checkpoint, table_at) = Self::plan(base_heap, &marks)
            .map_err(|error| format!("no checkpoint of its memory: {error}"))?;
        // SAFETY: the plan covers all memory that is written, and from here to the end of `map` nothing
        // is allocated: the file holds what the memory holds.
        unsafe { checkpoint.copy().and_then(|()| checkpoint.map()) }
            .map_err(|error| format!("its memory cannot be moved into a file: {error}"))?;
        // SAFETY: the plan is complete, and its only reference is shared.
        unsafe { sys::protect(table_at) }
            .map_err(|error| format!("its plan cannot be protected: {error}"))?;
        marks.check(&checkpoint)?;
        // Nothing needs them any more, and a run need not know where its memory lies.
        crate::sys::close(MAPS_FD);
        crate::sys::close(PAGES_FD);
        Ok(checkpoint)
    }

    /// Decides what is copied, mapped and dropped. From reading the pages on, nothing is allocated.
    fn plan(base_heap: Range, marks: &probe::Marks) -> io::Result<(Self, Range)> {
        if !sys::has_usual_pages() {
            return Err(io::Error::other("pages of another size than 4096 bytes"));
        }
        probe::copies_are_dropped(fixed_fd(IMAGE_FD))?;
        // SAFETY: the table consists of numbers.
        let (table, table_at) = unsafe { sys::place::<Table>()? };
        let length = read_maps(&mut table.text)?;
        let heap_end = sys::heap_end();
        if base_heap.bytes() > 0 {
            let end = heap_end.next_multiple_of(PAGE_BYTES);
            table.heap = Range { start: base_heap.start, end: end.max(base_heap.end) };
        }
        let Table { mapped, remapped, heap, stack, text, .. } = &mut *table;
        for mapping in mappings(text.get(..length).unwrap_or_default()) {
            let mapping = mapping.ok_or_else(|| io::Error::other("an unreadable mapping"))?;
            let mut range = mapping.range;
            if mapping.is_stack() {
                range.start = range.end.saturating_sub(STACK_BYTES_MAX).max(ADDRESS_MIN);
                *stack = range;
            } else if mapping.is_written {
                for part in
                    without(range, table_at).into_iter().flat_map(|part| without(part, *heap))
                {
                    if part.bytes() > 0 {
                        remapped.push(Segment { range: part, offset: 0 }).map_err(full)?;
                    }
                }
            }
            match mapped.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => mapped.push(range).map_err(full)?,
            }
        }
        if stack.bytes() == 0 {
            return Err(io::Error::other("its stack is not in the list of mappings"));
        }
        find_changes(table, marks)?;
        let mut offset = 0;
        for segment in table.changed.iter_mut().chain(table.remapped.iter_mut()) {
            segment.offset = offset;
            offset += segment.range.bytes();
        }
        if offset > IMAGE_BYTES_MAX {
            return Err(io::Error::other("the compiled policy needs too much memory"));
        }
        Ok((Self { table, heap_end }, table_at))
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.table.changed.as_slice().iter().chain(self.table.remapped.as_slice())
    }

    /// Copies the memory of all segments into the file.
    ///
    /// # Safety
    /// The segments are mapped, and nothing changes them until [`Self::map`].
    unsafe fn copy(&self) -> io::Result<()> {
        for Segment { range, offset } in self.segments() {
            let mut done = 0;
            while done < range.bytes() {
                let bytes = WINDOW_BYTES.min(range.bytes() - done);
                let window = sys::map_shared(fixed_fd(IMAGE_FD), offset + done, bytes)?;
                let start = range.start + done;
                // SAFETY: the segment is mapped by the caller's promise; the window has this size.
                unsafe { sys::copy(Range { start, end: start + bytes }, window.start) };
                // SAFETY: the window was made above, and nothing refers to it.
                unsafe { sys::unmap(window)? };
                done += bytes;
            }
        }
        Ok(())
    }

    /// Maps the file's copies in place of all segments.
    ///
    /// # Safety
    /// The file holds the state that the program expects.
    unsafe fn map(&self) -> io::Result<()> {
        for Segment { range, offset } in self.segments() {
            // SAFETY: see above.
            unsafe { sys::map_private_over(*range, fixed_fd(IMAGE_FD), *offset)? };
        }
        Ok(())
    }

    /// Puts the memory of this process back, except for the stack of the caller's caller. After an
    /// error the process must end.
    ///
    /// Whatever the caller holds across the call must be on its stack and must not refer to memory
    /// that was allocated after the checkpoint.
    #[inline(never)]
    pub(crate) fn restore(&self) -> io::Result<()> {
        let table = self.table;
        if sys::set_heap_end(self.heap_end) != self.heap_end {
            return Err(io::Error::other("the heap cannot be put back"));
        }
        // SAFETY: each range is put back to what it was at the checkpoint, which is what the caller
        // expects: what was not mapped then is removed, and what was mapped is mapped from the files.
        unsafe {
            let mut end = ADDRESS_MIN;
            for range in table.mapped.as_slice() {
                if end < range.start && range.start < ADDRESS_END {
                    sys::unmap(Range { start: end, end: range.start })?;
                }
                end = range.end;
            }
            for Segment { range, offset } in table.remapped.as_slice() {
                sys::map_private_over(*range, fixed_fd(IMAGE_FD), *offset)?;
            }
            if table.heap.bytes() > 0 {
                sys::discard(table.heap)?;
            }
            let below = (sys::stack_pointer() - STACK_BYTES_CLEARED) / PAGE_BYTES * PAGE_BYTES;
            sys::unmap(Range { start: table.stack.start, end: below })?;
        }
        clear_stack();
        sys::unblock_signals()
    }
}

/// Overwrites the stack below the caller.
#[inline(never)]
fn clear_stack() {
    let mut below = [0u8; STACK_BYTES_CLEARED];
    std::hint::black_box(&mut below);
}

/// The parts of `range` before and after `hole`.
fn without(range: Range, hole: Range) -> [Range; 2] {
    let before = Range { start: range.start, end: range.end.min(hole.start).max(range.start) };
    let after = Range { start: range.start.max(hole.end).min(range.end), end: range.end };
    if hole.bytes() == 0 { [range, Range::default()] } else { [before, after] }
}

/// Lists what was written of the heap since it became copies of the zygote's file.
fn find_changes(table: &mut Table, marks: &probe::Marks) -> io::Result<()> {
    let Table { changed, heap, entries, .. } = table;
    let mut entry = [0];
    let known = marks.heap_address() / PAGE_BYTES * PAGE_BYTES;
    read_entries(known, &mut entry)?;
    if !entry.iter().all(|entry| pages::is_copy(*entry)) {
        return Err(io::Error::other("the kernel does not say which pages were written"));
    }
    let mut gap = GAP_PAGES;
    loop {
        changed.clear();
        match add_changes(changed, entries, *heap, gap)? {
            Ok(()) => return Ok(()),
            Err(Full) => gap *= 2,
        }
    }
}

fn add_changes<const N: usize>(
    changed: &mut super::table::List<Segment, N>,
    entries: &mut [u64],
    heap: Range,
    gap: usize,
) -> io::Result<Result<(), Full>> {
    let mut start = heap.start;
    while start < heap.end {
        let count = ((heap.end - start) / PAGE_BYTES).min(entries.len());
        let entries = entries.get_mut(..count).unwrap_or_default();
        read_entries(start, entries)?;
        if pages::add_copies(changed, entries, start, gap).is_err() {
            return Ok(Err(Full));
        }
        start += count * PAGE_BYTES;
    }
    Ok(Ok(()))
}

/// Reads the entries of the pages from `start` on.
fn read_entries(start: usize, entries: &mut [u64]) -> io::Result<()> {
    let mut filled = 0;
    while filled < entries.len() {
        let page = start / PAGE_BYTES + filled;
        let rest = entries.get_mut(filled..).unwrap_or_default();
        filled += match read_at(fixed_fd(PAGES_FD), rest, page) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

/// Reads the kernel's list of mappings, and returns its length in bytes.
fn read_maps(text: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        let rest = text.get_mut(filled..).unwrap_or_default();
        if rest.is_empty() {
            return Err(full(Full));
        }
        match read(fixed_fd(MAPS_FD), rest) {
            Ok(0) => return Ok(filled),
            Ok(count) => filled += count,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn full(error: Full) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_leaves_what_is_around_it() {
        let range = |start, end| Range { start, end };
        let cases = [
            (range(4, 8), range(5, 6), [range(4, 5), range(6, 8)]),
            (range(4, 8), range(4, 8), [range(4, 4), range(8, 8)]),
            (range(4, 8), range(0, 5), [range(4, 4), range(5, 8)]),
            (range(4, 8), range(8, 9), [range(4, 8), range(8, 8)]),
            (range(4, 8), range(0, 0), [range(4, 8), range(0, 0)]),
        ];
        for (whole, hole, parts) in cases {
            assert_eq!(without(whole, hole), parts, "{whole:?} {hole:?}");
        }
    }
}
