//! Tests that a worker's memory is put back after each run: for every object of an interpreter, and by
//! the answers of a thousand runs.

use std::os::fd::AsRawFd;

use libtest_mimic::Trial;
use serde_json::json;
use writ_engine::{Budget, Call, Engine, Source};
use writ_model::Language;
use writ_tests::procfs;

use crate::policies::{ample_budget, call, constant_policy, engine, python, run, source};
use crate::trial;

/// Runs of one worker that are compared with as many fresh workers.
const RUNS: u64 = 1_000;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("what_a_run_writes_to_any_object_of_python_is_gone", every_object),
        trial("a_worker_has_the_same_memory_after_each_run", same_memory),
        trial("the_memory_of_a_checkpoint_cannot_be_written", sealed),
        trial("a_run_that_ended_badly_leaves_nothing", after_failures),
        trial("each_run_has_the_whole_budget_of_memory", whole_budget),
    ];
    for language in Language::ALL {
        let name = format!("a_thousand_runs_of_a_{language}_worker_answer_as_fresh_workers");
        trials.push(trial(&name, move || as_fresh(language)));
    }
    trials
}

/// Asserts that the runs since then used one worker.
fn assert_one_worker(engine: &Engine) {
    let stats = engine.stats();
    assert_eq!((stats.starts, stats.kills), (1, 0), "{stats:?}");
}

