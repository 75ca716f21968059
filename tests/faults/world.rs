//! The state of one simulation: time, random numbers, store, queue, receiver, counts and trace.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard};

use writ_model::Timestamp;

use crate::config::{Config, Interval};
use crate::counts::Counts;
use crate::queue::Queue;
use crate::receiver::Receiver;
use crate::rng::Rng;
use crate::store::Store;

/// Time 0 of the simulation, in milliseconds since the Unix epoch.
pub(crate) const EPOCH_MS: i64 = 1_790_000_000_000;

/// A process: the index of its task, its role, and its incarnation, which each restart increments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) task: usize,
    pub(crate) incarnation: u32,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Runner,
    Sweeper,
    /// A client that submits a job, and may cancel and retry it.
    Client,
}

/// A fault of the task that is being polled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProcessFault {
    Crash,
    /// The task pauses until this time, in milliseconds.
    PauseUntil(u64),
}

/// The action of an event.
pub(crate) enum Action {
    /// Polls a task, unless it has restarted since: its index and incarnation.
    Wake(usize, u32),
    /// Starts the task with this index.
    Start(usize),
    /// Applies an effect to the world, such as the arrival of a message.
    Apply(Box<dyn FnOnce(&mut World) + Send>),
}

struct Event {
    at: u64,
    /// A random number, which orders the events of one time.
    tie: u64,
    action: Action,
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap pops the greatest, which is to be the earliest.
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

/// The error of a node's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skew {
    pub(crate) ms: i64,
    /// The clock gains this much, in thousandths of the simulated time.
    pub(crate) drift: i64,
}

/// The state that all processes of one simulation share.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    /// The simulated time, in milliseconds since its start.
    pub(crate) now: u64,
    events: BinaryHeap<Event>,
    pub(crate) skews: Vec<Skew>,
    pub(crate) process_fault: Option<ProcessFault>,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) receiver: Receiver,
    pub(crate) counts: Counts,
    /// The number of clients that are not done.
    pub(crate) clients: usize,
    pub(crate) last_id: u64,
    /// The first violated invariant, if any.
    pub(crate) violation: Option<String>,
    trace: Option<Vec<String>>,
}

pub(crate) type SharedWorld = Arc<Mutex<World>>;

/// Locks the world for one step of a process.
pub(crate) fn lock(world: &SharedWorld) -> MutexGuard<'_, World> {
    world.lock().unwrap()
}

impl World {
    pub(crate) fn new(config: Config, rng: Rng, is_traced: bool) -> Self {
        Self {
            config,
            rng,
            now: 0,
            events: BinaryHeap::new(),
            skews: Vec::new(),
            process_fault: None,
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

    /// Schedules an action for a time, in milliseconds.
    pub(crate) fn push_event(&mut self, at: u64, action: Action) {
        let tie = self.rng.next_u64();
        self.events.push(Event { at, tie, action });
    }

    /// Removes the next event and sets the time to its time.
    pub(crate) fn pop_event(&mut self) -> Option<Action> {
        let event = self.events.pop()?;
        self.now = event.at;
        Some(event.action)
    }

    /// The time on a node's clock.
    pub(crate) fn clock(&self, node: usize) -> Timestamp {
        let now = i64::try_from(self.now).unwrap();
        let Skew { ms, drift } = self.skews[node];
        Timestamp::from_ms(EPOCH_MS + now + ms + now * drift / 1_000)
    }

    /// Whether no clock has been set back so far.
    pub(crate) fn is_clock_steady(&self) -> bool {
        let is_exact = self.config.skew_ms_max == 0 && self.config.drift_per_mille_max == 0;
        self.config.clock_jumps == 0 && (is_exact || self.has_faults())
    }

    pub(crate) fn has_faults(&self) -> bool {
        self.now < self.config.faults_end_ms
    }

    /// Draws whether a fault happens now; `rate` is in thousandths.
    pub(crate) fn draw_fault(&mut self, rate: impl Fn(&Config) -> u64) -> bool {
        self.has_faults() && self.rng.random_bool(rate(&self.config))
    }

    /// Whether the time is within one of these intervals.
    pub(crate) fn is_within(&self, intervals: impl Fn(&Config) -> &Vec<Interval>) -> bool {
        let now = self.now;
        self.has_faults()
            && intervals(&self.config).iter().any(|(start, end)| (*start..*end).contains(&now))
    }

    pub(crate) fn id(&mut self) -> String {
        self.last_id += 1;
        format!("{:06}", self.last_id)
    }

    pub(crate) fn report_violation(&mut self, violation: String) {
        self.trace(|| format!("VIOLATED: {violation}"));
        self.violation.get_or_insert(violation);
    }

    /// Adds a line to the trace, if there is one.
    pub(crate) fn trace(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let seconds = self.now as f64 / 1_000.0;
            trace.push(format!("{seconds:>9.3} {}", text()));
        }
    }

    pub(crate) fn into_trace(self) -> Vec<String> {
        self.trace.unwrap_or_default()
    }
}
