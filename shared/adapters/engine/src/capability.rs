//! The host capabilities that the sandbox needs, probed at the start of an engine.

use std::io;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};

use crate::host::Deadline;
use crate::sys::{self, PidFd};

/// One kernel feature that a host may or may not permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The system call or feature, as `seccomp`.
    pub name: &'static str,
    /// What the engine needs it for, as a noun phrase for messages.
    pub purpose: &'static str,
    /// Whether an engine cannot start without it, even with `allow_weak_sandbox`.
    pub essential: bool,
    /// The error of its probe; `None` when the host permits it.
    pub missing: Option<String>,
}

/// The capabilities of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxReport {
    /// Every capability that was probed, permitted or missing.
    pub capabilities: Vec<Capability>,
}

impl SandboxReport {
    /// Whether the host permits every capability.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.capabilities.iter().all(|capability| capability.missing.is_none())
    }

    /// The missing capabilities with their purposes, comma-separated; `None` when there are none.
    pub(crate) fn missing(&self, essential_only: bool) -> Option<String> {
        let names: Vec<_> = self
            .capabilities
            .iter()
            .filter(|capability| {
                capability.missing.is_some() && (capability.essential || !essential_only)
            })
            .map(|capability| format!("`{}` ({})", capability.name, capability.purpose))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

type Probe = fn(i32) -> io::Result<()>;

/// Name, purpose, whether it is essential, and a probe that uses the feature on this process without
/// a lasting effect, except that the process is not dumpable afterwards.
const PROBES: &[(&str, &str, bool, Probe)] = &[
    ("/proc", "starting this program again and measuring workers", true, |pid| {
        std::fs::read_link("/proc/self/exe")?;
        sys::address_space(pid).map(drop)
    }),
    ("pidfd", "killing the right process and no other", true, |pid| {
        let pidfd = PidFd::open(pid)?;
        pidfd.signal(0)?;
        pidfd.wait(Duration::ZERO);
        Ok(())
    }),
    ("timerfd", "deadlines that go on while the host is frozen", true, |_| {
        Deadline::probe().map_err(Into::into)
    }),
    ("cpu clock", "re-arming a worker's CPU limit", true, |pid| sys::cpu_used(pid).map(drop)),
    ("prlimit", "limits on CPU time and address space", false, |pid| {
        for resource in [Resource::RLIMIT_CPU, Resource::RLIMIT_AS] {
            let (soft, _) = getrlimit(resource)?;
            sys::set_soft_limit(pid, resource, soft)?;
        }
        Ok(())
    }),
    ("no_new_privs", "workers that can never gain a privilege", false, |_| {
        nix::sys::prctl::get_no_new_privs().map(drop).map_err(Into::into)
    }),
    ("parent-death signal", "workers that end with the platform", false, |_| {
        nix::sys::prctl::get_pdeathsig().map(drop).map_err(Into::into)
    }),
    ("close_range", "workers that inherit no descriptor", false, |_| {
        // No descriptor has this number, so nothing is closed.
        sys::close_from(u32::MAX)
    }),
    ("seccomp", "the allow-list of system calls", false, |_| sys::seccomp_can_kill()),
    ("dumpable", "a platform whose memory and environment no worker can read", false, |_| {
        nix::sys::prctl::set_dumpable(false)?;
        match nix::sys::prctl::get_dumpable()? {
            false => Ok(()),
            true => Err(io::Error::other("still dumpable")),
        }
    }),
];

/// Probes every capability. As a lasting effect this process is not dumpable any more.
pub(crate) fn probe() -> SandboxReport {
    let pid = nix::unistd::getpid().as_raw();
    let capabilities = PROBES
        .iter()
        .map(|&(name, purpose, essential, probe)| Capability {
            name,
            purpose,
            essential,
            missing: probe(pid).err().map(|error| error.to_string()),
        })
        .collect();
    SandboxReport { capabilities }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_purpose() {
        let capability = |name, essential, missing: Option<&str>| Capability {
            name,
            purpose: "tests",
            essential,
            missing: missing.map(str::to_owned),
        };
        let report = SandboxReport {
            capabilities: vec![
                capability("pidfd", true, Some("ENOSYS")),
                capability("seccomp", false, Some("EPERM")),
                capability("prlimit", false, None),
            ],
        };
        assert!(!report.is_complete());
        assert_eq!(report.missing(true).as_deref(), Some("`pidfd` (tests)"));
        assert_eq!(report.missing(false).as_deref(), Some("`pidfd` (tests), `seccomp` (tests)"));
    }

    #[test]
    fn a_probe_changes_no_limit_and_closes_nothing() {
        let before = getrlimit(Resource::RLIMIT_AS).unwrap();
        let file = std::fs::File::open("/proc/self/stat").unwrap();
        let report = probe();
        assert_eq!(report.capabilities.len(), PROBES.len());
        assert_eq!(getrlimit(Resource::RLIMIT_AS).unwrap(), before);
        assert!(file.metadata().is_ok());
    }
}
