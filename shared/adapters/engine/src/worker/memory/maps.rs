//! The kernel's list of mappings (`/proc/self/maps`, proc_pid_maps(5)), read without allocating.

use super::Range;

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mapping<'a> {
    pub(super) range: Range,
    /// Whether the process may write there, to copies of its own.
    pub(super) is_written: bool,
    /// The name of a file, or one in brackets; empty for anonymous memory.
    pub(super) name: &'a [u8],
}

impl Mapping<'_> {
    pub(super) fn is_stack(&self) -> bool {
        self.name == b"[stack]"
    }

    pub(super) fn is_heap(&self) -> bool {
        self.name == b"[heap]"
    }
}

/// The mappings of a list. `None` stands for a line that cannot be read, or one that allows writing
/// what others see.
pub(super) fn mappings(text: &[u8]) -> impl Iterator<Item = Option<Mapping<'_>>> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(mapping)
}

fn mapping(line: &[u8]) -> Option<Mapping<'_>> {
    let (addresses, rest) = split_once(line, b' ')?;
    let (start, end) = split_once(addresses, b'-')?;
    let (rights, rest) = split_once(rest, b' ')?;
    // The offset, the device and the inode.
    let (_, rest) = split_once(rest, b' ')?;
    let (_, rest) = split_once(rest, b' ')?;
    let name = split_once(rest, b' ').map_or(&b""[..], |(_, name)| name.trim_ascii());
    let range = Range { start: hexadecimal(start)?, end: hexadecimal(end)? };
    let is_written = rights.get(1) == Some(&b'w');
    if is_written && rights.get(3) != Some(&b'p') {
        return None;
    }
    (range.start < range.end).then_some(Mapping { range, is_written, name })
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn hexadecimal(digits: &[u8]) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_is_read() {
        let text = b"\
55deeed6c000-55deeed78000 rw-p 07e00000 fe:00 1234                       /usr/bin/a b
55deef61e000-55def1262000 rw-p 00000000 00:00 0                          [heap]
7fb03f845000-7fb03f84b000 r--p 00000000 00:00 0 
7ffc6d154000-7ffc6d175000 rw-p 00000000 00:00 0                          [stack]
";
        let lines: Vec<_> = mappings(text).map(Option::unwrap).collect();
        let range = Range { start: 0x55de_eed6_c000, end: 0x55de_eed7_8000 };
        assert_eq!(lines[0], Mapping { range, is_written: true, name: b"/usr/bin/a b" });
        assert!(lines[1].is_heap() && lines[3].is_stack());
        assert_eq!((lines[2].is_written, lines[2].name), (false, &b""[..]));
    }

    #[test]
    fn memory_that_others_see_and_broken_lines_are_refused() {
        for line in [
            &b"1000-2000 rw-s 00000000 00:05 7   /dev/zero"[..],
            b"1000-1000 rw-p 00000000 00:00 0 ",
            b"1000 rw-p 00000000 00:00 0 ",
            b"g-2000 rw-p 00000000 00:00 0 ",
            b"1000-2000",
        ] {
            assert_eq!(mappings(line).collect::<Vec<_>>(), [None]);
        }
    }

    #[test]
    fn the_list_of_this_process_is_read() {
        let text = std::fs::read("/proc/self/maps").unwrap();
        assert!(mappings(&text).flatten().any(|mapping| mapping.is_stack()));
    }
}
