//! The callers of the attacker, for as long as they are not stopped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use crate::attacks::{Arsenal, Attack};
use crate::client::{Client, REQUESTER, Request, become_user};
use crate::connections;
use crate::policies::uri;

/// Callers that go through all attacks.
const ROUTE_CALLERS: usize = 8;

/// Callers that submit jobs.
const SUBMITTERS: usize = 2;

/// Jobs that the submitters submit at most.
const SUBMISSIONS_MAX: usize = 10_000;

/// Callers that send one idempotency key after the other.
const KEY_CALLERS: usize = 1;

/// Callers that try one token after the other.
const TOKEN_CALLERS: usize = 1;

/// What the attacker sent, and how it was answered.
#[derive(Default)]
pub(crate) struct Tally {
    /// Replies by status; 0 stands for none.
    statuses: Mutex<BTreeMap<u16, usize>>,
    /// Replies by the name of the route.
    routes: Mutex<BTreeMap<&'static str, usize>>,
    /// The first unexpected replies.
    errors: Mutex<Vec<String>>,
    submissions: AtomicUsize,
    keys: AtomicUsize,
    tokens: AtomicUsize,
    pub(crate) connections: AtomicUsize,
}

impl Tally {
    /// Counts one reply, or that there was none.
    pub(crate) fn add(&self, status: u16) {
        *lock(&self.statuses).entry(status).or_default() += 1;
    }

    fn send(&self, client: &Client, name: &str, request: &Request) -> u16 {
        let (status, body) = client.send(request).unwrap_or_else(|error| (0, error.to_string()));
        self.add(status);
        if matches!(status, 0 | 500) {
            let mut errors = lock(&self.errors);
            if errors.len() < 20 {
                let body: String = body.chars().take(300).collect();
                errors.push(format!("{name}: {status}: {body}"));
            }
        }
        status
    }

    /// The routes among these from which no reply came.
    pub(crate) fn unanswered(&self, attacks: &[Attack]) -> Vec<&'static str> {
        let routes = lock(&self.routes);
        let mut missing: Vec<_> = attacks.iter().map(|attack| attack.route).collect();
        missing.dedup();
        missing.retain(|route| !routes.contains_key(route));
        missing
    }

    /// Replies that say that the platform failed.
    pub(crate) fn internal_errors(&self) -> usize {
        lock(&self.statuses).get(&500).copied().unwrap_or(0)
    }

    /// What happened, as text.
    pub(crate) fn report(&self) -> String {
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        format!(
            "attacker: {:?} by status; {} jobs, {} keys, {} wrong tokens, {} hostile connections\n{}",
            lock(&self.statuses),
            count(&self.submissions),
            count(&self.keys),
            count(&self.tokens),
            count(&self.connections),
            lock(&self.errors).join("\n")
        )
    }
}

/// Attacks with 16 callers until `stop`.
pub(crate) fn attack(client: &Client, arsenal: &Arsenal, stop: &AtomicBool, tally: &Tally) {
    let attacks = arsenal.attacks();
    // Whichever caller is free makes the next attack: some take their whole time.
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..ROUTE_CALLERS {
            let (attacks, next) = (&attacks, &next);
            scope.spawn(move || {
                become_user(REQUESTER);
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(attack) = attacks.get(number % attacks.len()) else { return };
                    let request = keyed(attack, &number.to_string());
                    let name = format!("{}, {}", attack.route, attack.name);
                    if tally.send(client, &name, &request) != 0 {
                        *lock(&tally.routes).entry(attack.route).or_default() += 1;
                    }
                }
            });
        }
        for _ in 0..SUBMITTERS {
            scope.spawn(|| {
                become_user(REQUESTER);
                submit(client, stop, tally);
            });
        }
        for _ in 0..KEY_CALLERS {
            scope.spawn(|| {
                become_user(REQUESTER);
                use_keys(client, stop, tally);
            });
        }
        for _ in 0..TOKEN_CALLERS {
            scope.spawn(|| {
                become_user(REQUESTER);
                try_tokens(client, stop, tally);
            });
        }
        connections::open_all(scope, client, arsenal, stop, tally);
    });
}

/// The attack's request, with an idempotency key of its own where it takes one.
pub(crate) fn keyed(attack: &Attack, key: &str) -> Request {
    if attack.is_keyed {
        attack.request.clone().header(format!("Idempotency-Key: {key}"))
    } else {
        attack.request.clone()
    }
}

fn submit(client: &Client, stop: &AtomicBool, tally: &Tally) {
    let policies = ["echo", "hang", "hang-too", "hang-still", "state"];
    for policy in policies.iter().cycle() {
        if stop.load(Ordering::Relaxed)
            || tally.submissions.fetch_add(1, Ordering::Relaxed) >= SUBMISSIONS_MAX
        {
            return;
        }
        let job = json!({
            "name": "flood", "policy_rule_uri": uri(policy), "inputs": {"n": 1}, "priority": 9,
            "timeout_seconds": 840,
        });
        tally.send(client, "flood of jobs", &Request::post("/jobs/submit", &job));
    }
}

fn use_keys(client: &Client, stop: &AtomicBool, tally: &Tally) {
    let run = json!({"policy_rule_uri": uri("state"), "input_data": {"n": 1}});
    while !stop.load(Ordering::Relaxed) {
        let key = format!("Idempotency-Key: k{}", tally.keys.fetch_add(1, Ordering::Relaxed));
        let request = Request::post("/executor/builtin/execute_policy", &run).header(key);
        tally.send(client, "key", &request);
    }
}

fn try_tokens(client: &Client, stop: &AtomicBool, tally: &Tally) {
    while !stop.load(Ordering::Relaxed) {
        let number = tally.tokens.fetch_add(1, Ordering::Relaxed);
        let kept = client.token.len().saturating_sub(6);
        let known = client.token.get(..kept).unwrap_or_default();
        let header = format!("Authorization: Bearer {known}{number:06}");
        tally.send(client, "wrong token", &Request::get("/whoami").header(header));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
