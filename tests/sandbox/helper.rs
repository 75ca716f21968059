//! Roles of this program, for trials that need a platform process of their own.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use writ_engine::{Engine, EngineConfig, EngineError};
use writ_model::Language;
use writ_tests::procfs;

use crate::policies;

/// Starts an engine without `worker::init`.
pub(crate) const WITHOUT_INIT: &str = "--role-without-init";
/// Hosts an engine with warm workers and a hanging run until it is killed.
pub(crate) const HOST: &str = "--role-host";
/// Starts engines where the kernel permits no filter.
pub(crate) const WITHOUT_SECCOMP: &str = "--role-without-seccomp";

/// Starts this program in a role, with its standard output piped.
pub(crate) fn start(role: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program).arg(role).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
}

/// The standard output of a role, until it ends.
pub(crate) fn output(role: &str) -> String {
    let output = start(role).wait_with_output().unwrap();
    assert!(output.status.success(), "{role}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn without_init() -> ! {
    let refused = Engine::start(EngineConfig::default()).unwrap_err();
    println!("{refused}");
    std::process::exit(0)
}

pub(crate) fn run_role_from_arguments() {
    match std::env::args().nth(1).as_deref() {
        Some(HOST) => host(),
        Some(WITHOUT_SECCOMP) => without_seccomp(),
        _ => {}
    }
}

fn host() -> ! {
    let engine = policies::engine();
    policies::assert_serves(&engine);
    let hanging = engine.clone();
    std::thread::spawn(move || policies::run(&hanging, &policies::hang_if_input_is_true(), "true"));
    procfs::busy_worker();
    // Spare workers are started after the replies of their predecessors.
    procfs::wait_until("two zygotes and three workers are there", || {
        procfs::descendants(procfs::own()).len() >= 5
    });
    let pids: Vec<String> =
        procfs::descendants(procfs::own()).iter().map(ToString::to_string).collect();
    println!("{}", pids.join(" "));
    std::io::stdout().flush().unwrap();
    loop {
        std::thread::park();
    }
}

fn without_seccomp() -> ! {
    forbid_seccomp();
    let refused = Engine::start(EngineConfig::default()).unwrap_err();
    assert!(matches!(refused, EngineError::WeakSandbox { .. }), "{refused}");
    println!("{refused}");
    let engine = policies::engine_with(|config| config.allow_weak_sandbox = true);
    let outcome = policies::run(&engine, &policies::echo(Language::Rego), "1").unwrap();
    let missing: Vec<_> =
        engine.report().capabilities.iter().filter(|a| a.missing.is_some()).collect();
    assert_eq!(missing.len(), 1, "{missing:?}");
    println!("{} without {}", outcome.output.as_str(), missing[0].name);
    drop(engine);
    std::process::exit(0)
}

/// Makes every later attempt to install a filter fail, as on a host that does not permit it.
fn forbid_seccomp() {
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = seccompiler::SeccompFilter::new(
        [(libc::SYS_seccomp, Vec::new())].into(),
        seccompiler::SeccompAction::Allow,
        seccompiler::SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        arch,
    );
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}
