//! The Linux system calls that neither std nor nix wraps, each behind a safe function.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper; each block says why it is sound"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::Resource;

/// A handle of a process (pidfd). A signal through it never reaches another process that got the
/// same number later.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// Opens a handle of the process with this number.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: takes two integers, gives a new descriptor or an error.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = RawFd::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
        Ok(Self(adopt(fd)))
    }

    /// Sends a signal; 0 only checks whether a signal is permitted.
    pub(crate) fn signal(&self, signal: i32) -> io::Result<()> {
        let info: *const libc::siginfo_t = std::ptr::null();
        // SAFETY: the descriptor is open for as long as `self`; a null `info` is permitted.
        let sent = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, info, 0)
        };
        Errno::result(sent)?;
        Ok(())
    }

    /// Kills the process; a process that is already dead is no error.
    pub(crate) fn kill(&self) {
        if let Err(error) = self.signal(libc::SIGKILL)
            && error.raw_os_error() != Some(libc::ESRCH)
        {
            tracing::error!(%error, "a worker could not be killed");
        }
    }

    /// Waits until the process has ended. Returns whether it has.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        readable(self.0.as_fd(), timeout)
    }
}

/// Waits until a descriptor is readable or at its end. Returns whether it is.
pub(crate) fn readable(fd: BorrowedFd<'_>, timeout: Duration) -> bool {
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
    loop {
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => {}
            Err(_) | Ok(0) => return false,
            Ok(_) => return true,
        }
    }
}

/// Takes ownership of a descriptor that the kernel has just created for this process.
pub(crate) fn adopt(fd: RawFd) -> OwnedFd {
    // SAFETY: callers pass a descriptor that a system call has just returned and that has no owner.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// A descriptor with a fixed number, which a process and the process that it starts agree on.
///
/// Only zygotes and workers use it; the number is open in them from the first instruction to the
/// last.
pub(crate) fn fixed_fd(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: see above; a wrong use gives EBADF, never memory errors.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Reads 64-bit numbers of a file from the one with this index on. Returns how many there were.
pub(crate) fn read_at(
    file: BorrowedFd<'_>,
    numbers: &mut [u64],
    index: usize,
) -> io::Result<usize> {
    const BYTES: usize = size_of::<u64>();
    let offset = i64::try_from(index * BYTES).map_err(io::Error::other)?;
    let buffer = numbers.as_mut_ptr().cast();
    // SAFETY: the buffer has this size, and every pattern of bits is a number.
    let read = unsafe { libc::pread64(file.as_raw_fd(), buffer, numbers.len() * BYTES, offset) };
    Ok(usize::try_from(Errno::result(read)?).map_err(io::Error::other)? / BYTES)
}

/// Sets the soft limit of a process, at most to its hard limit, which stays as it is.
pub(crate) fn set_soft_limit(pid: i32, resource: Resource, soft: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives both calls, which read or write exactly one `rlimit`.
    Errno::result(unsafe { libc::prlimit(pid, resource as _, std::ptr::null(), &raw mut limit) })?;
    limit.rlim_cur = soft.min(limit.rlim_max);
    // SAFETY: as above.
    Errno::result(unsafe {
        libc::prlimit(pid, resource as _, &raw const limit, std::ptr::null_mut())
    })?;
    Ok(())
}

/// CPU time that a process has used, user and system.
pub(crate) fn cpu_used(pid: i32) -> io::Result<Duration> {
    // The kernel's encoding of "the CPU clock of process `pid`" (clock_getcpuclockid(3)).
    let clock = (!pid << 3) | 2;
    let used = nix::time::clock_gettime(nix::time::ClockId::from_raw(clock))?;
    Ok(used.into())
}

/// Closes a descriptor, if it is open.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: takes an integer. Called only in workers, for fixed numbers that have no owner.
    unsafe { libc::close(fd) };
}

/// Closes every descriptor with the number `first` or above.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    close_range(first, 0)
}

/// Marks every descriptor from `first` up to be closed by the next exec.
pub(crate) fn close_from_on_exec(first: u32) -> io::Result<()> {
    close_range(first, libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(first: u32, flags: u32) -> io::Result<()> {
    // SAFETY: takes integers. Callers must not close descriptors that have an owner: it is called
    // only in processes that have just been forked and own nothing above `first`.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) })?;
    Ok(())
}

/// Duplicates `from` as `to`, which stays open across exec.
pub(crate) fn rename_fd(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: both take integers; used only between fork and exec or in a fresh worker.
    unsafe {
        if from == to {
            Errno::result(libc::fcntl(from, libc::F_SETFD, 0))?;
        } else {
            Errno::result(libc::dup2(from, to))?;
        }
    }
    Ok(())
}

/// Forks. Returns 0 in the child, and the child's process number in the parent.
///
/// The process must have one thread.
pub(crate) fn fork_single_threaded() -> io::Result<i32> {
    // SAFETY: with one thread nothing (an allocator's lock, say) is left in an intermediate state.
    Ok(Errno::result(unsafe { libc::fork() })?)
}

/// Restores the default disposition of a signal.
pub(crate) fn default_signal(signal: i32) {
    // SAFETY: SIG_DFL is always a valid disposition.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Raises the niceness of this process. It fails only where a process may not do that.
pub(crate) fn lower_priority(by: i32) {
    // SAFETY: has no preconditions.
    unsafe { libc::nice(by) };
}

/// Exits this process at once, without running exit handlers.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Whether the kernel can kill a process for a forbidden system call.
pub(crate) fn seccomp_can_kill() -> io::Result<()> {
    let action: u32 = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one u32 from a pointer to one.
    let answer = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action)
    };
    Errno::result(answer)?;
    Ok(())
}

/// The size of a process's address space, in bytes.
pub(crate) fn address_space(pid: i32) -> io::Result<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: Option<u64> = statm.split(' ').next().and_then(|pages| pages.parse().ok());
    // SAFETY: has no preconditions.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    pages
        .map(|pages| pages.saturating_mul(page))
        .ok_or_else(|| io::Error::other("unreadable /proc/PID/statm"))
}