fn every_object() {
    let engine = engine();
    let policy = source(Language::Python, include_str!("write_everything.py"));
    let budget = Budget { memory_bytes_max: 1 << 30, ..ample_budget() };
    let run = |input: &str| {
        let outcome = engine.run("w", &policy, &call(input), &budget);
        outcome.unwrap_or_else(|failed| panic!("{failed:?}")).output.value()
    };
    let clean = run(r#""look""#);
    let written = run(r#""write""#);
    assert_eq!(written["reached"], clean["reached"]);
    assert!(written["written"].as_u64() > Some(5_000), "{written}");
    assert_eq!(clean["marked"], 0);
    assert_eq!(run(r#""look""#), clean);
    assert_one_worker(&engine);
    println!("{written}");
}

fn same_memory() {
    for language in Language::ALL {
        let engine = engine();
        let (policy, input, _) = constant_policy(language);
        let sizes = || {
            let pid = *procfs::workers().first().unwrap();
            // The worker puts its memory back after its reply.
            let size = |field: &str| procfs::status(pid, field).unwrap();
            ["VmSize", "VmData"].map(size)
        };
        run(&engine, &policy, input).unwrap();
        procfs::wait_until("the worker is idle", || {
            let pid = *procfs::workers().first().unwrap();
            procfs::status(pid, "State").unwrap().starts_with('S')
        });
        let first = sizes();
        for _ in 0..200 {
            run(&engine, &policy, input).unwrap();
        }
        procfs::wait_until("the worker has its first size", || sizes() == first);
        assert_one_worker(&engine);
    }
}

/// From outside as from inside: through a mapping that others would see, a call, or a truncation.
fn sealed() {
    let engine = engine();
    run(&engine, &python("", "return 1"), "{}").unwrap();
    let pid = *procfs::workers().first().unwrap();
    // The worker's own file, and the one that all workers of the language share.
    for descriptor in [5, 8] {
        let path = format!("/proc/{pid}/fd/{descriptor}");
        let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        let seals = nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_GET_SEALS).unwrap();
        let all = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        assert_eq!(seals, all);
        assert!(std::os::unix::fs::FileExt::write_at(&file, b"x", 0).is_err());
        assert!(file.set_len(0).is_err());
        assert!(map(&file, libc::MAP_SHARED).is_err());
        map(&file, libc::MAP_PRIVATE).unwrap();
    }
}

#[expect(unsafe_code, reason = "a mapping is made and left alone")]
fn map(file: &std::fs::File, flags: i32) -> std::io::Result<()> {
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses the address; nothing refers to the mapping.
    let address =
        unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, flags, file.as_raw_fd(), 0) };
    if address == libc::MAP_FAILED { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Too deep, out of memory, an output that is too large, an exception: each in the same worker as
/// the runs around it.
fn after_failures() {
    let engine = engine();
    let policy = python(
        "import json\nseen = []\ndef deep(n): return deep(n + 1)",
        "setattr(json, 'seen', getattr(json, 'seen', 0) + 1)\nseen.append(1)\n\
         if input_data == 1: deep(0)\n\
         if input_data == 2: x = [0] * 10_000_000\n\
         if input_data == 3: return 'x' * 3_000_000\n\
         if input_data == 4: raise ValueError('x' * 1000)\n\
         return [getattr(json, 'seen'), len(seen)]",
    );
    let answer = "[1,1]";
    assert_eq!(run(&engine, &policy, "0").unwrap().output.as_str(), answer);
    for input in ["1", "3", "4"] {
        run(&engine, &policy, input).unwrap_err();
        assert_eq!(run(&engine, &policy, "0").unwrap().output.as_str(), answer, "{input}");
    }
    assert_one_worker(&engine);
    // Running out of memory may end the process.
    run(&engine, &policy, "2").unwrap_err();
    assert_eq!(run(&engine, &policy, "0").unwrap().output.as_str(), answer);
}

/// Memory that is mapped, and memory of the heap that is freed again.
fn whole_budget() {
    for body in [
        "kept.append(bytearray(24_000_000))\nreturn len(kept)",
        "texts = [str(n) for n in range(200_000)]\ntexts.clear()\nkept.append(1)\nreturn len(kept)",
    ] {
        let engine = engine();
        let policy = python("kept = []", body);
        for _ in 0..5 {
            let outcome = run(&engine, &policy, "{}").unwrap();
            assert_eq!(outcome.output.as_str(), "1");
        }
        assert_one_worker(&engine);
    }
}

/// A policy of the language that fills caches with what it is given, and depends on nothing but its
/// call.
fn varied(language: Language) -> Source {
    match language {
        Language::Python => python(
            "import re, random, fractions, ipaddress, functools\n\
             @functools.lru_cache\ndef twice(n): return [n, n]",
            "twice(input_data['n']).append(1)\n\
             pattern = re.compile(r'k(\\d)-%d' % input_data['n'])\n\
             return [pattern.match(input_data['s']).group(1), random.random(), twice(input_data['n']),\n    \
             str(fractions.Fraction(input_data['n'], 7)), sorted({str(x) for x in input_data['list']}),\n    \
             str(ipaddress.ip_address('10.0.0.1') + input_data['n']), hash(input_data['s'])]",
        ),
        Language::Rego => source(
            language,
            "package p\nout := [sprintf(\"%v %v\", [input.s, input.n]), \
             regex.match(sprintf(\"k.-%v\", [input.n]), input.s), rand.intn(\"a\", 1000), \
             {x | x := input.list[_]}, sum(input.list), time.now_ns()]\n",
        ),
        Language::Cel => source(
            language,
            "[input.s.matches('k[0-9]-' + string(input.n)), input.list.map(x, x * 2), \
             input.list.exists(x, x > 2), input.s + '!']",
        ),
        Language::Cedar => source(
            language,
            "@id(\"young\") permit(principal, action, resource) when { context.n < 500 };\n\
             @id(\"like\") forbid(principal, action, resource) when { context.s like \"k3*\" };",
        ),
        Language::Wasm => source(language, include_str!("sum.wat")),
    }
}

/// The call with this number.
fn numbered(language: Language, n: u64) -> Call {
    let s = format!("k{}-{n}", n % 7);
    let input = match language {
        Language::Cedar => json!({
            "principal": format!("User::\"{n}\""), "action": "Action::\"a\"",
            "resource": "R::\"c\"", "context": {"n": n, "s": s},
        }),
        _ => json!({"n": n, "s": s, "list": [n, n / 2, n % 5]}),
    };
    Call { seed: n, ..call(&input.to_string()) }
}

/// One engine keeps a worker for all calls; the other gets each call in a workspace of its own, so
/// in a worker that has run nothing.
fn as_fresh(language: Language) {
    let (reused, fresh) = (engine(), engine());
    let policy = varied(language);
    for n in 0..RUNS {
        let answer = |engine: &Engine, workspace: &str| {
            let outcome = engine.run(workspace, &policy, &numbered(language, n), &ample_budget());
            outcome.unwrap_or_else(|failed| panic!("{failed:?}"))
        };
        let (one, other) = (answer(&reused, "w"), answer(&fresh, &format!("w{n}")));
        assert_eq!((one.output, one.printed), (other.output, other.printed), "{n}");
    }
    assert_one_worker(&reused);
    assert_eq!((fresh.stats().starts, fresh.stats().reuses), (RUNS, 0));
}
