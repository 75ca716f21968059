//! The system calls that change the memory of this process.
#![expect(
    unsafe_code,
    reason = "mappings are replaced under the program's feet; each block says why it is sound"
)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::{PAGE_BYTES, Range};
use crate::sys::adopt;

/// Creates a memory file of this size that can be sealed.
pub(crate) fn memory_file(name: &CStr, bytes: usize) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string; the call gives a new descriptor or an error.
    let fd =
        unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    let file = adopt(Errno::result(fd)?);
    let bytes = i64::try_from(bytes).map_err(io::Error::other)?;
    nix::unistd::ftruncate(&file, bytes)?;
    Ok(file)
}

/// Forbids every later change of a memory file, and that the seals are taken off. It fails while a
/// mapping through which the file could be written exists.
pub(crate) fn seal(file: BorrowedFd<'_>) -> io::Result<()> {
    // The kernel also refuses while it holds a page itself, after a sixth of a second. A processor's
    // list of pages that another process has just dropped is such a hold, and only a new call empties
    // those lists.
    const ATTEMPTS_MAX: usize = 4;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    let mut attempts = 0;
    loop {
        attempts += 1;
        // SAFETY: takes integers.
        match Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }) {
            Err(Errno::EBUSY) if attempts < ATTEMPTS_MAX => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

/// Whether pages have the size that this module counts with.
pub(super) fn has_usual_pages() -> bool {
    // SAFETY: has no preconditions.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) == Ok(PAGE_BYTES)
}

/// New zeroed memory that belongs to nothing else.
pub(super) fn map_anonymous(bytes: usize) -> io::Result<Range> {
    map(0, bytes, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
}

/// A part of a memory file through which it is written.
pub(super) fn map_shared(file: BorrowedFd<'_>, offset: usize, bytes: usize) -> io::Result<Range> {
    map(0, bytes, libc::MAP_SHARED, file.as_raw_fd(), offset)
}

/// Private copies of a part of a memory file.
pub(super) fn map_private(file: BorrowedFd<'_>, offset: usize, bytes: usize) -> io::Result<Range> {
    map(0, bytes, libc::MAP_PRIVATE, file.as_raw_fd(), offset)
}

/// A view of a part of a memory file, which cannot be written.
pub(super) fn map_view(file: BorrowedFd<'_>, offset: usize, bytes: usize) -> io::Result<Range> {
    map_with(libc::PROT_READ, 0, bytes, libc::MAP_PRIVATE, file.as_raw_fd(), offset)
}

/// Replaces a part of a view by one of another file.
///
/// # Safety
/// `range` lies in a view.
pub(super) unsafe fn map_view_over(
    range: Range,
    file: BorrowedFd<'_>,
    offset: usize,
) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
    let (fd, bytes) = (file.as_raw_fd(), range.bytes());
    map_with(libc::PROT_READ, range.start, bytes, flags, fd, offset).map(drop)
}

/// Writes a number at the start of a mapping that the caller has made.
pub(super) fn write(range: Range, number: usize) {
    let target: *mut usize = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: a mapping of at least a page, aligned to it, which holds numbers only.
    unsafe { target.write_volatile(number) };
}

/// Reads the number at the start of a mapping that the caller has made.
pub(super) fn read(range: Range) -> usize {
    let source: *const usize = std::ptr::with_exposed_provenance(range.start);
    // SAFETY: as for `write`.
    unsafe { source.read_volatile() }
}

/// Replaces the memory at `range` by private copies of a file's pages.
///
/// # Safety
/// The file holds the bytes that the program expects at `range` from now on.
pub(super) unsafe fn map_private_over(
    range: Range,
    file: BorrowedFd<'_>,
    offset: usize,
) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
    map(range.start, range.bytes(), flags, file.as_raw_fd(), offset).map(drop)
}

fn map(start: usize, bytes: usize, flags: i32, fd: i32, offset: usize) -> io::Result<Range> {
    map_with(libc::PROT_READ | libc::PROT_WRITE, start, bytes, flags, fd, offset)
}

