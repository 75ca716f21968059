//! Tests in which processes are killed from outside: the platform continues, or leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::sync::Arc;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use writ_engine::{Engine, Failure};
use writ_model::Language;
use writ_tests::procfs;

use crate::policies::{assert_serves, echo, engine, hang_if_input_is_true, run};

use crate::{helper, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = [Signal::SIGKILL, Signal::SIGTERM]
        .into_iter()
        .map(|signal| {
            let name = format!("a_worker_that_gets_{signal}_in_mid_run_costs_its_own_run_only");
            trial(&name, move || killed_in_mid_run(signal))
        })
        .collect();
    trials.extend([
        trial("an_aborted_worker_is_a_failure_of_the_policy", aborted),
        trial("a_worker_killed_while_idle_costs_nothing", killed_while_idle),
        trial("a_killed_zygote_is_replaced", killed_zygote),
        trial("shutdown_leaves_no_process_behind", shutdown),
        trial("dropping_an_engine_leaves_no_process_behind", dropped),
        trial("the_death_of_the_platform_leaves_no_process_behind", death_of_the_platform),
    ]);
    trials
}

fn hang(engine: &Arc<Engine>) -> std::thread::JoinHandle<Failure> {
    let engine = Arc::clone(engine);
    std::thread::spawn(move || run(&engine, &hang_if_input_is_true(), "true").unwrap_err())
}

fn killed_in_mid_run(signal: Signal) {
    let engine = engine();
    let hanging = hang(&engine);
    procfs::send(procfs::busy_worker(), signal);
    let Failure::WorkerLost { reason } = hanging.join().unwrap() else {
        panic!("blamed on somebody else");
    };
    assert!(reason.contains(signal.as_str()), "{reason}");
    assert_eq!(engine.stats().kills, 1);
    assert_eq!(run(&engine, &hang_if_input_is_true(), "false").unwrap().output.as_str(), "false");
    assert_serves(&engine);
}

fn aborted() {
    let cases = [
        (Signal::SIGSEGV, "SIGSEGV"),
        (Signal::SIGABRT, "SIGABRT"),
        (Signal::SIGILL, "SIGILL"),
        (Signal::SIGSYS, "SIGSYS: a forbidden system call"),
    ];
    let engine = engine();
    for (sent, expected) in cases {
        let hanging = hang(&engine);
        procfs::send(procfs::busy_worker(), sent);
        let signal = expected.to_owned();
        assert_eq!(hanging.join().unwrap(), Failure::Crashed { signal });
    }
    let hanging = hang(&engine);
    procfs::send(procfs::busy_worker(), Signal::SIGXCPU);
    assert!(matches!(hanging.join().unwrap(), Failure::TimedOut { .. }));
    assert_serves(&engine);
}

fn killed_while_idle() {
    let engine = engine();
    assert_serves(&engine);
    for pid in procfs::workers() {
        procfs::send(pid, Signal::SIGKILL);
        procfs::wait_until("the worker is dead", || !procfs::is_alive(pid));
    }
    assert_serves(&engine);
}

fn killed_zygote() {
    let engine = engine();
    assert_serves(&engine);
    let zygotes = procfs::zygotes();
    let workers = procfs::workers();
    for pid in zygotes.iter().chain(&workers) {
        if zygotes.contains(pid) {
            procfs::send(*pid, Signal::SIGKILL);
        }
        // Workers die with their zygote.
        procfs::wait_until("it is dead", || !procfs::is_alive(*pid));
    }
    assert_serves(&engine);
    assert!(procfs::zygotes().is_disjoint(&zygotes));
}

fn shutdown() {
    let engine = engine();
    assert_serves(&engine);
    let hanging = hang(&engine);
    procfs::busy_worker();
    engine.shutdown();
    assert_eq!(procfs::descendants(procfs::own()).len(), 0);
    assert_eq!(engine.stats().workers, 0);
    let reason = "the engine was shut down".to_owned();
    assert_eq!(hanging.join().unwrap(), Failure::WorkerLost { reason: reason.clone() });
    let refused = run(&engine, &echo(Language::Rego), "1").unwrap_err();
    assert_eq!(refused, Failure::WorkerLost { reason });
    assert!(engine.warm(Language::Rego).is_err());
    engine.shutdown();
}

fn dropped() {
    let engine = engine();
    assert_serves(&engine);
    assert!(!procfs::descendants(procfs::own()).is_empty());
    drop(engine);
    assert_eq!(procfs::descendants(procfs::own()).len(), 0);
}

fn death_of_the_platform() {
    let mut host = helper::start(helper::HOST);
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: Vec<i32> = line.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.len() >= 5, "two zygotes and at least three workers: {line}");
    assert!(pids.iter().all(|pid| procfs::is_alive(*pid)));
    host.kill().unwrap();
    host.wait().unwrap();
    for pid in pids {
        procfs::wait_until("it is dead", || {
            !procfs::is_alive(pid)
                || !procfs::comm(pid).is_some_and(|name| name.starts_with("writ-"))
        });
    }
}
