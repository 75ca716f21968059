//! Everything there is in one schedule: time, chance, the store, the queue, and what was seen.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard};

use writ_model::Timestamp;

use crate::counts::Counts;
use crate::plan::{Plan, Span};
use crate::queue::Queue;
use crate::receiver::Receiver;
use crate::rng::Rng;
use crate::store::Store;

/// Time 0, in milliseconds since the Unix epoch.
pub(crate) const BEGIN: i64 = 1_790_000_000_000;

/// Who acts: a task, and which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) task: usize,
    pub(crate) life: u32,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Runner,
    Sweeper,
    /// Somebody outside, who submits, cancels and retries.
    Client,
}

/// What becomes of the task that is being polled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Dies,
    StopsUntil(u64),
}

/// What happens at a time.
pub(crate) enum What {
    Wake(usize, u32),
    Start(usize),
    /// Something that was sent arrives.
    AccessLevel(Box<dyn FnOnce(&mut World) + Send>),
}

struct Event {
    at: u64,
    /// Of those at one time, chance says which is first.
    tie: u64,
    what: What,
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest.
        (other.at, other.tie).cmp(&(self.at, self.tie))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

/// How wrong a node's clock is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skew {
    pub(crate) ms: i64,
    /// Of a thousand.
    pub(crate) drift: i64,
}

/// The world of one schedule.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) rng: Rng,
    /// Milliseconds.
    pub(crate) now: u64,
    events: BinaryHeap<Event>,
    pub(crate) skews: Vec<Skew>,
    pub(crate) fate: Option<Fate>,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) receiver: Receiver,
    pub(crate) counts: Counts,
    /// Clients that are not done.
    pub(crate) clients: usize,
    pub(crate) last_id: u64,
    /// What must not be, and is.
    pub(crate) violation: Option<String>,
    trace: Option<Vec<String>>,
}

pub(crate) type Shared = Arc<Mutex<World>>;

/// The world, as one call sees it.
pub(crate) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap()
}

impl World {
    pub(crate) fn new(plan: Plan, rng: Rng, is_traced: bool) -> Self {
        Self {
            plan,
            rng,
            now: 0,
            events: BinaryHeap::new(),
            skews: Vec::new(),
            fate: None,
            store: Store::default(),
            queue: Queue::default(),
            receiver: Receiver::default(),
            counts: Counts::default(),
            clients: 0,
            last_id: 0,
            violation: None,
            trace: is_traced.then(Vec::new),
        }
    }

    pub(crate) fn at(&mut self, at: u64, what: What) {
        let tie = self.rng.any();
        self.events.push(Event { at, tie, what });
    }

    /// The next thing that happens; the clock goes there.
    pub(crate) fn next(&mut self) -> Option<What> {
        let event = self.events.pop()?;
        self.now = event.at;
        Some(event.what)
    }

    /// What a node's clock shows.
    pub(crate) fn clock(&self, node: usize) -> Timestamp {
        let now = i64::try_from(self.now).unwrap();
        let Skew { ms, drift } = self.skews[node];
        Timestamp::from_ms(BEGIN + now + ms + now * drift / 1_000)
    }

    /// Whether no clock was set back so far.
    pub(crate) fn is_clock_steady(&self) -> bool {
        let is_right = self.plan.skew_max == 0 && self.plan.drift_max == 0;
        self.plan.clock_jumps == 0 && (is_right || self.has_faults())
    }

    pub(crate) fn has_faults(&self) -> bool {
        self.now < self.plan.faults_end
    }

    /// Whether one of the plan's faults happens now.
    pub(crate) fn goes_wrong(&mut self, rate: impl Fn(&Plan) -> u64) -> bool {
        self.has_faults() && self.rng.happens(rate(&self.plan))
    }

    pub(crate) fn is_within(&self, spans: impl Fn(&Plan) -> &Vec<Span>) -> bool {
        let now = self.now;
        self.has_faults() && spans(&self.plan).iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    pub(crate) fn id(&mut self) -> String {
        self.last_id += 1;
        format!("{:06}", self.last_id)
    }

    pub(crate) fn violated(&mut self, what: String) {
        self.note(|| format!("VIOLATED: {what}"));
        self.violation.get_or_insert(what);
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let seconds = self.now as f64 / 1_000.0;
            trace.push(format!("{seconds:>9.3} {}", what()));
        }
    }

    pub(crate) fn into_trace(self) -> Vec<String> {
        self.trace.unwrap_or_default()
    }
}
