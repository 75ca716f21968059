//! Requests with an idempotency key: the real routes over ports in memory, on hosts that crash, pause
//! and meet failures of the store, while the client sends its request again and again.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::HeaderValue;
use writ_edge::{Reply, Request, Route};
use writ_jobs::{AttemptEnd, complete, lease, retry_once};
use writ_model::run::{FailedRun, Failure, Outcome};
use writ_model::{Cause, Error, ErrorKind, Execution, JobStatus, RawJson, Workspace};
use writ_ports::{CallbackSecretStore as _, Clock as _, GetPolicy as _, GetSchedule as _};
use writ_testing::builders::{
    RequestExt as _, finished_job, lease_request, request, runner, submission, workspace,
};
use writ_testing::{Answer, MemoryPlatform};

use crate::counts::Counts;
use crate::rng::Rng;
use crate::simulation::SimulationError;
use crate::{env_number, run_seeds};

/// Requests of a schedule at most, until its faults end.
const REQUESTS_MAX: usize = 9;

/// Steps of a schedule at most, until its faults end.
const STEPS_MAX: u64 = 400;

/// Requests after the faults: the first may meet a claim, or a recorded failure that may pass.
const FINAL_REQUESTS_MAX: usize = 6;

/// Calls that fail. A call of the engine is none of them: a run that it loses is recorded, and frees
/// its key.
const FAILING_CALLS: [&str; 16] = [
    "admit",
    "begin",
    "finish",
    "release",
    "abandon",
    "get_policy",
    "get_execution",
    "record_execution",
    "commit_context",
    "put_job",
    "get_job",
    "change_job",
    "create_policy",
    "put_token",
    "put_schedule",
    "put_callback_secrets",
];

/// Events that must happen at least once in the suite.
const EXPECTED_EVENTS: [&str; 9] = [
    "answer from what is stored",
    "answer replayed",
    "claim in progress",
    "crash after the commit",
    "crash before the commit",
    "done at once by two",
    "pause",
    "refused",
    "store failed",
];

/// A route with a request that makes one thing.
struct Case {
    route: &'static str,
    params: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// What is stored before.
    prepare: fn(&MemoryPlatform),
    /// What every answer to the request names, for each thing that requests with the key made.
    made: fn(&MemoryPlatform) -> Vec<String>,
    /// Whether answers name what was made, each of them.
    is_named: bool,
    /// Whether the same request makes another thing on the next day.
    repeats: bool,
    /// Another writer, at a random moment.
    disturb: fn(&MemoryPlatform, &mut Rng),
}

fn own() -> Workspace {
    workspace("a")
}

const COUNTER: &str = r#"{"name":"counter","version":"1","release_tag":"x","code":"","code_type":"rego",
    "management_commands_schema":[{"name":"reset","description":"","schema":[]}],
    "metadata":{"state":true,"precheck_policy_uri":"check:1-x"}}"#;
const CHECK: &str = r#"{"name":"check","version":"1","release_tag":"x","code":"","code_type":"rego",
    "metadata":{"state":true}}"#;
const PLAIN: &str =
    r#"{"name":"plain","version":"1","release_tag":"x","code":"","code_type":"rego"}"#;

fn register(platform: &MemoryPlatform) {
    for body in [COUNTER, CHECK, PLAIN] {
        platform.register(&own(), body);
    }
}

fn answer(output: &str, change: Option<&str>) -> Answer {
    Ok(Outcome {
        output: RawJson::parse(output).unwrap(),
        printed: String::new(),
        context: change.map(|change| serde_json::from_str(change).unwrap()),
        coverage: None,
        engine_us: 1,
    })
}

fn raised(number: u32) -> FailedRun {
    let failure = Failure::Raised {
        kind: "ValueError".to_owned(),
        message: number.to_string(),
        line: None,
        traceback: String::new(),
    };
    failure.into()
}

