//! End-to-end tests of the platform through its public interfaces, on every deployment target: see
//! [`target`].
//!
//! Scenarios are data (`tests/cases/http`), each on an empty platform. Tests that need threads or
//! hand-written bytes are functions in the modules; tests that need the binary's process and files
//! run on the target `embedded` alone.

mod access;
mod bridge;
mod command_line;
mod concurrency;
mod corpus;
mod durability;
mod event;
mod gateway;
mod hostile;
mod import;
mod keys;
mod killed;
mod lambda;
mod load;
mod oidc;
mod routes;
mod scenario;
mod schemas;
mod skipped;
mod target;
mod upgrade;
mod wire;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use routes::Routes;
use scenario::Scenario;
use skipped::Skipped;
use target::Target;
use writ_tests::server::Server;

/// The binary under test.
pub(crate) const WRIT: &str = env!("CARGO_BIN_EXE_writ");

/// A test of the binary, written in Rust.
type Check = fn() -> Result<(), Failed>;

/// A test of the selected target, written in Rust.
type TargetCheck = fn(&Target) -> Result<(), Failed>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each trial starts processes of its own, so more trials in parallel would not be faster.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let (target, scenarios) = match load() {
        Ok(loaded) => loaded,
        Err(failed) => {
            eprintln!("nothing was tested: {}", failed.message().unwrap_or_default());
            return ExitCode::FAILURE;
        }
    };
    let mut skipped = Skipped::default();
    let trials = trials(&target, &scenarios, &mut skipped);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        println!("{}", skipped.report(target.name));
    }
    conclusion.exit_code()
}

fn load() -> Result<(Arc<Target>, Arc<Vec<Scenario>>), Failed> {
    let scenarios = scenario::load(&root().join("tests/cases/http"))?;
    Ok((Arc::new(Target::from_env()?), Arc::new(scenarios)))
}

fn trials(
    target: &Arc<Target>,
    scenarios: &Arc<Vec<Scenario>>,
    skipped: &mut Skipped,
) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (at, scenario) in scenarios.iter().enumerate() {
        skipped.add_steps(scenario.skipped(target));
        let (target, scenarios) = (Arc::clone(target), Arc::clone(scenarios));
        trials.push(Trial::test(format!("http::{}", scenario.name), move || {
            scenarios.iter().skip(at).take(1).try_for_each(|scenario| scenario.run(&target))
        }));
    }
    let (served_target, served_scenarios) = (Arc::clone(target), Arc::clone(scenarios));
    trials.push(Trial::test("http::every_route_serves_a_step_of_a_scenario", move || {
        every_route_is_served(&served_target, &served_scenarios)
    }));
    for (name, check) in [corpus::CHECKS, concurrency::CHECKS].concat() {
        let target = Arc::clone(target);
        trials.push(Trial::test(name, move || check(&target)));
    }
    for (name, check) in wire::CHECKS {
        if target.is_unencrypted() {
            let target = Arc::clone(target);
            trials.push(Trial::test(*name, move || check(&target)));
        } else {
            skipped.add_check(name, "hand-written bytes on an unencrypted connection");
        }
    }
    let binary_checks = [
        access::CHECKS,
        command_line::CHECKS,
        durability::CHECKS,
        hostile::CHECKS,
        import::CHECKS,
        keys::CHECKS,
        killed::CHECKS,
        load::CHECKS,
        oidc::CHECKS,
        schemas::CHECKS,
        upgrade::CHECKS,
    ];
    for (name, check) in binary_checks.concat() {
        if target.is_embedded() {
            trials.push(Trial::test(name, check));
        } else {
            skipped.add_check(name, "the binary itself");
        }
    }
    for (name, check) in [access::ROOT_CHECKS, load::ROOT_CHECKS].concat() {
        if target.is_embedded() && nix::unistd::geteuid().is_root() {
            trials.push(Trial::test(name, check));
        } else {
            skipped.add_check(name, "the binary itself, and root to connect as other users");
        }
    }
    for (name, check) in gateway::CHECKS {
        trials.push(Trial::test(*name, *check));
    }
    if target.is_embedded() {
        let scenarios = Arc::clone(scenarios);
        trials.push(Trial::test(
            "http::workspaces_of_one_server_are_as_good_as_servers",
            move || workspaces_are_as_good_as_servers(&scenarios),
        ));
    }
    trials
}

/// Every route needs a step of a scenario that it serves.
fn every_route_is_served(target: &Target, scenarios: &[Scenario]) -> Result<(), Failed> {
    let routes = Routes::load()?;
    let served: Vec<_> =
        scenarios.iter().flat_map(|scenario| scenario.served(target, &routes)).collect();
    let missing = routes.missing(&served);
    if missing.is_empty() {
        return Ok(());
    }
    fail(format!("no step of tests/cases/http is served by: {}", missing.join(", ")))
}

/// Runs all scenarios on one server, each with the token of its own workspace, as on the target
/// `http`.
fn workspaces_are_as_good_as_servers(scenarios: &[Scenario]) -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let target = Target::with_local_admin(&server.url)?;
    scenarios.iter().try_for_each(|scenario| scenario.run(&target))
}

/// The root directory of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Fails a check with this message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, Failed> {
    Err(Failed::from(message.into()))
}
