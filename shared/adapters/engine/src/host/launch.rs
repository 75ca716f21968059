//! Starting a zygote: this program again, with nothing of what this process has.
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
use writ_model::Language;

use crate::sys;
use crate::wire::control::{self, HELLO};
use crate::wire::{MARKER, SOCKET_FD};

/// Interpreters recurse; the memory is only used when they do.
const STACK_BYTES: u64 = 64 << 20;
/// A zygote has its four, and two more while it forks; the loader needs a few.
const DESCRIPTORS_MAX: u64 = 16;
/// Imports take less than a second; a busy machine with a debug build may take many.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A zygote answers within a millisecond or two.
const ANSWER_PATIENCE_S: i64 = 20;

/// A zygote that has said hello.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) control: OwnedFd,
    pub(super) keeper: Keeper,
}

/// The thread that has started a zygote. The kernel kills the zygote when this thread ends, so
/// it lives as long as the zygote is wanted.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a zygote panicked");
        }
    }
}

/// Starts a zygote and waits for its first word.
pub(super) fn launch(language: Language, weak: bool) -> Result<Launched, String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let (control, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|error| failed("socketpair", &error))?;
    let (errors, stderr) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .map_err(|error| failed("pipe2", &error))?;
    let (stop, stopped) = mpsc::channel();
    let (started, result) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("writ-{language}"))
        .spawn(move || {
            let child = command(language, theirs, stderr, weak).spawn();
            match child {
                Err(error) => drop(started.send(Err(error))),
                Ok(child) => {
                    drop(started.send(Ok(())));
                    keep(child, &stopped);
                }
            }
        })
        .map_err(|error| failed("thread", &error))?;
    let keeper = Keeper { stop: Some(stop), thread: Some(thread) };
    match result.recv() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(failed("exec", &error)),
        Err(error) => return Err(failed("thread", &error)),
    }
    greet(&control).map_err(|error| {
        let mut said = vec![0; 4096];
        let length = nix::unistd::read(&errors, &mut said).unwrap_or(0);
        said.truncate(length);
        format!("no hello ({error}): {}", String::from_utf8_lossy(&said).trim())
    })?;
    Ok(Launched { control, keeper })
}

fn greet(control: &OwnedFd) -> io::Result<()> {
    if !sys::readable(control.as_fd(), START_PATIENCE) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match control::receive(control.as_fd())? {
        Some((hello, _)) if hello.kind == HELLO => {}
        Some((other, _)) => return Err(io::Error::other(format!("{other:?}"))),
        None => return Err(io::ErrorKind::UnexpectedEof.into()),
    }
    let acquire_timeout = TimeVal::seconds(ANSWER_PATIENCE_S);
    Ok(setsockopt(control, sockopt::ReceiveTimeout, &acquire_timeout)?)
}

fn keep(mut child: Child, stopped: &mpsc::Receiver<()>) {
    // Returns when the other end is dropped.
    let _ = stopped.recv();
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        tracing::error!(%error, "a zygote could not be ended");
    }
}

fn command(language: Language, socket: OwnedFd, stderr: OwnedFd, weak: bool) -> Command {
    // Not the path: the file may have been replaced since this process started.
    let mut command = Command::new("/proc/self/exe");
    let parent = Pid::this();
    command
        .arg0("writ-zygote")
        .args([MARKER, language.name()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    // SAFETY: runs between fork and exec, where only async-signal-safe calls are sound: it makes
    // plain system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || confine(&socket, parent, weak));
    }
    command
}

/// What has to hold before the first instruction of a zygote.
fn confine(socket: &OwnedFd, parent: Pid, weak: bool) -> io::Result<()> {
    let step = |done: io::Result<()>| if weak { Ok(()) } else { done };
    sys::rename_fd(socket.as_raw_fd(), SOCKET_FD)?;
    step(sys::close_from_on_exec(SOCKET_FD.unsigned_abs() + 1))?;
    step(nix::sys::prctl::set_no_new_privs().map_err(Into::into))?;
    step(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(Into::into))?;
    if nix::unistd::getppid() != parent {
        // The platform died between the fork and the line above.
        return Err(io::ErrorKind::NotConnected.into());
    }
    nix::unistd::setsid()?;
    step(limit(Resource::RLIMIT_CORE, 0))?;
    step(limit(Resource::RLIMIT_FSIZE, 0))?;
    step(limit(Resource::RLIMIT_NOFILE, DESCRIPTORS_MAX))?;
    step(limit(Resource::RLIMIT_STACK, STACK_BYTES))
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let most = most.min(hard);
    Ok(setrlimit(resource, most, most)?)
}
