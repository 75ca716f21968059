//! The honest workspace alone, then beside the attacker, and what is left afterwards. The phases
//! run once; each trial checks one thing of what was seen.

use std::collections::BTreeSet;
use std::process::ExitStatus;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use writ_tests::procfs;

use crate::WRIT;
use crate::attacker::{self, Tally};
use crate::attacks::Arsenal;
use crate::client::Client;
use crate::fail;
use crate::honest::Honest;
use crate::latency::{Latencies, table};
use writ_tests::server::Server;

const QUIET: Duration = Duration::from_secs(20);
const ATTACK: Duration = Duration::from_secs(60);

/// How many times slower the slowest hundredth of the honest calls may become.
const SLOWDOWN_MAX: u32 = 10;

/// A quiet p99 below this counts as this. Alone, a call takes a few milliseconds, none of which it
/// waits for a processor. Beside busy processes each of its steps does: client, server, store and
/// worker each wait for the scheduler's slice of some milliseconds, on a machine that runs other
/// suites as well. Ten times this is still below half of what one endless run may take.
const P99_FLOOR: Duration = Duration::from_millis(20);

/// The most memory of the platform's own process. Two runs took 783 and 793 MiB.
const MEMORY_KIB_MAX: u64 = 5 << 18;

/// The time from SIGTERM to the end: the gateway waits 28 seconds for requests, then the runners 5
/// for jobs; the rest is for a slow machine.
const STOP_TIME: Duration = Duration::from_secs(45);

type Check = fn(&Observed) -> Result<(), Failed>;

const CHECKS: &[(&str, Check)] = &[
    ("neighbour::every_honest_call_succeeds", every_call_succeeds),
    ("neighbour::honest_calls_stay_below_ten_times_their_quiet_p99", calls_stay_fast),
    ("neighbour::every_route_answers_its_attacks", every_route_answers),
    ("neighbour::no_attack_is_an_internal_error", no_internal_error),
    ("neighbour::the_health_check_answers_during_and_after_it", health_is_answered),
    ("neighbour::the_honest_data_are_intact", |seen| seen.data.clone().map_err(Failed::from)),
    ("neighbour::memory_is_bounded", memory_is_bounded),
    ("neighbour::no_worker_is_beyond_the_configured_number", workers_are_bounded),
    ("neighbour::sigterm_ends_it_in_its_time", it_stops),
    ("neighbour::it_serves_after_a_restart", |seen| seen.restart.clone().map_err(Failed::from)),
];

/// What was seen of one server.
struct Observed {
    quiet: Latencies,
    attack: Latencies,
    unanswered: Vec<&'static str>,
    internal_errors: usize,
    report: String,
    /// Health checks that failed during the attack, of how many.
    health: (usize, usize),
    data: Result<(), String>,
    memory_kib: u64,
    /// The most workers during the attack; one that was killed counts until it is gone.
    workers_most: usize,
    /// The fewest of some moments at the end of the attack.
    workers_left: usize,
    /// How the process ended; `None` when it did not in time.
    stopped: Option<ExitStatus>,
    restart: Result<(), String>,
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("neighbour::every_route_has_an_attack", every_route_has_one)];
    for (name, check) in CHECKS {
        trials.push(Trial::test(*name, move || match observed() {
            Ok(seen) => check(seen),
            Err(error) => fail(error.clone()),
        }));
    }
    trials
}

/// The phases, on their first use.
fn observed() -> &'static Result<Observed, String> {
    static OBSERVED: OnceLock<Result<Observed, String>> = OnceLock::new();
    OBSERVED.get_or_init(|| observe().map_err(|error| text(&error)))
}

fn text(error: &Failed) -> String {
    error.message().unwrap_or_default().to_owned()
}