/// Each run has an output of its own, so that an answer tells which run it is of; some raise.
fn run_policies(platform: &MemoryPlatform) {
    register(platform);
    let set = |number: u32| format!(r#"{{"set":{{"n":{number}}}}}"#);
    platform.script_answers(
        "counter:1-x",
        (0..40).map(|number| match number % 5 {
            3 => Err(raised(number)),
            _ => answer(&format!(r#"{{"run":{number}}}"#), Some(&set(number))),
        }),
    );
    platform.script_answers(
        "check:1-x",
        (0..40).map(|number| answer(r#"{"allowed":true}"#, Some(&set(number)))),
    );
    platform.script_answers("plain:1-x", (0..40).map(|number| answer(&number.to_string(), None)));
}

/// Whether the record of a failure frees its key.
fn is_passing(record: &Execution) -> bool {
    record.error.as_ref().is_some_and(|error| {
        matches!(
            error.kind,
            ErrorKind::ExecutorFault
                | ErrorKind::Unavailable
                | ErrorKind::Internal
                | ErrorKind::Limited
        )
    })
}

fn records(platform: &MemoryPlatform, cause: Cause) -> Vec<Execution> {
    platform.records().into_iter().filter(|record| record.cause == cause).collect()
}

/// The runs, after a check that each context was written once by each run that keeps one.
fn runs(platform: &MemoryPlatform) -> Vec<String> {
    let runs = records(platform, Cause::Request);
    let checks = records(platform, Cause::Precheck);
    for (uri, records) in [("counter:1-x", &runs), ("check:1-x", &checks)] {
        let kept =
            records.iter().filter(|run| run.error.is_none() && run.mgmt_action.is_none()).count();
        let version = platform.context(&own(), &format!("id-of-{uri}")).version;
        assert_eq!(version, kept as u64, "writes of the context of {uri}");
    }
    for run in &runs {
        let own = checks.iter().filter(|check| check.parent.as_ref() == Some(&run.execution_id));
        assert!(own.count() <= 1, "a run has one pre-check");
    }
    runs.iter().filter(|run| !is_passing(run)).map(|run| run.execution_id.clone()).collect()
}

/// A run to replay, the first record.
fn prepare_replay(platform: &MemoryPlatform) {
    run_policies(platform);
    let route = route("executor.execute_policy");
    let body = r#"{"policy_rule_uri":"plain:1-x","input_data":{}}"#;
    let request = request_of(&route, &[("executor_id", "builtin")], body);
    let reply = poll_to_end(serve(platform, &route, request));
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn prepare_failed_job(platform: &MemoryPlatform) {
    register(platform);
    let submission = submission(&own(), "j1");
    let error = Some(ErrorKind::ExecutorFault);
    platform.put(finished_job(submission, JobStatus::Failed, error));
}

/// The rounds of the job that the key started: all but the first one and those of other writers.
fn rounds(platform: &MemoryPlatform) -> Vec<String> {
    let state = platform.job(&own(), "j1").state;
    let others = state.round_ids.iter().filter(|id| id.starts_with("other")).count();
    vec!["j1".to_owned(); state.round as usize - 1 - others]
}

/// A runner loses the job, or another caller starts another round of it.
fn disturb_job(platform: &MemoryPlatform, rng: &mut Rng) {
    let now = platform.now();
    platform.change(&own(), "j1", |submission, state| {
        if state.job_status.is_final() {
            let other = format!("other-{}", state.version);
            return retry_once(state, Some(&other), now).unwrap().unwrap();
        }
        let token = format!("t{}", rng.below(u64::MAX));
        let Ok(leased) = lease(submission, state, &runner(), lease_request(&token), now) else {
            return state.clone();
        };
        let error = Error::new(ErrorKind::ExecutorFault, "lost");
        let end = AttemptEnd { error: Some(&error), execution_id: None, started_at: None };
        complete(submission, &leased, &token, &end, now, 0).unwrap()
    });
}

fn ignore(_: &MemoryPlatform, _: &mut Rng) {}

/// The policies are gone for a time: what needs them is refused, and may be made later.
fn disturb_policies(platform: &MemoryPlatform, rng: &mut Rng) {
    if rng.random_bool(300) { platform.remove_policies() } else { register(platform) }
}

const CASES: [Case; 11] = [
    Case {
        route: "jobs.submit",
        params: &[("executor_id", "builtin")],
        body: r#"{"name":"n","policy_rule_uri":"plain:1-x"}"#,
        prepare: register,
        made: |platform| platform.jobs().into_iter().map(|job| job.submission.job_id).collect(),
        is_named: true,
        repeats: true,
        disturb: disturb_policies,
    },
    Case {
        route: "jobs.submit_any",
        params: &[],
        body: r#"{"name":"n","policy_rule_uri":"plain:1-x"}"#,
        prepare: register,
        made: |platform| platform.jobs().into_iter().map(|job| job.submission.job_id).collect(),
        is_named: true,
        repeats: true,
        disturb: disturb_policies,
    },
    Case {
        route: "executor.execute_policy",
        params: &[("executor_id", "builtin")],
        body: r#"{"policy_rule_uri":"counter:1-x","input_data":{}}"#,
        prepare: run_policies,
        made: runs,
        is_named: true,
        repeats: true,
        disturb: disturb_policies,
    },
    Case {
        route: "policy.manage",
        params: &[("uri", "counter:1-x")],
        body: r#"{"mgmt_action":"reset"}"#,
        prepare: run_policies,
        made: runs,
        is_named: true,
        repeats: true,
        disturb: disturb_policies,
    },
    Case {
        route: "execution.replay",
        params: &[("id", "the first record")],
        body: "",
        prepare: prepare_replay,
        made: |platform| {
            let replays = records(platform, Cause::Replay).into_iter();
            replays.filter(|run| !is_passing(run)).map(|run| run.execution_id).collect()
        },
        is_named: true,
        repeats: true,
        disturb: ignore,
    },
    Case {
        route: "policy.create",
        params: &[],
        body: r#"{"name":"made","version":"1","release_tag":"x","code":"package made\n","code_type":"rego"}"#,
        prepare: register,
        made: |platform| {
            let uri = "made:1-x".parse().unwrap();
            let head = poll_to_end(platform.get_policy(&own(), &uri));
            head.unwrap().into_iter().map(|head| head.etag()).collect()
        },
        is_named: true,
        repeats: false,
        disturb: ignore,
    },
    Case {
        route: "schedules.create",
        params: &[],
        body: r#"{"name":"nightly","schedule_expression":"rate(5 minutes)",
            "target":{"policy":{"policy_rule_uri":"plain:1-x","input_data":{}}}}"#,
        prepare: register,
        made: |platform| {
            let schedule = poll_to_end(platform.get_schedule(&own(), "nightly"));
            schedule.unwrap().into_iter().map(|schedule| schedule.etag()).collect()
        },
        is_named: true,
        repeats: false,
        disturb: disturb_policies,
    },
    Case {
        route: "token.create",
        params: &[],
        body: r#"{"subject":"ci","role":"operator"}"#,
        prepare: register,
        made: |platform| platform.tokens().into_iter().map(|token| token.token_id).collect(),
        is_named: true,
        repeats: true,
        disturb: ignore,
    },
    Case {
        route: "jobs.retry",
        params: &[("job_id", "j1")],
        body: "",
        prepare: prepare_failed_job,
        made: rounds,
        is_named: true,
        repeats: false,
        disturb: disturb_job,
    },
    Case {
        route: "jobs.redrive",
        params: &[],
        body: "",
        prepare: prepare_failed_job,
        made: rounds,
        // A job that waits or runs again is no lost job.
        is_named: false,
        repeats: false,
        disturb: disturb_job,
    },
    Case {
        route: "jobs.rotate_callback_secret",
        params: &[],
        body: "",
        prepare: register,
        made: |platform| {
            let own = own();
            let secrets = poll_to_end(platform.get_callback_secrets(&own)).unwrap().secrets;
            vec!["/jobs/callbacks/secret".to_owned(); secrets.len()]
        },
        is_named: true,
        repeats: true,
        disturb: ignore,
    },
];

fn route(name: &str) -> Route<MemoryPlatform> {
    let mut routes = writ_routes::routes::<MemoryPlatform>().into_iter();
    routes.find(|route| route.spec.name == name).unwrap()
}

fn request_of(route: &Route<MemoryPlatform>, params: &[(&str, &str)], body: &str) -> Request {
    let mut request = request().with_body(body);
    request.method = route.spec.method.clone();
    route.spec.path.clone_into(&mut request.path);
    for (name, value) in params {
        request = request.with_param(name, value);
    }
    let json = HeaderValue::from_static("application/json");
    request.headers.insert(http::header::CONTENT_TYPE, json);
    request
}

async fn serve(
    platform: &MemoryPlatform,
    route: &Route<MemoryPlatform>,
    request: Request,
) -> Reply {
    writ_edge::serve(platform, route, request, std::future::pending()).await
}

fn poll<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn poll_to_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(done) = poll(future.as_mut()) {
            return done;
        }
    }
}

/// A request on a host.
struct Host<'p> {
    future: Pin<Box<dyn Future<Output = Reply> + 'p>>,
    /// What was made when the request was sent.
    made_before: usize,
    /// In milliseconds of the wall clock.
    paused_until: i64,
}

struct Simulation<'p> {
    case: &'static Case,
    platform: &'p MemoryPlatform,
    route: &'p Route<MemoryPlatform>,
    request: Request,
    rng: Rng,
    counts: Counts,
    hosts: Vec<Host<'p>>,
}

impl<'p> Simulation<'p> {
    fn made(&self) -> Vec<String> {
        (self.case.made)(self.platform)
    }

    fn send(&mut self) {
        let future = Box::pin(serve(self.platform, self.route, self.request.clone()));
        let made_before = self.made().len();
        self.hosts.push(Host { future, made_before, paused_until: 0 });
    }

    /// Does one of the things that may happen.
    fn step(&mut self, sent: &mut usize) {
        match self.rng.below(100) {
            0..12 if *sent < REQUESTS_MAX => {
                *sent += 1;
                self.send();
            }
            12..16 => {
                let ms = self.rng.between(1, 90_000);
                self.platform.clock().advance(Duration::from_millis(ms));
            }
            16..19 => (self.case.disturb)(self.platform, &mut self.rng),
            _ if self.hosts.is_empty() => {}
            19..24 => self.crash(),
            24..27 => self.pause(),
            27..32 => {
                let call = self.rng.choose(&FAILING_CALLS);
                self.run_host(Some(call));
            }
            _ => self.run_host(None),
        }
    }

    fn draw_host(&mut self) -> usize {
        usize::try_from(self.rng.below(self.hosts.len() as u64)).unwrap()
    }

    fn crash(&mut self) {
        let host = self.draw_host();
        let host = self.hosts.swap_remove(host);
        let is_after = self.made().len() > host.made_before;
        let event = if is_after { "crash after the commit" } else { "crash before the commit" };
        self.counts.add(event);
    }

    fn pause(&mut self) {
        self.counts.add("pause");
        let (host, ms) = (self.draw_host(), self.rng.between(5_000, 200_000));
        let until = self.platform.now().as_ms() + i64::try_from(ms).unwrap();
        self.hosts[host].paused_until = until;
    }

    /// Lets a host make its next call, which fails if it is this one.
    fn run_host(&mut self, failing: Option<&'static str>) {
        let host = self.draw_host();
        if self.hosts[host].paused_until > self.platform.now().as_ms() {
            return;
        }
        if let Some(call) = failing {
            self.platform.fail_calls(call);
        }
        let polled = poll(self.hosts[host].future.as_mut());
        self.platform.end_faults();
        if let Poll::Ready(reply) = polled {
            let host = self.hosts.swap_remove(host);
            self.check(&reply, host.made_before);
        }
    }

    /// Checks an answer against what is stored. Returns whether it is final: a client sends the
    /// request again until it is.
    fn check(&mut self, reply: &Reply, made_before: usize) -> bool {
        let made = self.made();
        assert!(made.len() <= 1, "{} made {made:?}", self.case.route);
        let has = |name: &str| reply.headers.iter().any(|(known, _)| known == name);
        let is_already_done = reply.body.contains("was done already");
        let is_run =
            has("x-execution-id") && matches!(reply.status.as_u16(), 404 | 409 | 422 | 504);
        if !reply.status.is_success() && !is_already_done && !is_run {
            let event = match reply.status.as_u16() {
                409 if has("retry-after") => "claim in progress",
                500.. => "store failed",
                _ => "refused",
            };
            self.counts.add(event);
            // A refusal may be older than what another host made meanwhile, unless that is its reason.
            let is_late = made_before > 0 || reply.body.contains("already");
            let text = format!("{} made {made:?}, and answers {}", self.case.route, reply.body);
            assert!(event != "refused" || !is_late, "{text}");
            return false;
        }
        let text = format!("{:?} {}", reply.headers, reply.body).replace('\\', "");
        for id in made.iter().filter(|_| self.case.is_named) {
            assert!(
                text.contains(id.as_str()),
                "{} made {id}, and answers {text}",
                self.case.route
            );
        }
        assert!(
            !made.is_empty() || !self.case.is_named,
            "{} made nothing: {text}",
            self.case.route
        );
        let is_replayed = has("idempotency-replayed");
        if is_replayed {
            self.counts.add("answer replayed");
        } else if made_before == 1 {
            self.counts.add("answer from what is stored");
        } else if self.hosts.iter().any(|host| host.made_before == 0) {
            self.counts.add("done at once by two");
        }
        true
    }

    /// Sends the request without faults until the answer is final.
    fn end(&mut self) {
        let mut last = String::new();
        for _ in 0..FINAL_REQUESTS_MAX {
            register(self.platform);
            self.platform.clock().advance_s(61);
            let made_before = self.made().len();
            let reply = poll_to_end(serve(self.platform, self.route, self.request.clone()));
            if self.check(&reply, made_before) {
                return;
            }
            let is_refused = reply.status == 409 && self.case.route == "jobs.retry";
            if is_refused && made_before == 0 {
                // Other writers have the job, and no round is this request's.
                return;
            }
            last = format!("{} {}", reply.status, reply.body);
        }
        panic!("{} is not answered: {last}", self.case.route);
    }
}

/// Runs the schedule of a seed, and returns what happened in it.
fn run(seed: u64) -> Counts {
    let mut rng = Rng::new(seed);
    let case = &CASES[usize::try_from(rng.below(CASES.len() as u64)).unwrap()];
    let platform = MemoryPlatform::default();
    (case.prepare)(&platform);
    platform.yield_before_calls();
    let route = route(case.route);
    let first = platform.records().first().map(|record| record.execution_id.clone());
    let params = case.params.iter().map(|(name, value)| match *value {
        "the first record" => (*name, first.as_deref().unwrap()),
        value => (*name, value),
    });
    let params: Vec<_> = params.collect();
    let request = request_of(&route, &params, case.body).with_header("idempotency-key", "k");
    let (counts, hosts) = (Counts::default(), Vec::new());
    let mut simulation =
        Simulation { case, platform: &platform, route: &route, request, rng, counts, hosts };
    let (mut sent, steps) = (0, simulation.rng.below(STEPS_MAX));
    for _ in 0..steps {
        simulation.step(&mut sent);
    }
    // The hosts that are still at work end it, each in its own time.
    platform.clock().advance_s(300);
    while !simulation.hosts.is_empty() {
        simulation.run_host(None);
    }
    simulation.end();
    if case.repeats {
        // A day later the key is as good as new.
        platform.clock().advance_s(25 * 3_600);
        let reply = poll_to_end(serve(&platform, &route, simulation.request.clone()));
        let made = simulation.made().len();
        assert_eq!(made, 2, "{} a day later: {}", case.route, reply.body);
    }
    simulation.counts
}

#[test]
fn every_route_that_honours_a_key_is_simulated() {
    let specs = writ_routes::specs();
    let honouring: BTreeSet<_> =
        specs.iter().filter(|spec| spec.is_idempotent_by_key()).map(|spec| spec.name).collect();
    // A plan makes nothing.
    let cases = CASES.iter().map(|case| case.route).chain(["policy.plan"]);
    assert_eq!(honouring, cases.collect());
}

#[test]
fn a_key_does_its_work_once_a_day_and_every_answer_names_it() {
    let counts = run_seeds("requests", 10, |seed, _| {
        std::panic::catch_unwind(|| run(seed)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let violation = text.unwrap_or_else(|| "a panic without a text".to_owned());
            SimulationError { violation, trace: Vec::new() }
        })
    });
    for event in EXPECTED_EVENTS {
        assert!(
            env_number("WRIT_FAULTS_SEED").is_some() || counts.get(event) > 0,
            "`{event}` never happened"
        );
    }
}
