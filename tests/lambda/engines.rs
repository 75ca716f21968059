//! Functions that run policies, and the processes in which those run.

use std::collections::BTreeMap;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use writ_runtime_api::{Function, process};

use crate::programs::{TIME, asked, launch, ready, run_it, store_with};
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
        trial("engines::nothing_computes_once_an_answer_was_sent", quiet_after_answers),
        trial(
            "engines::a_policy_that_outlives_its_request_ends_by_its_own_budget",
            deadline_within_a_run,
        ),
        trial("engines::a_policy_that_hangs_ends_and_the_next_call_works", hanging_policy),
        trial("engines::processes_do_not_pile_up", no_pile),
    ]
}

fn named(function: &Function, name: &str) -> Vec<u32> {
    let mut found = process::descendants(function.pid());
    found.retain(|pid| process::name(*pid).as_deref() == Some(name) && is_alive(*pid));
    found
}

fn is_alive(pid: u32) -> bool {
    process::state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn works(function: &mut Function, n: u64) {
    let answer = asked(function, &run_it(&json!({"n": n})), TIME);
    assert_eq!((answer.status, &answer.body["data"]), (200, &json!({"n": n})), "{answer:?}");
}

/// Kills all processes of this name and waits until they and all workers are dead: what dies has
/// its connections until then.
fn kill_all(function: &Function, name: &str) {
    let victims = named(function, name);
    assert!(!victims.is_empty(), "no {name} among {:?}", process::descendants(function.pid()));
    for victim in &victims {
        kill(Pid::from_raw((*victim).try_into().unwrap()), Signal::SIGKILL).unwrap();
    }
    while !named(function, "writ-worker").is_empty() || victims.iter().any(|pid| is_alive(*pid)) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn killed_worker() {
    let store = store_with("python", PYTHON);
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..3 {
        works(&mut function, n);
        kill_all(&function, "writ-worker");
    }
    works(&mut function, 9);
}

/// Workers die with their zygote, and nothing is left that could say how: the call that meets this
/// first may be told that its worker was lost, or spend its time on waiting for a new zygote. No
/// other call fails.
fn killed_zygote() {
    let store = store_with("python", PYTHON);
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..3 {
        works(&mut function, n);
        kill_all(&function, "writ-zygote");
        let answer = asked(&mut function, &run_it(&json!({"n": n})), TIME);
        assert!([200, 502, 504].contains(&answer.status), "{answer:?}");
    }
    works(&mut function, 9);
}

/// A process that has just answered may still have to lie down.
const LYING_DOWN_TICKS: u64 = 2;

/// Looks twice, right after an answer and a while later: in between no process may have begun,
/// ended, or computed.
fn is_quiet(function: &Function) {
    let spent = || -> BTreeMap<u32, u64> {
        let mut alive = process::descendants(function.pid());
        alive.retain(|pid| is_alive(*pid));
        alive.into_iter().map(|pid| (pid, process::ticks(pid))).collect()
    };
    let before = spent();
    std::thread::sleep(Duration::from_millis(300));
    let after = spent();
    let is_same = before.keys().eq(after.keys());
    let has_rested = || after.iter().all(|(pid, ticks)| ticks - before[pid] <= LYING_DOWN_TICKS);
    assert!(
        is_same && has_rested(),
        "processes and the hundredths of a second that they computed, at the answer {before:?} and later {after:?}"
    );
}

fn quiet_after_answers() {
    for (code_type, code) in [("python", PYTHON), ("rego", "package p\n\nn := input.n\n")] {
        let store = store_with(code_type, code);
        let mut function = ready(launch("executors", "executor.execute_policy", &store));
        is_quiet(&function);
        for n in 0..3 {
            works(&mut function, n);
            is_quiet(&function);
        }
    }
}

/// The request's time is over before the policy's own.
fn deadline_within_a_run() {
    let store = store_with("python", PYTHON);
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    works(&mut function, 0);
    let event = run_it(&json!({"hang": true}));
    let answer = asked(&mut function, &event, Duration::from_millis(900));
    assert_eq!(
        (answer.status, &answer.body["type"]),
        (504, &json!("urn:writ:error:timed_out")),
        "{answer:?}"
    );
    // The policy ends by its own budget, without another event.
    while !named(&function, "writ-worker").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    is_quiet(&function);
    works(&mut function, 1);
}

fn hanging_policy() {
    let store = store_with("python", PYTHON);
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..2 {
        let answer = asked(&mut function, &run_it(&json!({"hang": true})), TIME);
        assert_eq!(
            (answer.status, &answer.body["type"]),
            (504, &json!("urn:writ:error:policy_timed_out")),
            "{answer:?}"
        );
        is_quiet(&function);
        works(&mut function, n);
    }
}

fn no_pile() {
    let store = store_with("python", PYTHON);
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    works(&mut function, 0);
    let before = process::descendants(function.pid()).len();
    for n in 0..20 {
        works(&mut function, n);
    }
    let after = process::descendants(function.pid());
    assert!(after.len() <= before, "{before} processes became {after:?}");
}