fn observe() -> Result<Observed, Failed> {
    let directory = tempfile::tempdir()?;
    let mut server = Server::start_on(WRIT, directory.path())?;
    let pid = i32::try_from(server.child.id())?;
    let attacker = Client::create(&server, "attacker", "admin")?;
    let arsenal = Arsenal::create(&attacker)?;
    let mut honest = Honest::create(Client::create(&server, "honest", "author")?)?;
    honest.round()?;
    let quiet = honest.work(QUIET);

    let (stop, tally) = (AtomicBool::new(false), Tally::default());
    let (most, health) = (AtomicUsize::new(0), (AtomicUsize::new(0), AtomicUsize::new(0)));
    let (attack, data, memory_kib, workers_left, stopped) = std::thread::scope(|scope| {
        scope.spawn(|| attacker::attack(&attacker, &arsenal, &stop, &tally));
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                most.fetch_max(workers(pid).len(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                health.1.fetch_add(1, Ordering::Relaxed);
                if !is_healthy(&server) && !stop.load(Ordering::Relaxed) {
                    health.0.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        let attack = honest.work(ATTACK);
        // The attack goes on while its neighbour looks at its data, and while the server stops.
        let data = honest.check_data().map_err(|error| text(&error));
        let memory_kib = memory_kib(pid);
        let workers_left = workers_left(pid);
        stop.store(true, Ordering::Relaxed);
        let stopped = stop_server(pid);
        (attack, data, memory_kib, workers_left, stopped)
    });
    let stopped = match stopped {
        Ok(()) => server.child.try_wait()?,
        Err(error) => return Err(error),
    };
    if stopped.is_none() {
        server.child.kill()?;
        server.child.wait()?;
    }
    drop(server);
    let attacks = arsenal.attacks();
    Ok(Observed {
        unanswered: tally.unanswered(&attacks),
        internal_errors: tally.internal_errors(),
        report: tally.report(),
        quiet,
        attack,
        health: (health.0.into_inner(), health.1.into_inner()),
        data,
        memory_kib,
        workers_most: most.into_inner(),
        workers_left,
        stopped,
        restart: serve_again(directory.path(), &mut honest).map_err(|error| text(&error)),
    })
}

/// Serves the same data with a new process, beside the jobs and schedules that are left.
fn serve_again(data: &std::path::Path, honest: &mut Honest) -> Result<(), Failed> {
    let server = Server::start_on(WRIT, data)?;
    honest.at(server.url.trim_start_matches("http://"));
    honest.round()?;
    honest.check_data()?;
    if is_healthy(&server) { Ok(()) } else { fail("no health check is answered") }
}

pub(crate) fn is_healthy(server: &Server) -> bool {
    server.get("/healthz").is_ok_and(|response| response.status == 200)
}

/// The workers of a server that are alive.
fn workers(pid: i32) -> BTreeSet<i32> {
    let is_worker =
        |pid: &i32| procfs::comm(*pid).as_deref() == Some("writ-worker") && procfs::is_alive(*pid);
    procfs::descendants(pid).into_iter().filter(is_worker).collect()
}

/// The fewest workers of some moments: those beyond the configured number that stay.
fn workers_left(pid: i32) -> usize {
    let moments = (0..20).map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        workers(pid).len()
    });
    moments.min().unwrap_or_default()
}

/// The most memory that a process has had.
fn memory_kib(pid: i32) -> u64 {
    let text = procfs::status(pid, "VmHWM").unwrap_or_default();
    text.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(u64::MAX)
}

/// Sends SIGTERM, and waits until the process has ended, or longer than it may take.
fn stop_server(pid: i32) -> Result<(), Failed> {
    kill(Pid::from_raw(pid), Signal::SIGTERM)?;
    let until = Instant::now() + STOP_TIME;
    while Instant::now() < until && procfs::is_alive(pid) {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn every_route_has_one() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let attacks = Arsenal::create(&Client::create(&server, "attacker", "admin")?)?.attacks();
    let routes: Vec<&str> = writ_routes::specs().iter().map(|spec| spec.name).collect();
    let is_attacked = |route: &&&str| attacks.iter().any(|attack| attack.route == **route);
    let missing: Vec<_> = routes.iter().filter(|route| !is_attacked(route)).collect();
    let unknown: Vec<_> =
        attacks.iter().map(|attack| attack.route).filter(|route| !routes.contains(route)).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    fail(format!(
        "add an attack to tests/hostile/attacks.rs for {missing:?}; no routes: {unknown:?}"
    ))
}

fn every_call_succeeds(seen: &Observed) -> Result<(), Failed> {
    println!("{}", table(&seen.quiet, &seen.attack));
    println!("{}", seen.report);
    let errors: Vec<&String> = seen.quiet.errors.iter().chain(&seen.attack.errors).collect();
    if errors.is_empty() && seen.quiet.kinds() == seen.attack.kinds() {
        return Ok(());
    }
    let first: Vec<_> = errors.iter().take(20).map(|error| error.as_str()).collect();
    fail(format!("{} calls failed:\n{}", errors.len(), first.join("\n")))
}

fn calls_stay_fast(seen: &Observed) -> Result<(), Failed> {
    let mut slow = Vec::new();
    for kind in seen.quiet.kinds() {
        let bound = seen.quiet.percentile(kind, 99).max(P99_FLOOR) * SLOWDOWN_MAX;
        let found = seen.attack.percentile(kind, 99);
        if found >= bound || seen.attack.count(kind) == 0 {
            slow.push(format!("{kind}: {} ms of {}", found.as_millis(), bound.as_millis()));
        }
    }
    if slow.is_empty() { Ok(()) } else { fail(slow.join("\n")) }
}

fn every_route_answers(seen: &Observed) -> Result<(), Failed> {
    if seen.unanswered.is_empty() {
        return Ok(());
    }
    fail(format!("no reply from {:?}", seen.unanswered))
}

fn no_internal_error(seen: &Observed) -> Result<(), Failed> {
    if seen.internal_errors == 0 { Ok(()) } else { fail(seen.report.clone()) }
}

fn health_is_answered(seen: &Observed) -> Result<(), Failed> {
    match seen.health {
        (0, asked) if asked > 0 => Ok(()),
        (failed, asked) => fail(format!("{failed} of {asked} health checks failed")),
    }
}

fn memory_is_bounded(seen: &Observed) -> Result<(), Failed> {
    println!("memory of the platform's process: {} MiB at most", seen.memory_kib >> 10);
    if seen.memory_kib <= MEMORY_KIB_MAX {
        return Ok(());
    }
    fail(format!("{} KiB", seen.memory_kib))
}

fn workers_are_bounded(seen: &Observed) -> Result<(), Failed> {
    let most = writ_engine::EngineConfig::default().workers_max;
    println!("workers: {} of {most}, {} at most", seen.workers_left, seen.workers_most);
    if seen.workers_most > 0 && seen.workers_left <= most {
        return Ok(());
    }
    fail(format!("{} workers of {most}", seen.workers_left))
}

fn it_stops(seen: &Observed) -> Result<(), Failed> {
    match seen.stopped {
        Some(status) if status.success() => Ok(()),
        Some(status) => fail(format!("it ended with {status}")),
        None => fail(format!("it still ran {} seconds after SIGTERM", STOP_TIME.as_secs())),
    }
}
