//! A function's process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::invocations::{Answered, Event, Invocations};
use crate::process;
use crate::server::lock;

/// What [`Function::invoke`] says the function's name is.
pub(crate) const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:writ-test-function";

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// What takes longer, on the slowest machine, does not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a waiting call looks whether the process is still there.
const GLANCE: Duration = Duration::from_millis(100);

/// How a function is started.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Launch {
    /// The program, as its template's `Handler`, with the variables that Lambda gives every
    /// function (AWS Lambda Developer Guide, "Defined runtime environment variables") and no others.
    #[must_use]
    pub fn new(program: &Path, handler: &str) -> Self {
        let variables = [
            ("_HANDLER", handler),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_FUNCTION_NAME", "writ-test-function"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/writ-test-function"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/31/[$LATEST]0"),
            // Known once it is started.
            (RUNTIME_API, ""),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
            ("AWS_SESSION_TOKEN", "not-a-session"),
            ("LANG", "en_US.UTF-8"),
            ("LD_LIBRARY_PATH", "/lib64:/usr/lib64"),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("TZ", ":UTC"),
            ("WRIT_TABLE_PREFIX", "writ-test-"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { program: program.to_owned(), variables: variables.into() }
    }

    /// With this variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without this variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Starts the process; what it does is not waited for.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub fn start(self) -> Result<Function, FunctionError> {
        let error = |error| FunctionError::Start { program: self.program.clone(), error };
        let invocations = Invocations::start().map_err(error)?;
        let mut variables = self.variables;
        if let Some(address) = variables.get_mut(RUNTIME_API).filter(|known| known.is_empty()) {
            *address = invocations.address();
        }
        let begun = Instant::now();
        let mut child = Command::new(&self.program)
            .env_clear()
            .envs(&variables)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(error)?;
        let log = Arc::default();
        collect(child.stdout.take(), &log);
        let said = Arc::default();
        collect(child.stderr.take(), &said);
        Ok(Function { child, invocations, begun, log, said, invoked: 0 })
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

fn collect(stream: Option<impl Read + Send + 'static>, lines: &Lines) {
    let Some(stream) = stream else { return };
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lock(&lines).push(line);
        }
    });
}

/// Why a function did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// No process.
    #[error("`{program}` cannot be started: {error}", program = .program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The process ended.
    #[error("the function ended ({status}) and did not {what}; it said: {said}")]
    Ended {
        /// How.
        status: String,
        /// What was waited for.
        what: &'static str,
        /// Its log, and its standard error.
        said: String,
    },
    /// The process did nothing.
    #[error("the function did not {what} in two minutes; it said: {said}")]
    Silent {
        /// What was waited for.
        what: &'static str,
        /// Its log, and its standard error.
        said: String,
    },
    /// The process could not be looked at or signalled.
    #[error("the function's process is out of reach: {0}")]
    OutOfReach(std::io::Error),
}

/// A function's process and its Runtime API. Killed, its own processes included, when dropped.
#[derive(Debug)]
pub struct Function {
    child: Child,
    invocations: Invocations,
    begun: Instant,
    log: Lines,
    said: Lines,
    invoked: u64,
}

