//! A process with one thread and a language's imports done, which forks workers on request.
//!
//! Its limits, its descriptors and its session were set between fork and exec; see
//! `host::launch`.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::memory::Base;
use super::{schemas, seccomp, serve};
use crate::language::{Runtime, Start};
use crate::wire::control::{self, Packet};
use crate::wire::{BASE_FD, EXIT_NO_SANDBOX, IMAGE_FD, MAPS_FD, PAGES_FD, PRINTED_FD, SOCKET_FD};
use crate::zygote_kind::ZygoteKind;
use crate::{capture, sys};

/// By how much workers are nicer than the platform, which then gets a processor three times as
/// often: endless runs of one workspace must not keep the platform from answering another one.
const NICENESS: i32 = 5;

/// Serves the control socket until the platform closes it.
pub(super) fn run(kind: ZygoteKind, start: Start) -> ! {
    warm_library_caches();
    // It fails only if the name is too long; the name is for `ps`.
    let _ = nix::sys::prctl::set_name(c"writ-zygote");
    // std's handler would print "stack overflow" and abort; the signal itself is more precise.
    sys::default_signal(libc::SIGSEGV);
    sys::default_signal(libc::SIGBUS);
    let started = match kind {
        ZygoteKind::Language(language) => start(language),
        ZygoteKind::Schemas => Ok(schemas::runtime()),
    };
    let mut runtime = match started {
        Ok(runtime) => runtime,
        Err(reason) => {
            eprintln!("{reason}");
            sys::exit_now(1)
        }
    };
    let base = Base::share().map_err(|error| format!("no shared memory: {error}"));
    let hello = Packet::new(control::HELLO, 0);
    if control::send(sys::fixed_fd(SOCKET_FD), hello, &[]).is_err() {
        sys::exit_now(2);
    }
    // Anything but a packet means that the platform has ended, or breaks the protocol.
    while let Ok(Some((request, fds))) = control::receive(sys::fixed_fd(SOCKET_FD)) {
        let reply = match request.kind {
            control::FORK => fork(runtime.as_mut(), &base, request.a == 1, fds),
            control::REAP => reap(request.a),
            _ => break,
        };
        if control::send(sys::fixed_fd(SOCKET_FD), reply, &[]).is_err() {
            break;
        }
    }
    sys::exit_now(0)
}

/// Makes libraries read from the host now what they would read at their first use in a worker,
/// where the filter would kill the process: the first pattern of a process reads from `/proc` how
/// many processors there are. What they build at their first use is built once, for all workers.
fn warm_library_caches() {
    drop(regex::Regex::new("a"));
    writ_schema::warm();
}

fn fork(
    runtime: &mut dyn Runtime,
    base: &Result<Base, String>,
    allow_weak: bool,
    fds: Vec<OwnedFd>,
) -> Packet {
    let Ok(pipes) = <[OwnedFd; 4]>::try_from(fds) else {
        return Packet::new(control::FORKED, -libc::EINVAL);
    };
    let zygote = nix::unistd::getpid();
    match sys::fork_single_threaded() {
        Ok(0) => {
            if let Err(reason) = confine(zygote, &pipes, allow_weak) {
                eprintln!("{reason}");
                sys::exit_now(EXIT_NO_SANDBOX);
            }
            serve::serve(runtime, base)
        }
        Ok(pid) => Packet::new(control::FORKED, pid),
        Err(error) => Packet::new(control::FORKED, -error.raw_os_error().unwrap_or(libc::EAGAIN)),
    }
}

/// Confines a new child process: it dies with its zygote, holds only its own descriptors, and can
/// do nothing but compute and reply.
fn confine(
    zygote: Pid,
    [socket, stderr, printed, image]: &[OwnedFd; 4],
    allow_weak: bool,
) -> Result<(), String> {
    let step = |what: &str, done: Result<(), String>| match done {
        Err(error) if !allow_weak => Err(format!("{what}: {error}")),
        _ => Ok(()),
    };
    let io = |error: std::io::Error| error.to_string();
    sys::rename_fd(stderr.as_raw_fd(), 2).map_err(io)?;
    sys::rename_fd(socket.as_raw_fd(), SOCKET_FD).map_err(io)?;
    // In this order: a descriptor that was received with one of these numbers has been moved above.
    sys::rename_fd(printed.as_raw_fd(), PRINTED_FD).map_err(io)?;
    sys::rename_fd(image.as_raw_fd(), IMAGE_FD).map_err(io)?;
    // Without them the worker serves one run.
    for (path, fd) in [("/proc/self/maps", MAPS_FD), ("/proc/self/pagemap", PAGES_FD)] {
        match File::open(path) {
            Ok(file) => sys::rename_fd(file.as_raw_fd(), fd).map_err(io)?,
            Err(_) => sys::close(fd),
        }
    }
    capture::enable_pipe();
    let _ = nix::sys::prctl::set_name(c"writ-worker");
    let parent_death = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    step("parent-death signal", parent_death.map_err(|error| error.to_string()))?;
    if nix::unistd::getppid() != zygote {
        // The zygote died between the fork and the call of `set_pdeathsig`.
        sys::exit_now(0);
    }
    step("close_range", sys::close_from(BASE_FD.unsigned_abs() + 1).map_err(io))?;
    sys::lower_priority(NICENESS);
    step("file size", setrlimit(Resource::RLIMIT_FSIZE, 0, 0).map_err(|error| error.to_string()))?;
    let installed = seccomp::filter(nix::unistd::getpid().as_raw())
        .and_then(|filter| seccompiler::apply_filter(&filter).map_err(|error| error.to_string()));
    step("seccomp", installed)
}

fn reap(pid: i32) -> Packet {
    loop {
        return match waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WEXITED) {
            Err(nix::errno::Errno::EINTR) => continue,
            Ok(WaitStatus::Exited(_, code)) => Packet::new(control::EXITED, code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Packet::new(control::SIGNALED, signal as i32),
            Ok(_) => Packet::new(control::UNKNOWN, 0),
            Err(error) => Packet::new(control::UNKNOWN, error as i32),
        };
    }
}
