//! The state of a worker between its compilation and its first run, and the way back to it.
#![expect(
    unsafe_code,
    reason = "this process's own memory is replaced under it; each block says why it is sound"
)]

use std::io;

use nix::errno::Errno;
use nix::unistd::read;

use super::maps::mappings;
use super::table::{Entries, Full, Inherited, List, Segment, Table};
use super::{Base, PAGE_BYTES, Range, pages, probe, sys};
use crate::sys::{fixed_fd, read_at};
use crate::wire::{BASE_FD, EXIT_NO_RESTORE, IMAGE_BYTES_MAX, IMAGE_FD, MAPS_FD, PAGES_FD};

/// How much is copied into the file through one window, in bytes.
const WINDOW_BYTES: usize = 1 << 20;
/// Pages that may lie between two changed ones in one segment; doubled until the segments fit into
/// the table.
const GAP_PAGES: usize = 4;
/// Pages that are overwritten after a run; if there are more copies, all are dropped. Overwriting
/// one takes a tenth of the time of its next fault.
const OVERWRITTEN_PAGES_MAX: usize = 1024;
/// How far a stack may grow, and the gap that the kernel keeps below it (1 MiB).
const STACK_BYTES_MAX: usize = (64 << 20) + (1 << 20);
/// Stack below the worker's loop that may be in use while the rest is cleared, in bytes.
const STACK_BYTES_IN_USE: usize = 64 << 10;
/// Stack below that which stays mapped, in bytes.
const STACK_BYTES_KEPT: usize = 1 << 20;
/// The lowest address that may be mapped (`vm.mmap_min_addr`).
const ADDRESS_MIN: usize = 64 << 10;
/// Above the addresses of every process.
const ADDRESS_END: usize = 1 << 48;

/// A state that the memory of this process can be put back to, any number of times.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    table: &'static Table,
    /// Where the table is mapped.
    table_at: Range,
    /// Where the [`Entries`] are, which each restoration overwrites.
    entries_at: Range,
    /// Where the heap ended; not a whole number of pages everywhere.
    heap_end: usize,
}

impl Checkpoint {
    /// Moves into the worker's file what the compilation has written, and maps copies of it.
    ///
    /// It ends the process if something is left behind nevertheless.
    ///
    /// # Errors
    /// Why this process can serve one run only. Its memory is as it was.
    pub(crate) fn take(base: &Base) -> Result<Self, String> {
        let marks = probe::Marks::new();
        sys::settle_heap();
        if !sys::keep_heap() {
            return Err("the C library does not keep its heap".to_owned());
        }
        let checkpoint = Self::plan(base, &marks)
            .map_err(|error| format!("no checkpoint of its memory: {error}"))?;
        // SAFETY: the plan covers all memory that is written, and from here to the end of `map` nothing
        // is allocated: the file holds what the memory holds.
        unsafe { checkpoint.copy().and_then(|()| checkpoint.map()) }
            .map_err(|error| format!("its memory cannot be moved into a file: {error}"))?;
        // SAFETY: the plan is complete, and its only reference is shared.
        unsafe { sys::protect(checkpoint.table_at) }
            .map_err(|error| format!("its plan cannot be protected: {error}"))?;
        if let Err(error) = marks.check(&checkpoint) {
            eprintln!("{error}");
            crate::sys::exit_now(EXIT_NO_RESTORE);
        }
        crate::sys::close(MAPS_FD);
        Ok(checkpoint)
    }

