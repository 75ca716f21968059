//! Hostile policies and processes, observed from outside the platform.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::WRIT;
use crate::durability::kill;
use crate::{Check, fail};
use writ_tests::procfs;
use writ_tests::server::Server;

pub(crate) const CHECKS: &[(&str, Check)] = &[
    (
        "hostile::a_policy_that_hangs_is_stopped_and_others_are_served",
        a_hanging_policy_delays_no_other,
    ),
    (
        "hostile::a_worker_killed_in_mid_run_is_said_and_the_next_call_works",
        a_killed_worker_is_reported,
    ),
    ("hostile::nothing_but_the_one_port_listens", nothing_but_the_one_port_listens),
];

const HANG: &str = "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    def eval(self, parameters, input_data, context):\n        while input_data.get('hang'):\n            pass\n        return input_data\n";

fn a_hanging_policy_delays_no_other() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    server.register("hang", "python", HANG)?;
    server.register("calm", "rego", "package calm\n\nallow := input.n > 1\n")?;
    std::thread::scope(|scope| {
        let hanging: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| server.execute("hang", &json!({"hang": true}))))
            .collect();
        // These are served while the others hang.
        for n in 0..20 {
            let response = server.execute("calm", &json!({"n": n}))?;
            if response.status != 200 {
                return fail(format!("{response:?}"));
            }
        }
        for thread in hanging {
            let response = thread.join().map_err(|_| "a thread panicked")??;
            let kind = response.json()?.pointer("/type").cloned().unwrap_or(Value::Null);
            let busy = response.status == 503;
            if !busy && (response.status != 504 || kind != "urn:writ:error:policy_timed_out") {
                return fail(format!("{response:?}"));
            }
        }
        let response = server.execute("hang", &json!({}))?;
        if response.status == 200 { Ok(()) } else { fail(format!("{response:?}")) }
    })
}

fn a_killed_worker_is_reported() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    server.register("hang", "python", HANG)?;
    let response = server.execute("hang", &json!({}))?;
    if response.status != 200 {
        return fail(format!("{response:?}"));
    }
    // The workers are the children of the zygotes, which are the children of the server.
    let workers = || children(server.child.id()).into_iter().flat_map(children);
    let idle_ticks: HashMap<u32, u64> =
        workers().map(|worker| (worker, cpu_ticks(worker))).collect();
    let response = std::thread::scope(|scope| {
        let run = scope.spawn(|| server.execute("hang", &json!({"hang": true})));
        // A worker that only puts its memory back needs less than this, and the run survives its end.
        const TICKS: u64 = 5;
        let victim = loop {
            let busy = workers().find(|worker| {
                let before = idle_ticks.get(worker).copied().unwrap_or_default();
                cpu_ticks(*worker) >= before + TICKS
            });
            if let Some(worker) = busy {
                break worker;
            }
            if run.is_finished() {
                return fail("no worker was seen running");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        kill(victim, "KILL")?;
        run.join().map_err(|_| Failed::from("a thread panicked"))?
    })?;
    let kind = response.json()?.pointer("/type").cloned().unwrap_or(Value::Null);
    if response.status != 502 || kind != "urn:writ:error:executor_fault" {
        return fail(format!("{response:?}"));
    }
    let response = server.execute("hang", &json!({}))?;
    if response.status == 200 { Ok(()) } else { fail(format!("{response:?}")) }
}

fn nothing_but_the_one_port_listens() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    server.register("hang", "python", HANG)?;
    server.execute("hang", &json!({}))?;
    let mut processes = vec![server.child.id()];
    let zygotes = children(server.child.id());
    processes.extend(zygotes.iter().copied().flat_map(children));
    processes.extend(zygotes);
    let inodes: Vec<String> = processes.into_iter().flat_map(socket_inodes).collect();
    let mut listening = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(address), Some(state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            let is_open = *state == "0A" || table.contains("udp");
            if is_open && inodes.iter().any(|mine| mine == inode) {
                listening.push((*address).to_owned());
            }
        }
    }
    let port: u16 = server.url.rsplit(':').next().unwrap_or_default().parse()?;
    let expected = [format!("0100007F:{port:04X}")];
    if listening == expected {
        Ok(())
    } else {
        fail(format!("{listening:?} instead of {expected:?}"))
    }
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

fn cpu_ticks(pid: u32) -> u64 {
    pid.try_into().map(procfs::cpu_ticks).unwrap_or_default()
}

fn socket_inodes(pid: u32) -> Vec<String> {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| {
            let text = target.to_string_lossy().into_owned();
            Some(text.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect()
}
