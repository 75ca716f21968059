//! The start of a zygote: this program again, without this process's environment and descriptors.
#![expect(unsafe_code, reason = "steps between fork and exec; each is async-signal-safe")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

use crate::sys;
use crate::wire::control::{self, HELLO};
use crate::wire::{SOCKET_FD, ZYGOTE_ARGUMENT};
use crate::zygote_kind::ZygoteKind;

/// The stack of a zygote and its workers. Interpreters recurse; pages are used only when they do.
const STACK_BYTES: u64 = 64 << 20;
/// A zygote has four descriptors, and more while it forks; the loader needs a few.
const DESCRIPTORS_MAX: u64 = 16;
/// How long a start may take. Imports take less than a second; a debug build on a busy machine may
/// take many.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a reply of a zygote may take, in seconds; usually a millisecond or two.
const REPLY_TIMEOUT_S: i64 = 20;

/// A zygote that has sent its hello packet.
#[derive(Debug)]
pub(super) struct ZygoteProcess {
    pub(super) control: OwnedFd,
    pub(super) parent_thread: ParentThread,
}

/// The thread that has started a zygote. The kernel kills the zygote when this thread ends
/// (parent-death signal), so the thread lives until this value is dropped.
#[derive(Debug)]
pub(super) struct ParentThread {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for ParentThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a zygote panicked");
        }
    }
}

/// Starts a zygote and waits for its hello packet.
///
/// # Errors
/// Which step failed, with the zygote's standard error where it wrote any.
pub(super) fn launch(kind: ZygoteKind, allow_weak: bool) -> Result<ZygoteProcess, String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let (control, remote_end) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|error| failed("socketpair", &error))?;
    let (errors, stderr) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .map_err(|error| failed("pipe2", &error))?;
    let (stop, stopped) = mpsc::channel();
    let (started, result) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("writ-{kind}"))
        .spawn(move || {
            let child = command(kind, remote_end, stderr, allow_weak).spawn();
            match child {
                Err(error) => drop(started.send(Err(error))),
                Ok(child) => {
                    drop(started.send(Ok(())));
                    hold(child, &stopped);
                }
            }
        })
        .map_err(|error| failed("thread", &error))?;
    let parent_thread = ParentThread { stop: Some(stop), thread: Some(thread) };
    match result.recv() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(failed("exec", &error)),
        Err(error) => return Err(failed("thread", &error)),
    }
    await_hello(&control).map_err(|error| {
        let mut message = vec![0; 4096];
        let length = nix::unistd::read(&errors, &mut message).unwrap_or(0);
        message.truncate(length);
        format!("no hello ({error}): {}", String::from_utf8_lossy(&message).trim())
    })?;
    Ok(ZygoteProcess { control, parent_thread })
}

/// Waits for the hello packet, and sets the timeout of all later replies.
fn await_hello(control: &OwnedFd) -> io::Result<()> {
    if !sys::readable(control.as_fd(), START_TIMEOUT) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match control::receive(control.as_fd())? {
        Some((hello, _)) if hello.kind == HELLO => {}
        Some((other, _)) => return Err(io::Error::other(format!("{other:?}"))),
        None => return Err(io::ErrorKind::UnexpectedEof.into()),
    }
    let timeout = TimeVal::seconds(REPLY_TIMEOUT_S);
    Ok(setsockopt(control, sockopt::ReceiveTimeout, &timeout)?)
}

/// Keeps the thread alive until the zygote is to end, and then kills and reaps it.
fn hold(mut child: Child, stopped: &mpsc::Receiver<()>) {
    // Returns when the sender is dropped.
    let _ = stopped.recv();
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        tracing::error!(%error, "a zygote could not be killed");
    }
}

fn command(kind: ZygoteKind, socket: OwnedFd, stderr: OwnedFd, allow_weak: bool) -> Command {
    // Not the path of the file, which may have been replaced since this process started.
    let mut command = Command::new("/proc/self/exe");
    let parent = Pid::this();
    command
        .arg0("writ-zygote")
        .args([ZYGOTE_ARGUMENT, kind.name()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    // SAFETY: runs between fork and exec, where only async-signal-safe calls are sound: it makes
    // plain system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || confine(&socket, parent, allow_weak));
    }
    command
}

/// Sets the descriptors, the limits and the session of a zygote before its exec.
fn confine(socket: &OwnedFd, parent: Pid, allow_weak: bool) -> io::Result<()> {
    let step = |done: io::Result<()>| if allow_weak { Ok(()) } else { done };
    sys::rename_fd(socket.as_raw_fd(), SOCKET_FD)?;
    step(sys::close_from_on_exec(SOCKET_FD.unsigned_abs() + 1))?;
    step(nix::sys::prctl::set_no_new_privs().map_err(Into::into))?;
    step(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(Into::into))?;
    if nix::unistd::getppid() != parent {
        // The platform died between the fork and the call of `set_pdeathsig`.
        return Err(io::ErrorKind::NotConnected.into());
    }
    nix::unistd::setsid()?;
    step(limit(Resource::RLIMIT_CORE, 0))?;
    step(limit(Resource::RLIMIT_NOFILE, DESCRIPTORS_MAX))?;
    step(limit(Resource::RLIMIT_STACK, STACK_BYTES))
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let value = value.min(hard);
    Ok(setrlimit(resource, value, value)?)
}