    /// Decides what is inherited, copied and mapped. From the end of the heap on, nothing is allocated.
    fn plan(base: &Base, marks: &probe::Marks) -> io::Result<Self> {
        if !sys::has_usual_pages() {
            return Err(io::Error::other("pages of another size than 4096 bytes"));
        }
        probe::copies_are_dropped(fixed_fd(IMAGE_FD))?;
        // SAFETY: both consist of numbers.
        let (table, table_at) = unsafe { sys::place::<Table>()? };
        // SAFETY: as above.
        let (entries, entries_at) = unsafe { sys::place::<Entries>()? };
        let heap_end = sys::heap_end();
        let (heap, grown) = heap_since(base.heap, heap_end.next_multiple_of(PAGE_BYTES));
        for Segment { mut range, offset } in base.segments.iter().copied() {
            if range == base.heap {
                range = heap;
            }
            let view = sys::map_view(fixed_fd(BASE_FD), offset, range.bytes())?.start;
            table.inherited.push(Inherited { range, view }).map_err(full)?;
        }
        if grown.bytes() > 0 {
            // Replaced once the file holds its content.
            let view = sys::map_view(fixed_fd(IMAGE_FD), 0, grown.bytes())?.start;
            table.inherited.push(Inherited { range: grown, view }).map_err(full)?;
        }
        list_mappings(table, [table_at, entries_at])?;
        find_changes(table, entries, grown, marks)?;
        let mut offset = 0;
        for segment in table.changed.iter_mut().chain(table.remapped.iter_mut()) {
            segment.offset = offset;
            offset += segment.range.bytes();
        }
        if offset > IMAGE_BYTES_MAX {
            return Err(io::Error::other("the compiled policy needs too much memory"));
        }
        Ok(Self { table, table_at, entries_at, heap_end })
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

    /// Maps the file's copies in place of all segments, and views of them in the views.
    ///
    /// # Safety
    /// The file holds the state that the program expects.
    unsafe fn map(&self) -> io::Result<()> {
        let image = fixed_fd(IMAGE_FD);
        for Segment { range, offset } in self.segments() {
            // SAFETY: see above.
            unsafe { sys::map_private_over(*range, image, *offset)? };
        }
        for Segment { range, offset } in self.table.changed.as_slice() {
            let inherited = self.table.inherited.as_slice().iter();
            if let Some(inherited) =
                inherited.into_iter().find(|inherited| inherited.range.contains(*range))
            {
                let start = inherited.viewed(range.start);
                let view = Range { start, end: start + range.bytes() };
                // SAFETY: the view of what is inherited has the size of its range.
                unsafe { sys::map_view_over(view, image, *offset)? };
            }
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
        self.restore_by(OVERWRITTEN_PAGES_MAX)
    }

    /// The same, where all copies are dropped if there are more than `overwritten_max`.
    #[inline(never)]
    pub(super) fn restore_by(&self, overwritten_max: usize) -> io::Result<()> {
        let table = self.table;
        // A heap that has become smaller has lost what lay there.
        if sys::heap_end() < self.heap_end || sys::set_heap_end(self.heap_end) != self.heap_end {
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
            if self.overwrite_copies(overwritten_max)?.is_err() {
                for inherited in table.inherited.as_slice() {
                    sys::discard(inherited.range)?;
                }
            }
            self.clear_stack()?;
        }
        sys::unblock_signals()
    }

    /// Overwrites each copied page of what is inherited by the content of its view, at most `pages_max`.
    ///
    /// # Safety
    /// The program expects that content.
    unsafe fn overwrite_copies(&self, pages_max: usize) -> io::Result<Result<(), TooMany>> {
        // SAFETY: the plan's own memory, which nothing else refers to.
        let entries: &mut Entries = unsafe { sys::placed(self.entries_at) };
        let mut overwritten = 0;
        for inherited in self.table.inherited.as_slice() {
            let mut start = inherited.range.start;
            while start < inherited.range.end {
                let count = ((inherited.range.end - start) / PAGE_BYTES).min(entries.len());
                let entries = entries.get_mut(..count).unwrap_or_default();
                read_entries(start, entries)?;
                for (index, entry) in entries.iter().enumerate() {
                    if !pages::is_copy(*entry) {
                        continue;
                    }
                    if overwritten == pages_max {
                        return Ok(Err(TooMany));
                    }
                    overwritten += 1;
                    let page = start + index * PAGE_BYTES;
                    let view = inherited.viewed(page);
                    // SAFETY: both are mapped, and the page is one that the program may write.
                    unsafe { sys::copy(Range { start: view, end: view + PAGE_BYTES }, page) };
                }
                start += count * PAGE_BYTES;
            }
        }
        Ok(Ok(()))
    }

    /// Removes the stack far below the caller, and clears what is nearer.
    ///
    /// # Safety
    /// The caller uses less than [`STACK_BYTES_IN_USE`] below its frame.
    unsafe fn clear_stack(&self) -> io::Result<()> {
        let end = (sys::stack_pointer() - STACK_BYTES_IN_USE) / PAGE_BYTES * PAGE_BYTES;
        let near = Range { start: end - STACK_BYTES_KEPT, end };
        // SAFETY: nothing in use lies there.
        unsafe { sys::unmap(Range { start: self.table.stack.start, end: near.start })? };
        let mut entries = [0; STACK_BYTES_KEPT / PAGE_BYTES];
        read_entries(near.start, &mut entries)?;
        for (index, entry) in entries.iter().enumerate() {
            // The lowest page is always cleared, so that the stack has the same size after each run.
            if index == 0 || pages::is_copy(*entry) {
                let start = near.start + index * PAGE_BYTES;
                // SAFETY: stack below everything that is in use.
                unsafe { sys::clear(Range { start, end: start + PAGE_BYTES }) };
            }
        }
        overwrite_stack();
        Ok(())
    }
}

/// More copies than are worth overwriting.
struct TooMany;

/// Overwrites the stack just below the caller.
#[inline(never)]
fn overwrite_stack() {
    let mut below = [0u8; STACK_BYTES_IN_USE];
    std::hint::black_box(&mut below);
}

/// Reads the kernel's list of mappings: everything that is mapped, and what is written beside the
/// memory that is inherited and the plan's own.
fn list_mappings(table: &mut Table, own: [Range; 2]) -> io::Result<()> {
    let length = read_maps(&mut table.text)?;
    let Table { mapped, inherited, remapped, stack, text, .. } = table;
    for mapping in mappings(text.get(..length).unwrap_or_default()) {
        let mapping = mapping.ok_or_else(|| io::Error::other("an unreadable mapping"))?;
        let mut range = mapping.range;
        if mapping.is_stack() {
            range.start = range.end.saturating_sub(STACK_BYTES_MAX).max(ADDRESS_MIN);
            *stack = range;
        } else if mapping.is_written {
            let holes = || inherited.as_slice().iter().map(|inherited| inherited.range).chain(own);
            let mut rest = range;
            while let Some(part) = take_part(&mut rest, holes()) {
                remapped.push(Segment { range: part, offset: 0 }).map_err(full)?;
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
    Ok(())
}

/// What is left of the zygote's heap, and what it has grown by, now that it ends at `end`. Both are
/// empty where the zygote had no heap: one that is made later is a mapping like any other.
fn heap_since(base: Range, end: usize) -> (Range, Range) {
    if base.bytes() == 0 {
        return (base, base);
    }
    // The C library may have given back what lay behind.
    let left = Range { start: base.start, end: base.end.min(end.max(base.start)) };
    (left, Range { start: base.end, end: end.max(base.end) })
}

/// Takes the first part of `rest` that is in no hole.
fn take_part(rest: &mut Range, holes: impl Iterator<Item = Range> + Clone) -> Option<Range> {
    while rest.start < rest.end {
        let covers = |hole: &Range| hole.start <= rest.start && rest.start < hole.end;
        if let Some(hole) = holes.clone().find(covers) {
            rest.start = hole.end.min(rest.end);
            continue;
        }
        let next = holes.clone().map(|hole| hole.start).filter(|start| *start > rest.start).min();
        let part = Range { start: rest.start, end: next.unwrap_or(rest.end).min(rest.end) };
        rest.start = part.end;
        return Some(part);
    }
    None
}

/// Lists what was written of the inherited memory since it became copies of the zygote's file, and all
/// that the heap has grown.
fn find_changes(
    table: &mut Table,
    entries: &mut Entries,
    grown: Range,
    marks: &probe::Marks,
) -> io::Result<()> {
    let Table { changed, inherited, .. } = table;
    let mut entry = [0];
    read_entries(marks.heap_address() / PAGE_BYTES * PAGE_BYTES, &mut entry)?;
    if !entry.iter().all(|entry| pages::is_copy(*entry)) {
        return Err(io::Error::other("the kernel does not say which pages were written"));
    }
    let mut gap = GAP_PAGES;
    loop {
        changed.clear();
        match add_changes(changed, inherited.as_slice(), entries, grown, gap)? {
            Ok(()) => return Ok(()),
            Err(Full) => gap *= 2,
        }
    }
}

fn add_changes<const N: usize>(
    changed: &mut List<Segment, N>,
    inherited: &[Inherited],
    entries: &mut Entries,
    grown: Range,
    gap: usize,
) -> io::Result<Result<(), Full>> {
    for Inherited { range, .. } in inherited {
        if *range == grown {
            if changed.push(Segment { range: grown, offset: 0 }).is_err() {
                return Ok(Err(Full));
            }
            continue;
        }
        let mut start = range.start;
        while start < range.end {
            let count = ((range.end - start) / PAGE_BYTES).min(entries.len());
            let entries = entries.get_mut(..count).unwrap_or_default();
            read_entries(start, entries)?;
            if pages::add_copies(changed, entries, start, range.start, gap).is_err() {
                return Ok(Err(Full));
            }
            start += count * PAGE_BYTES;
        }
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
    fn a_heap_may_have_grown_or_shrunk_and_need_not_be_there() {
        let range = |start, end| Range { start, end };
        let cases = [
            (range(4, 8), 8, range(4, 8), range(8, 8)),
            (range(4, 8), 9, range(4, 8), range(8, 9)),
            (range(4, 8), 6, range(4, 6), range(8, 8)),
            (range(4, 8), 2, range(4, 4), range(8, 8)),
            (range(0, 0), 9, range(0, 0), range(0, 0)),
        ];
        for (base, end, left, grown) in cases {
            assert_eq!(heap_since(base, end), (left, grown), "{base:?} {end}");
        }
    }

    #[test]
    fn holes_leave_what_is_around_them() {
        let range = |(start, end)| Range { start, end };
        type Ranges = &'static [(usize, usize)];
        let cases: [(Ranges, Ranges); 6] = [
            (&[(15, 16)], &[(14, 15), (16, 18)]),
            (&[(14, 18)], &[]),
            (&[(10, 15), (16, 17)], &[(15, 16), (17, 18)]),
            (&[(18, 19), (1, 14)], &[(14, 18)]),
            (&[(16, 30), (0, 0)], &[(14, 16)]),
            (&[(15, 16), (16, 17)], &[(14, 15), (17, 18)]),
        ];
        for (holes, parts) in cases {
            let mut rest = range((14, 18));
            let holes = holes.iter().copied().map(range);
            let taken = std::iter::from_fn(|| take_part(&mut rest, holes.clone()));
            assert_eq!(
                taken.collect::<Vec<_>>(),
                parts.iter().copied().map(range).collect::<Vec<_>>()
            );
        }
    }
}
