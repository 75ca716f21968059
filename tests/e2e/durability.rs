//! Acknowledged writes survive a crash; a write that was not acknowledged is complete or absent.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::Failed;
use serde_json::json;

use crate::WRIT;
use crate::{Check, fail};
use writ_tests::server::Server;

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("durability::kill_9_loses_nothing_acknowledged", kill_9_loses_nothing_acknowledged),
    ("durability::operators_that_race_are_all_applied", operators_that_race_are_all_applied),
    ("durability::the_data_is_its_owners_alone", the_data_is_its_owners_alone),
    ("durability::a_second_server_on_the_same_data_is_refused", a_second_server_is_refused),
    ("durability::a_removed_lock_file_lets_no_second_server_in", a_removed_lock_file),
    ("durability::a_directory_that_others_may_change_is_refused", an_open_directory_is_refused),
    ("durability::a_database_that_others_may_read_is_made_private", a_readable_database),
    ("durability::a_termination_signal_ends_it_cleanly", a_termination_signal_ends_it_cleanly),
];

const ECHO: &str = "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    def eval(self, parameters, input_data, context):\n        return input_data\n";

fn kill_9_loses_nothing_acknowledged() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let (policies, executions) = {
        let mut server = Server::start_on(WRIT, directory.path())?;
        server.register("echo", "python", ECHO)?;
        let stop = AtomicBool::new(false);
        let policies = Mutex::new(BTreeSet::new());
        let executions = Mutex::new(BTreeSet::new());
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let (server, stop, policies, executions) = (&server, &stop, &policies, &executions);
                scope.spawn(move || {
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let name = format!("p{writer}_{number}");
                        // The kill interrupts the last request; only acknowledged ones count.
                        if server.register(&name, "python", ECHO).is_ok() {
                            policies.lock().unwrap_or_else(|e| e.into_inner()).insert(name);
                        }
                        let run = server.execute("echo", &json!({"n": number}));
                        if let Some(id) =
                            run.ok().and_then(|response| response.json().ok()).and_then(|json| {
                                json.pointer("/execution_id")
                                    .and_then(|id| id.as_str().map(str::to_owned))
                            })
                        {
                            executions.lock().unwrap_or_else(|e| e.into_inner()).insert(id);
                        }
                    }
                });
            }
            while executions.lock().unwrap_or_else(|e| e.into_inner()).len() < 40 {
                std::thread::yield_now();
            }
            let killed = kill(server.child.id(), "KILL");
            stop.store(true, Ordering::Relaxed);
            killed
        })?;
        server.child.wait()?;
        (policies.into_inner().unwrap_or_default(), executions.into_inner().unwrap_or_default())
    };
    let server = Server::start_on(WRIT, directory.path())?;
    for name in &policies {
        let response = server.get(&format!("/policy/{name}:1.0-test"))?;
        if response.status != 200 {
            return fail(format!("{name} was acknowledged and is lost: {response:?}"));
        }
    }
    for id in &executions {
        let response = server.get(&format!("/executions/{id}"))?;
        if response.status != 200 {
            return fail(format!("execution {id} was acknowledged and is lost: {response:?}"));
        }
    }
    Ok(())
}

fn operators_that_race_are_all_applied() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    server.register("counted", "python", ECHO)?;
    let add = |value: i32| {
        let update = json!({"$inc": {"policy_parameters.n": value}});
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        server.send("PUT", "/policy/counted:1.0-test", &headers, update.to_string().as_bytes())
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| add(1))).collect();
        for writer in writers {
            let response = writer.join().map_err(|_| "a thread panicked")??;
            if response.status != 200 {
                return fail(format!("{response:?}"));
            }
        }
        let stored = server.get("/policy/counted:1.0-test")?.json()?;
        match stored.pointer("/data/policy_parameters/n") {
            Some(count) if *count == json!(4) => Ok(()),
            other => fail(format!("{other:?}")),
        }
    })
}

fn the_data_is_its_owners_alone() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("new");
    let server = Server::start_on(WRIT, &data)?;
    server.register("echo", "python", ECHO)?;
    let mut paths = vec![data.clone()];
    for entry in std::fs::read_dir(&data)? {
        paths.push(entry?.path());
    }
    for path in paths {
        let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 && !path.to_string_lossy().ends_with(".lock") {
            return fail(format!("{} has mode {mode:o}", path.display()));
        }
    }
    Ok(())
}

fn a_second_server_is_refused() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    refused_on(server.data(), "in use")
}

fn a_removed_lock_file() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    server.register("echo", "python", ECHO)?;
    for _ in 0..2 {
        std::fs::remove_file(server.data().join("writ.db.lock"))?;
        refused_on(server.data(), "in use")?;
    }
    // The first server still has the file to itself.
    server.register("other", "python", ECHO)
}

/// Checks that another server does not start on this data directory, and says why.
fn refused_on(data: &Path, says: &str) -> Result<(), Failed> {
    match Server::start_on(WRIT, data) {
        Ok(_) => fail(format!("a server started on {}", data.display())),
        Err(error) if error.message().is_some_and(|text| text.contains(says)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Failed> {
    Ok(std::fs::set_permissions(path, Permissions::from_mode(mode))?)
}

fn an_open_directory_is_refused() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    for mode in [0o777, 0o1777, 0o770] {
        set_mode(directory.path(), mode)?;
        refused_on(directory.path(), &format!("has the mode {mode:04o}"))?;
        refused_on(directory.path(), "take that from them with `chmod go-w`")?;
        if directory.path().join("writ.db").exists() {
            return fail("a refused directory was used");
        }
    }
    set_mode(directory.path(), 0o755)?;
    Server::start_on(WRIT, directory.path()).map(drop)
}

fn a_readable_database() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    drop(Server::start_on(WRIT, directory.path())?);
    let database = directory.path().join("writ.db");
    set_mode(&database, 0o644)?;
    let _server = Server::start_on(WRIT, directory.path())?;
    let mode = std::fs::metadata(&database)?.permissions().mode() & 0o777;
    if mode == 0o600 { Ok(()) } else { fail(format!("the mode is {mode:o}")) }
}

fn a_termination_signal_ends_it_cleanly() -> Result<(), Failed> {
    let mut server = Server::start(WRIT)?;
    server.register("echo", "python", ECHO)?;
    server.execute("echo", &json!({}))?;
    kill(server.child.id(), "TERM")?;
    let status = server.child.wait()?;
    if status.success() { Ok(()) } else { fail(format!("{status:?}")) }
}

/// Sends the signal with this name to a process.
pub(crate) fn kill(pid: u32, signal: &str) -> Result<(), Failed> {
    let status = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status()?;
    if status.success() { Ok(()) } else { fail(format!("kill -{signal} {pid}: {status}")) }
}