impl Function {
    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote on its standard output so far: its log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }

    /// What it told the Runtime API about its start, if that failed there.
    #[must_use]
    pub fn start_error(&self) -> Option<serde_json::Value> {
        self.invocations.start_error()
    }

    /// Waits until it asks for its first event. Returns the time from its start until then.
    ///
    /// # Errors
    /// It ended instead, or did nothing.
    pub fn ready(&mut self) -> Result<Duration, FunctionError> {
        let begun = self.begun;
        let ready_at =
            self.wait("ask for an event", |function| function.invocations.ready_at(GLANCE))?;
        Ok(ready_at.saturating_duration_since(begun))
    }

    /// Hands it an event, with a deadline `time` from now, and waits for what comes of it. Lambda
    /// would end the function at its deadline; here an answer that comes late still comes.
    ///
    /// # Errors
    /// It ended instead, or did nothing.
    pub fn invoke(&mut self, event: &str, time: Duration) -> Result<Answered, FunctionError> {
        self.invoked += 1;
        let number = self.invoked;
        let request_id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.invocations.hand_out(Event {
            request_id: request_id.clone(),
            deadline_ms: (now + time).as_millis(),
            trace_id: format!("Root=1-5759e988-{number:024x};Parent=53995c3f42cd8ad8;Sampled=1"),
            body: event.to_owned(),
        });
        self.wait("answer", |function| function.invocations.answered(&request_id, GLANCE))
    }

    /// Waits for a line of the log.
    ///
    /// # Errors
    /// It ended without, or did nothing.
    pub fn line(&mut self, is_it: impl Fn(&str) -> bool) -> Result<String, FunctionError> {
        self.wait("write that line of the log", |function| {
            let found = lock(&function.log).iter().find(|line| is_it(line)).cloned();
            if found.is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
            found
        })
    }

    /// Waits until it ends by itself. Returns how, and its log.
    ///
    /// # Errors
    /// It goes on.
    pub fn ended(mut self) -> Result<(ExitStatus, Vec<String>), FunctionError> {
        let begun = Instant::now();
        loop {
            let status = self.child.try_wait().map_err(FunctionError::OutOfReach)?;
            // The threads that read its output end with it, and hold the lines until then.
            let is_read = Arc::strong_count(&self.log) == 1;
            if let Some(status) = status.filter(|_| is_read) {
                return Ok((status, self.log()));
            }
            if begun.elapsed() > PATIENCE {
                return Err(FunctionError::Silent { what: "end", said: self.everything() });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Freezes it with all of its processes, as Lambda does between two events.
    ///
    /// # Errors
    /// A process that cannot be signalled.
    pub fn freeze(&mut self) -> Result<(), FunctionError> {
        self.signal(Signal::SIGSTOP)?;
        self.wait("stop", |function| (process::state(function.pid()) == Some('T')).then_some(()))
    }

    /// Lets it run again.
    ///
    /// # Errors
    /// A process that cannot be signalled.
    pub fn thaw(&mut self) -> Result<(), FunctionError> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), FunctionError> {
        let all = std::iter::once(self.pid()).chain(process::descendants(self.pid()));
        all.into_iter().try_for_each(|pid| {
            send(pid, signal).map_err(|errno| FunctionError::OutOfReach(errno.into()))
        })
    }

    fn wait<T>(
        &mut self,
        what: &'static str,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, FunctionError> {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().map_err(FunctionError::OutOfReach)?;
            if let Some(found) = look(self) {
                return Ok(found);
            }
            let said = || self.everything();
            if let Some(status) = ended {
                let status = status.to_string();
                return Err(FunctionError::Ended { status, what, said: said() });
            }
            if begun.elapsed() > PATIENCE {
                return Err(FunctionError::Silent { what, said: said() });
            }
        }
    }

    fn everything(&self) -> String {
        let said = lock(&self.said).clone();
        self.log().into_iter().chain(said).collect::<Vec<_>>().join("\n")
    }
}

/// Signals a process.
fn send(pid: u32, signal: Signal) -> nix::Result<()> {
    let pid = i32::try_from(pid).map_err(|_| nix::errno::Errno::ESRCH)?;
    kill(Pid::from_raw(pid), signal)
}

impl Drop for Function {
    fn drop(&mut self) {
        let others = process::descendants(self.pid());
        // Any of them may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in others {
            let _ = send(pid, Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_own_variables_and_no_others() {
        let path = std::env::temp_dir().join(format!("writ-function-{}", std::process::id()));
        let text = "echo $_HANDLER; env | grep -c -e HOME -e CARGO -e TZ; echo $A";
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
        let function = Launch::new(&path, "policy.get").with("A", "b").without("TZ").start();
        let (status, log) = function.unwrap().ended().unwrap();
        std::fs::remove_file(path).unwrap();
        let want = ["policy.get", "0", "b"].map(str::to_owned);
        assert_eq!((status.code(), &log[..]), (Some(0), &want[..]));
    }
}
