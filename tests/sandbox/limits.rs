//! Tests of budgets and of the pool's bounds through the public interface.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use writ_engine::{Budget, Call, Engine, Failure};
use writ_model::{Language, RawJson};
use writ_tests::procfs;

use crate::policies::{
    ECHO_LANGUAGES, WORKSPACE, ample_budget, assert_serves, call, echo, engine, engine_with,
    hang_if_input_is_true, python, run, short_budget,
};

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("others_are_served_while_a_policy_hangs", others_are_served),
        trial("a_hanging_policy_cannot_take_every_worker", share_of_workers),
        trial("a_warm_policy_keeps_its_worker_while_others_hang", warm_among_hanging),
        trial("a_call_that_gets_no_worker_fails_as_busy", busy),
        trial("the_deadline_holds_for_a_worker_that_is_stopped", stopped_worker),
        trial("memory_is_limited_by_the_call_and_not_by_the_worker", memory_per_call),
        trial("limits_are_set_from_outside_for_each_run", limits_in_force),
        trial("print_is_cut_at_its_budget", printed),
        trial("what_a_failed_run_printed_comes_with_its_failure", printed_before_failing),
        trial(
            "what_a_killed_run_printed_is_found_and_nothing_of_the_run_before",
            printed_before_dying,
        ),
        trial("what_a_killed_run_printed_is_bounded_and_blocks_no_other_run", printed_without_end),
        trial("large_values_pass_both_ways", large_values),
        trial("a_warm_worker_is_used_again", reuse),
    ]
}

fn hang(engine: &Arc<Engine>, budget: Budget) -> std::thread::JoinHandle<Failure> {
    let engine = Arc::clone(engine);
    std::thread::spawn(move || {
        engine.run("hanging", &hang_if_input_is_true(), &call("true"), &budget).unwrap_err().failure
    })
}

fn others_are_served() {
    let engine = engine();
    let hanging = hang(&engine, Budget { time: Duration::from_secs(5), ..ample_budget() });
    procfs::busy_worker();
    assert_serves(&engine);
    // Those calls have ended while the first one still hangs.
    assert!(!hanging.is_finished());
    assert_eq!(hanging.join().unwrap(), Failure::TimedOut { budget_ms: 5000 });
}

fn share_of_workers() {
    let engine = engine_with(|config| {
        config.workers_max = 3;
        config.workers_per_policy_max = 2;
    });
    let budget = Budget { time: Duration::from_secs(3), ..ample_budget() };
    let hanging: Vec<_> = (0..4).map(|_| hang(&engine, budget)).collect();
    procfs::busy_worker();
    assert_serves(&engine);
    assert!(hanging.iter().any(|thread| !thread.is_finished()));
    for thread in hanging {
        assert_eq!(thread.join().unwrap(), Failure::TimedOut { budget_ms: 3000 });
    }
}

fn warm_among_hanging() {
    let engine = engine_with(|config| {
        config.workers_max = 6;
        config.workers_per_policy_max = 3;
    });
    run(&engine, &echo(Language::Rego), "1").unwrap();
    let warm = engine.stats();
    let warm_worker = procfs::workers();
    let hanging: Vec<_> = (0..60)
        .map(|number| {
            let engine = Arc::clone(&engine);
            let call = Call { rule_id: "hanging".to_owned(), ..call("true") };
            // One workspace alone may not hold all the others.
            let workspace = format!("hanging {}", number % 2);
            std::thread::spawn(move || {
                engine.run(&workspace, &hang_if_input_is_true(), &call, &ample_budget())
            })
        })
        .collect();
    procfs::wait_until("every slot is in use", || engine.stats().starts >= warm.starts + 5);
    assert!(procfs::workers().is_superset(&warm_worker));
    for served in 1..=10 {
        run(&engine, &echo(Language::Rego), "1").unwrap();
        assert_eq!(engine.stats().reuses, warm.reuses + served);
    }
    assert!(hanging.iter().all(|thread| !thread.is_finished()));
    engine.shutdown();
    for thread in hanging {
        let lost = thread.join().unwrap().unwrap_err().failure;
        assert!(matches!(lost, Failure::WorkerLost { .. }), "{lost:?}");
    }
}

fn busy() {
    let engine = engine_with(|config| {
        config.workers_max = 1;
        config.workers_per_policy_max = 1;
        config.acquire_timeout = Duration::from_millis(20);
    });
    engine.warm(Language::Rego).unwrap();
    let hanging = hang(&engine, ample_budget());
    let worker = procfs::busy_worker();
    let refused = run(&engine, &echo(Language::Rego), "1").unwrap_err();
    assert!(matches!(refused, Failure::Busy { waited_ms: 20.. }), "{refused:?}");
    procfs::send(worker, Signal::SIGKILL);
    let lost = hanging.join().unwrap();
    assert!(matches!(lost, Failure::WorkerLost { .. }), "{lost:?}");
    assert_serves(&engine);
}

fn stopped_worker() {
    let engine = engine();
    let hanging = hang(&engine, Budget { time: Duration::from_secs(3), ..ample_budget() });
    procfs::send(procfs::busy_worker(), Signal::SIGSTOP);
    assert_eq!(hanging.join().unwrap(), Failure::TimedOut { budget_ms: 3000 });
    assert_eq!(procfs::workers().len(), 0);
    assert_serves(&engine);
}

