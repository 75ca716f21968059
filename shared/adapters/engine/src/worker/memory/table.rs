//! Lists of a fixed size in memory that no run touches: while a checkpoint is taken nothing may be
//! allocated, since the heap itself is part of it.

use super::Range;

/// At most `N` items. All zeroes is the empty list.
#[derive(Debug)]
pub(super) struct List<T, const N: usize> {
    length: usize,
    items: [T; N],
}

impl<T: Copy, const N: usize> List<T, N> {
    /// Appends an item at the end.
    ///
    /// # Errors
    /// [`Full`] when the list has `N` items.
    pub(super) fn push(&mut self, item: T) -> Result<(), Full> {
        *self.items.get_mut(self.length).ok_or(Full)? = item;
        self.length += 1;
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn as_slice(&self) -> &[T] {
        self.items.get(..self.length).unwrap_or_default()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.get_mut(..self.length).unwrap_or_default().iter_mut()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.items.get_mut(..self.length).unwrap_or_default().last_mut()
    }
}

/// The list is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the process has more mappings than a checkpoint can hold")]
pub(super) struct Full;

/// A part of the address space, with its content in the worker's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) range: Range,
    /// Where its content begins in the file, in bytes.
    pub(super) offset: usize,
}

/// Memory that has been there since the zygote, and its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Inherited {
    pub(super) range: Range,
    /// Where a view of its content begins.
    pub(super) view: usize,
}

impl Inherited {
    /// The address in the view for one in the range.
    pub(super) fn viewed(&self, address: usize) -> usize {
        self.view + (address - self.range.start)
    }
}

/// Everything that putting memory back needs.
#[derive(Debug)]
pub(super) struct Table {
    /// Every mapping, in ascending order; neighbours are one range.
    pub(super) mapped: List<Range, 256>,
    /// The zygote's memory, with what the heap has grown since.
    pub(super) inherited: List<Inherited, 64>,
    /// What the compilation has changed of it, mapped once.
    pub(super) changed: List<Segment, 256>,
    /// Mappings that the compilation has made, made anew after each run.
    pub(super) remapped: List<Segment, 128>,
    /// The stack of this process as far as it may grow.
    pub(super) stack: Range,
    /// The kernel's list of mappings.
    pub(super) text: [u8; 64 << 10],
}

/// Working memory: the kernel's entries of pages.
pub(super) type Entries = [u64; 8192];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_refuses() {
        let mut list = List { length: 0, items: [0; 2] };
        assert_eq!([list.push(1), list.push(2), list.push(3)], [Ok(()), Ok(()), Err(Full)]);
        assert_eq!(list.as_slice(), [1, 2]);
        *list.last_mut().unwrap() = 7;
        list.clear();
        assert!(list.as_slice().is_empty() && list.last_mut().is_none());
    }
}
