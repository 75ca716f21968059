//! The process of a Lambda function.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::invocations::{Event, Invocation, Invocations};
use crate::process;
use crate::server::lock;

/// The function's ARN in the headers of invocations.
pub(crate) const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:writ-test-function";

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Bound of every wait, for the slowest machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// The interval at which a wait checks that the process is alive.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The program and the environment variables of a function to start.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Launch {
    /// A program with this `Handler` and with the variables that Lambda sets for every function (AWS
    /// Lambda Developer Guide, "Defined runtime environment variables") and no others.
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
            // Set at the start, when the address is known.
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

    /// Sets an environment variable of the function.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Removes an environment variable of the function.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Starts the process, and does not wait until it is ready.
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
        let started = Instant::now();
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
        let stderr = Arc::default();
        collect(child.stderr.take(), &stderr);
        Ok(Function { child, invocations, started, log, stderr, invoke_count: 0 })
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

/// The error of an operation on a function.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The process could not be started.
    #[error("`{program}` cannot be started: {error}", program = .program.display())]
    Start {
        /// The path of the program.
        program: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The process ended before the event that was waited for.
    #[error("the function ended ({status}) and did not {what}; its output: {output}")]
    Exited {
        /// The exit status of the process.
        status: String,
        /// The event that was waited for, as `answer`.
        what: &'static str,
        /// The process's log and standard error.
        output: String,
    },
    /// The event that was waited for did not happen within two minutes.
    #[error("the function did not {what} in two minutes; its output: {output}")]
    TimedOut {
        /// The event that was waited for, as `answer`.
        what: &'static str,
        /// The process's log and standard error.
        output: String,
    },
    /// The status of the process could not be read, or a signal could not be sent.
    #[error("the function's process cannot be accessed: {0}")]
    Process(std::io::Error),
}

/// A function's process and its Runtime API. Dropping it kills the process and its descendants.
#[derive(Debug)]
pub struct Function {
    child: Child,
    invocations: Invocations,
    started: Instant,
    log: Lines,
    stderr: Lines,
    invoke_count: u64,
}

impl Function {
    /// The id of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The lines of its standard output so far, which are its log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }

    /// The error of its initialization that it reported to the Runtime API, if any.
    #[must_use]
    pub fn start_error(&self) -> Option<serde_json::Value> {
        self.invocations.start_error()
    }

    /// Waits until it requests its first event. Returns the time from its start until then.
    ///
    /// # Errors
    /// The process ended, or two minutes passed.
    pub fn wait_until_ready(&mut self) -> Result<Duration, FunctionError> {
        let started = self.started;
        let ready_at =
            self.wait("request an event", |function| function.invocations.ready_at(POLL_INTERVAL))?;
        Ok(ready_at.saturating_duration_since(started))
    }

    /// Sends it an event with a deadline `time` from now, and waits for the outcome. Lambda would
    /// kill the function at its deadline; here a late response is still returned.
    ///
    /// # Errors
    /// The process ended, or two minutes passed.
    pub fn invoke(&mut self, event: &str, time: Duration) -> Result<Invocation, FunctionError> {
        self.invoke_count += 1;
        let number = self.invoke_count;
        let request_id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.invocations.enqueue(Event {
            request_id: request_id.clone(),
            deadline_ms: (now + time).as_millis(),
            trace_id: format!("Root=1-5759e988-{number:024x};Parent=53995c3f42cd8ad8;Sampled=1"),
            body: event.to_owned(),
        });
        self.wait("answer", |function| {
            function.invocations.take_outcome(&request_id, POLL_INTERVAL)
        })
    }

    /// Waits for a line of the log that satisfies the predicate, and returns it.
    ///
    /// # Errors
    /// The process ended, or two minutes passed.
    pub fn wait_for_line(
        &mut self,
        predicate: impl Fn(&str) -> bool,
    ) -> Result<String, FunctionError> {
        self.wait("write that line of the log", |function| {
            let found = lock(&function.log).iter().find(|line| predicate(line)).cloned();
            if found.is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
            found
        })
    }

    /// Waits until it ends by itself. Returns its exit status and its log.
    ///
    /// # Errors
    /// The process did not end within two minutes.
    pub fn wait_for_exit(mut self) -> Result<(ExitStatus, Vec<String>), FunctionError> {
        let started = Instant::now();
        loop {
            let status = self.child.try_wait().map_err(FunctionError::Process)?;
            // The threads that read its output own the lines until they have read all of them.
            let is_read = Arc::strong_count(&self.log) == 1;
            if let Some(status) = status.filter(|_| is_read) {
                return Ok((status, self.log()));
            }
            if started.elapsed() > WAIT_TIMEOUT {
                return Err(FunctionError::TimedOut { what: "end", output: self.output() });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it and all of its processes, as Lambda does between two events.
    ///
    /// # Errors
    /// A process that cannot be signalled.
    pub fn freeze(&mut self) -> Result<(), FunctionError> {
        self.signal(Signal::SIGSTOP)?;
        self.wait("stop", |function| (process::state(function.pid()) == Some('T')).then_some(()))
    }

    /// Continues it and all of its processes.
    ///
    /// # Errors
    /// A process that cannot be signalled.
    pub fn thaw(&mut self) -> Result<(), FunctionError> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), FunctionError> {
        let all = std::iter::once(self.pid()).chain(process::descendants(self.pid()));
        all.into_iter().try_for_each(|pid| {
            send_signal(pid, signal).map_err(|errno| FunctionError::Process(errno.into()))
        })
    }

    fn wait<T>(
        &mut self,
        what: &'static str,
        mut poll: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, FunctionError> {
        let started = Instant::now();
        loop {
            let status = self.child.try_wait().map_err(FunctionError::Process)?;
            if let Some(found) = poll(self) {
                return Ok(found);
            }
            if let Some(status) = status {
                let status = status.to_string();
                return Err(FunctionError::Exited { status, what, output: self.output() });
            }
            if started.elapsed() > WAIT_TIMEOUT {
                return Err(FunctionError::TimedOut { what, output: self.output() });
            }
        }
    }

    /// The log and the standard error.
    fn output(&self) -> String {
        let stderr = lock(&self.stderr).clone();
        self.log().into_iter().chain(stderr).collect::<Vec<_>>().join("\n")
    }
}

fn send_signal(pid: u32, signal: Signal) -> nix::Result<()> {
    let pid = i32::try_from(pid).map_err(|_| nix::errno::Errno::ESRCH)?;
    kill(Pid::from_raw(pid), signal)
}

impl Drop for Function {
    fn drop(&mut self) {
        let others = process::descendants(self.pid());
        // Any of the processes may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in others {
            let _ = send_signal(pid, Signal::SIGKILL);
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
        let (status, log) = function.unwrap().wait_for_exit().unwrap();
        std::fs::remove_file(path).unwrap();
        let want = ["policy.get", "0", "b"].map(str::to_owned);
        assert_eq!((status.code(), &log[..]), (Some(0), &want[..]));
    }
}