fn map_with(
    rights: i32,
    start: usize,
    bytes: usize,
    flags: i32,
    fd: i32,
    offset: usize,
) -> io::Result<Range> {
    let offset = i64::try_from(offset).map_err(io::Error::other)?;
    // SAFETY: without MAP_FIXED the kernel chooses free addresses; with it, the caller of
    // `map_private_over` vouches for the contents.
    let address = unsafe {
        libc::mmap(std::ptr::without_provenance_mut(start), bytes, rights, flags, fd, offset)
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // The address is used as a number only, and turned into a pointer where memory is copied.
    let start = address.expose_provenance();
    Ok(Range { start, end: start + bytes })
}

/// Makes memory read-only, for good.
///
/// # Safety
/// Nothing writes there any more.
pub(super) unsafe fn protect(range: Range) -> io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: see above.
    Errno::result(unsafe { libc::mprotect(start, range.bytes(), libc::PROT_READ) })?;
    Ok(())
}

/// Removes every mapping at `range`; there need not be any.
///
/// # Safety
/// Nothing that is used again lies there.
pub(super) unsafe fn unmap(range: Range) -> io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: see above.
    Errno::result(unsafe { libc::munmap(start, range.bytes()) })?;
    Ok(())
}

/// Drops the private copies of pages at `range`.
///
/// # Safety
/// The program expects the bytes of the mapped file there, or zeros in anonymous memory.
pub(super) unsafe fn discard(range: Range) -> io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: see above.
    Errno::result(unsafe { libc::madvise(start, range.bytes(), libc::MADV_DONTNEED) })?;
    Ok(())
}

/// Copies the bytes of `from` to `to`, which has at least its size.
///
/// # Safety
/// Both are mapped, `from` for reading and `to` for writing; they do not overlap.
pub(super) unsafe fn copy(from: Range, to: usize) {
    let source: *const u8 = std::ptr::with_exposed_provenance(from.start);
    let target: *mut u8 = std::ptr::with_exposed_provenance_mut(to);
    // SAFETY: see above. The program's own data are behind `from`, and nothing writes them during
    // the call: there is one thread.
    unsafe { std::ptr::copy_nonoverlapping(source, target, from.bytes()) };
}

/// A value of zeroes and numbers in new memory of its own, which no run can reach.
///
/// # Safety
/// `T` is valid when all its bytes are zero.
pub(super) unsafe fn place<T>() -> io::Result<(&'static mut T, Range)> {
    let bytes = size_of::<T>().next_multiple_of(PAGE_BYTES);
    let range = map_anonymous(bytes)?;
    // SAFETY: the memory is new, large enough, aligned to a page, zeroed, and never unmapped.
    Ok((unsafe { placed(range) }, range))
}

/// The value that [`place`] has put at `range`.
///
/// # Safety
/// It is of this type, and there is no other reference to it.
pub(super) unsafe fn placed<T>(range: Range) -> &'static mut T {
    // SAFETY: see above.
    unsafe { &mut *std::ptr::with_exposed_provenance_mut::<T>(range.start) }
}

/// Fills memory with zeroes.
///
/// # Safety
/// It is mapped for writing, and the program expects zeroes there.
pub(super) unsafe fn clear(range: Range) {
    let start: *mut u8 = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: see above.
    unsafe { std::ptr::write_bytes(start, 0, range.bytes()) };
}

/// Lets the C library finish what it has put off until a later allocation: a run would do that again
/// and again.
pub(super) fn settle_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Keeps the C library from giving the end of the heap back to the kernel: a checkpoint's heap must not
/// become smaller. Returns whether it obeys.
pub(super) fn keep_heap() -> bool {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes integers.
    let is_kept = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX) == 1 };
    #[cfg(not(target_env = "gnu"))]
    let is_kept = true;
    is_kept
}

/// Where the heap ends.
pub(super) fn heap_end() -> usize {
    set_heap_end(0)
}

/// Sets where the heap ends, and returns where it ends then. The C library is not told: the caller
/// restores its memory, too.
pub(super) fn set_heap_end(end: usize) -> usize {
    // SAFETY: takes an integer. Shrinking removes only what grew after the checkpoint.
    let end = unsafe { libc::syscall(libc::SYS_brk, end) };
    usize::try_from(end).unwrap_or(0)
}

/// An address on the stack below everything that the caller uses.
#[inline(never)]
pub(super) fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)).expose_provenance()
}

/// Whether memory is mapped at this page.
pub(super) fn is_mapped(page: usize) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(page);
    // SAFETY: changes nothing; MADV_NORMAL is the state that all memory has here.
    Errno::result(unsafe { libc::madvise(start, PAGE_BYTES, libc::MADV_NORMAL) }).is_ok()
}

/// Unblocks all signals, as they are in a worker.
pub(super) fn unblock_signals() -> io::Result<()> {
    Ok(nix::sys::signal::SigSet::empty().thread_set_mask()?)
}