fn memory_per_call() {
    let engine = engine();
    let source = python("", "return len('x' * input_data)");
    let with = |mib: u64| {
        let budget = Budget { memory_bytes_max: mib << 20, ..ample_budget() };
        engine.run(WORKSPACE, &source, &call("100000000"), &budget)
    };
    for _ in 0..2 {
        assert_eq!(with(400).unwrap().output.as_str(), "100000000");
        let failure = Failure::OutOfMemory { budget_bytes: 64 << 20 };
        assert_eq!(with(64).unwrap_err().failure, failure);
    }
}

fn limits_in_force() {
    let engine = engine();
    let hanging = hang(&engine, Budget { time: Duration::from_secs(3), ..ample_budget() });
    let worker = procfs::busy_worker();
    let limit = |name| procfs::soft_limit(worker, name).unwrap();
    let cpu_s: u64 = limit("Max cpu time").parse().unwrap();
    assert!((3..=10).contains(&cpu_s), "{cpu_s}");
    let address_space: u64 = limit("Max address space").parse().unwrap();
    assert!(address_space < 4 << 30, "{address_space}");
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max file size"), "0");
    assert_eq!(limit("Max open files"), "16");
    assert_eq!(hanging.join().unwrap(), Failure::TimedOut { budget_ms: 3000 });
}

fn printed() {
    let engine = engine();
    let source = python("", "for _ in range(1000):\n    print('grün' * 10)\nreturn 1");
    let budget = Budget { output_bytes_max: 1001, ..ample_budget() };
    let outcome = engine.run(WORKSPACE, &source, &call("{}"), &budget).unwrap();
    assert!((900..=1001).contains(&outcome.printed.len()), "{}", outcome.printed.len());
    assert!(outcome.printed.starts_with("grüngrün"));
}

fn printed_before_failing() {
    let engine = engine();
    let budget = Budget { output_bytes_max: 8, ..ample_budget() };
    for (end, failure) in [("raise ValueError('no')", "raised"), ("return 'x' * 7", "bytes")] {
        let source = python("", &format!("print('grün', input_data)\n{end}"));
        for (input, printed) in [("1", "grün 1\n"), ("12345", "grün 12")] {
            let failed = engine.run(WORKSPACE, &source, &call(input), &budget).unwrap_err();
            assert!(failed.to_string().contains(failure), "{failed}");
            assert_eq!(failed.printed, printed);
        }
    }
}

fn printed_before_dying() {
    let engine = engine();
    let loops = python("", "print('grün', input_data)\nwhile input_data > 1:\n    pass\nreturn 1");
    // A warm worker that has printed.
    for input in ["0", "1"] {
        let outcome = engine.run(WORKSPACE, &loops, &call(input), &ample_budget()).unwrap();
        assert_eq!(outcome.printed, format!("grün {input}\n"));
    }
    let before = engine.stats();
    let failed = engine.run(WORKSPACE, &loops, &call("2"), &short_budget()).unwrap_err();
    assert_eq!(failed.failure, Failure::TimedOut { budget_ms: 500 });
    assert_eq!(failed.printed, "grün 2\n");
    assert_eq!(engine.stats().reuses, before.reuses + 1);
    let silent = engine
        .run(WORKSPACE, &hang_if_input_is_true(), &call("true"), &short_budget())
        .unwrap_err();
    assert_eq!(silent.printed, "");
}

fn printed_without_end() {
    let engine = engine();
    let source = python("", "while True:\n    print('grün' * 100)");
    let whole = engine.run(WORKSPACE, &source, &call("1"), &short_budget()).unwrap_err();
    assert_eq!(whole.failure, Failure::TimedOut { budget_ms: 500 });
    assert!((30_000..=64 << 10).contains(&whole.printed.len()), "{}", whole.printed.len());
    let lines: Vec<_> = whole.printed.lines().collect();
    let (last, before) = lines.split_last().unwrap();
    assert!(before.iter().all(|line| *line == "grün".repeat(100)));
    assert!("grün".repeat(100).starts_with(last), "{last}");
    let budget = Budget { output_bytes_max: 8, ..short_budget() };
    let cut = engine.run(WORKSPACE, &source, &call("1"), &budget).unwrap_err();
    assert_eq!(cut.printed, "grüngr");
    assert_serves(&engine);
}

fn large_values() {
    let engine = engine();
    let text = format!("\"{}\"", "ä\\n".repeat(1_500_000));
    for language in ECHO_LANGUAGES {
        let budget =
            Budget { output_bytes_max: 16 << 20, memory_bytes_max: 512 << 20, ..ample_budget() };
        let outcome = engine.run(WORKSPACE, &echo(language), &call(&text), &budget).unwrap();
        let sent = RawJson::parse(&text).unwrap();
        assert_eq!(outcome.output.value(), sent.value(), "{language}");
    }
}

fn reuse() {
    let engine = engine();
    for _ in 0..5 {
        run(&engine, &echo(Language::Rego), "1").unwrap();
    }
    let stats = engine.stats();
    assert_eq!((stats.starts, stats.reuses, stats.kills, stats.workers), (1, 4, 0, 1));
    let failed = engine
        .run(WORKSPACE, &hang_if_input_is_true(), &call("true"), &short_budget())
        .unwrap_err();
    assert_eq!(failed.failure, Failure::TimedOut { budget_ms: 500 });
    assert_eq!(engine.stats().kills, 1);
}
