//! Tests of the processes' attributes, as the kernel reports them.

use libtest_mimic::Trial;
use writ_model::Language;
use writ_tests::procfs;

use crate::policies::{assert_serves, engine};

use crate::{helper, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_worker_has_no_environment", no_environment),
        trial("a_worker_has_its_own_descriptors_only", own_descriptors),
        trial("a_worker_is_confined_irrevocably", confined),
        trial("a_worker_yields_processors_to_the_platform", nice),
        trial("a_zygote_cannot_gain_privileges_and_has_one_thread", zygote),
        trial("the_platform_is_not_dumpable", not_dumpable),
        trial("a_complete_sandbox_is_reported_as_such", report),
        trial("a_program_that_cannot_be_its_own_worker_gets_help", without_init),
        trial("a_worker_without_a_platform_ends", without_platform),
        trial("without_seccomp_nothing_runs_unless_the_operator_permits_it", without_seccomp),
    ]
}

/// Starts an engine with idle workers of every language, and inspects each worker process.
fn with_workers(inspect: impl Fn(i32)) {
    let engine = engine();
    assert_serves(&engine);
    let workers = procfs::workers();
    assert!(workers.len() >= Language::ALL.len(), "{workers:?}");
    workers.into_iter().for_each(inspect);
    // The inspected workers still serve calls.
    assert_serves(&engine);
    assert_eq!(engine.stats().kills, 0);
}

fn no_environment() {
    assert!(std::env::vars_os().next().is_some(), "nothing that could leak");
    with_workers(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert_eq!(environment, b"");
    });
}

fn own_descriptors() {
    // A descriptor without the close-on-exec flag, which a child would inherit.
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    with_workers(|pid| {
        let [stdin, stdout, stderr, socket, printed, image, pages, base] =
            &procfs::descriptors(pid)[..]
        else {
            panic!("{:?}", procfs::descriptors(pid));
        };
        assert_eq!(stdin, &(0, "/dev/null".to_owned()));
        assert_eq!(stdout, &(1, "/dev/null".to_owned()));
        assert!(stderr.0 == 2 && stderr.1.starts_with("pipe:"), "{stderr:?}");
        assert!(socket.0 == 3 && socket.1.starts_with("socket:"), "{socket:?}");
        assert!(printed.0 == 4 && printed.1.starts_with("pipe:"), "{printed:?}");
        assert_ne!(printed.1, stderr.1);
        assert!(image.0 == 5 && image.1.starts_with("/memfd:writ-worker"), "{image:?}");
        assert_eq!(pages, &(7, format!("/proc/{pid}/pagemap")));
        assert!(base.0 == 8 && base.1.starts_with("/memfd:writ-base"), "{base:?}");
    });
    drop(file);
}

fn nice() {
    let of_platform = procfs::niceness(procfs::own()).unwrap();
    with_workers(|pid| assert_eq!(procfs::niceness(pid), Some((of_platform + 5).min(19))));
}

fn confined() {
    with_workers(|pid| {
        let status = |field| procfs::status(pid, field).unwrap();
        assert_eq!(status("Seccomp"), "2");
        assert_eq!(status("NoNewPrivs"), "1");
        assert_eq!(status("Threads"), "1");
        assert_eq!(std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap().as_os_str(), "/");
    });
}

fn zygote() {
    let engine = engine();
    assert_serves(&engine);
    let zygotes = procfs::zygotes();
    assert_eq!(zygotes.len(), Language::ALL.len());
    for pid in zygotes {
        assert_eq!(procfs::status(pid, "NoNewPrivs").unwrap(), "1");
        assert_eq!(procfs::status(pid, "Threads").unwrap(), "1");
        assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
        // The memory that its workers share is the fifth.
        assert_eq!(procfs::descriptors(pid).len(), 5, "{:?}", procfs::descriptors(pid));
        // Its own session: a signal to the terminal's process group does not reach it.
        assert_eq!(
            nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid))).unwrap().as_raw(),
            pid
        );
    }
}

fn not_dumpable() {
    nix::sys::prctl::set_dumpable(true).unwrap();
    let _engine = engine();
    assert!(!nix::sys::prctl::get_dumpable().unwrap());
}

fn report() {
    let engine = engine();
    assert!(engine.report().is_complete(), "{:?}", engine.report());
    let names: Vec<_> =
        engine.report().capabilities.iter().map(|capability| capability.name).collect();
    for name in ["seccomp", "no_new_privs", "pidfd", "prlimit", "close_range", "dumpable"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

fn without_init() {
    let text = helper::output(helper::WITHOUT_INIT);
    assert!(text.contains("call `writ_languages::init()` first in `main`"), "{text}");
}

fn without_platform() {
    for language in ["python", "rego", "cobol"] {
        let program = std::env::current_exe().unwrap();
        let output =
            std::process::Command::new(program).args(["__writ-worker", language]).output().unwrap();
        assert!(!output.status.success(), "{language}: {output:?}");
        // It has not run the `main` of this program.
        assert!(output.stdout.is_empty(), "{language}: {output:?}");
    }
}

fn without_seccomp() {
    let text = helper::output(helper::WITHOUT_SECCOMP);
    let [refused, weak] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert!(refused.contains("`seccomp`") && refused.contains("allow_weak_sandbox"), "{refused}");
    assert_eq!(weak, "1 without seccomp");
}
