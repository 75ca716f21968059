//! Functions that run policies, and their worker processes.

use std::collections::BTreeMap;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use writ_runtime_api::{Function, process};

use crate::programs::{TIME, execute_event, invoke, launch, start_ready, store_with};
use crate::trial;

const PYTHON: &str = "
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        while input_data.get('hang'):
            pass
        return {'n': input_data.get('n')}
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("engines::a_worker_that_was_killed_between_events_is_replaced", killed_worker),
        trial("engines::a_zygote_that_was_killed_between_events_is_replaced", killed_zygote),
        trial("engines::nothing_computes_once_an_answer_was_sent", idle_after_responses),
        trial(
            "engines::a_policy_that_outlives_its_request_ends_by_its_own_budget",
            deadline_within_a_run,
        ),
        trial("engines::a_policy_that_hangs_ends_and_the_next_call_works", hanging_policy),
        trial("engines::processes_do_not_pile_up", constant_process_count),
    ]
}

fn processes_named(function: &Function, name: &str) -> Vec<u32> {
    let mut pids = process::descendants(function.pid());
    pids.retain(|pid| process::name(*pid).as_deref() == Some(name) && is_alive(*pid));
    pids
}

fn is_alive(pid: u32) -> bool {
    process::state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn assert_works(function: &mut Function, n: u64) {
    let response = invoke(function, &execute_event(&json!({"n": n})), TIME);
    assert_eq!((response.status, &response.body["data"]), (200, &json!({"n": n})), "{response:?}");
}

/// Kills all processes of this name and waits until they and all workers are dead: a dying process
/// keeps its connections until then.
fn kill_all(function: &Function, name: &str) {
    let victims = processes_named(function, name);
    assert!(!victims.is_empty(), "no {name} among {:?}", process::descendants(function.pid()));
    for victim in &victims {
        kill(Pid::from_raw((*victim).try_into().unwrap()), Signal::SIGKILL).unwrap();
    }
    while !processes_named(function, "writ-worker").is_empty()
        || victims.iter().any(|pid| is_alive(*pid))
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn killed_worker() {
    let store = store_with("python", PYTHON);
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..3 {
        assert_works(&mut function, n);
        kill_all(&function, "writ-worker");
    }
    assert_works(&mut function, 9);
}

/// Workers die with their zygote, and no process is left to report their status. So the next
/// invocation may fail with a lost worker, or may time out while a new zygote starts. No other
/// invocation fails.
fn killed_zygote() {
    let store = store_with("python", PYTHON);
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..3 {
        assert_works(&mut function, n);
        kill_all(&function, "writ-zygote");
        let response = invoke(&mut function, &execute_event(&json!({"n": n})), TIME);
        assert!([200, 502, 504].contains(&response.status), "{response:?}");
    }
    assert_works(&mut function, 9);
}

/// CPU time that a process may use to go to sleep after a response, in ticks.
const SLEEP_TICKS_MAX: u64 = 2;

/// Asserts that in the time after a response no process starts, ends, or uses CPU time.
fn assert_idle(function: &Function) {
    let cpu_ticks = || -> BTreeMap<u32, u64> {
        let mut alive = process::descendants(function.pid());
        alive.retain(|pid| is_alive(*pid));
        alive.into_iter().map(|pid| (pid, process::ticks(pid))).collect()
    };
    let before = cpu_ticks();
    std::thread::sleep(Duration::from_millis(300));
    let after = cpu_ticks();
    let is_same = before.keys().eq(after.keys());
    let is_idle = || after.iter().all(|(pid, ticks)| ticks - before[pid] <= SLEEP_TICKS_MAX);
    assert!(
        is_same && is_idle(),
        "CPU time of processes in hundredths of a second, at the response {before:?} and later {after:?}"
    );
}

fn idle_after_responses() {
    for (code_type, code) in [("python", PYTHON), ("rego", "package p\n\nn := input.n\n")] {
        let store = store_with(code_type, code);
        let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
        assert_idle(&function);
        for n in 0..3 {
            assert_works(&mut function, n);
            assert_idle(&function);
        }
    }
}

/// The request's deadline is before the policy's own.
fn deadline_within_a_run() {
    let store = store_with("python", PYTHON);
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    assert_works(&mut function, 0);
    let event = execute_event(&json!({"hang": true}));
    let response = invoke(&mut function, &event, Duration::from_millis(900));
    assert_eq!(
        (response.status, &response.body["type"]),
        (504, &json!("urn:writ:error:timed_out")),
        "{response:?}"
    );
    // The policy's own budget ends it, without another event.
    while !processes_named(&function, "writ-worker").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_idle(&function);
    assert_works(&mut function, 1);
}

fn hanging_policy() {
    let store = store_with("python", PYTHON);
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..2 {
        let response = invoke(&mut function, &execute_event(&json!({"hang": true})), TIME);
        assert_eq!(
            (response.status, &response.body["type"]),
            (504, &json!("urn:writ:error:policy_timed_out")),
            "{response:?}"
        );
        assert_idle(&function);
        assert_works(&mut function, n);
    }
}

fn constant_process_count() {
    let store = store_with("python", PYTHON);
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    assert_works(&mut function, 0);
    let before = process::descendants(function.pid()).len();
    for n in 0..20 {
        assert_works(&mut function, n);
    }
    let after = process::descendants(function.pid());
    assert!(after.len() <= before, "{before} processes became {after:?}");
}
