//! The queue of job signals. It is in memory, because the table of jobs holds everything that a
//! signal says.
//!
//! Workspaces take turns, so that no workspace waits behind the hundred thousand jobs of another.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use writ_model::{Error, JobSignal, Workspace};
use writ_ports::{Backlog, CountSignals, JobNotifier, Redrive, RedriveReport};

/// Signals that the queue holds at most. Further ones are dropped: the sweep sends signals for
/// their jobs again.
const HINTS_MAX: usize = 500_000;

/// Failed attempts after which a signal is a dead letter.
const TRIES_MAX: u32 = 5;

/// The delay of a signal after its first failed attempt; it grows by as much with each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// A signal, and the number of its failed attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) signal: JobSignal,
    pub(crate) tries: u32,
}

/// The queue of job signals in memory. Cheap to clone; the clones share its content.
#[derive(Clone, Debug)]
pub struct Queue {
    inner: Arc<Inner>,
    pause: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self { inner: Arc::default(), pause: PAUSE }
    }
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    more: Notify,
}

/// The time at which a signal becomes ready, and its number, which orders signals of the same time.
type Turn = Reverse<(Instant, u64)>;

#[derive(Debug, Default)]
struct State {
    /// The workspaces that have ready signals, in the order of their turns.
    turns: VecDeque<Workspace>,
    ready: HashMap<Workspace, VecDeque<Taken>>,
    turns_to_come: BinaryHeap<Turn>,
    delayed: HashMap<u64, Taken>,
    sequence: u64,
    dead: Vec<JobSignal>,
    count: usize,
}

impl State {
    fn push(&mut self, taken: Taken) {
        let workspace = taken.signal.workspace.clone();
        let signals = self.ready.entry(workspace.clone()).or_default();
        if signals.is_empty() {
            self.turns.push_back(workspace);
        }
        signals.push_back(taken);
    }

    fn delay(&mut self, taken: Taken, until: Instant) {
        self.sequence += 1;
        self.delayed.insert(self.sequence, taken);
        self.turns_to_come.push(Reverse((until, self.sequence)));
    }

    /// Removes the first signal of the next workspace; without one, returns when the next signal
    /// becomes ready.
    fn take(&mut self, now: Instant) -> Result<Taken, Option<Instant>> {
        while let Some(Reverse((at, sequence))) = self.turns_to_come.peek().copied() {
            if at > now {
                break;
            }
            self.turns_to_come.pop();
            if let Some(taken) = self.delayed.remove(&sequence) {
                self.push(taken);
            }
        }
        let Some(workspace) = self.turns.pop_front() else {
            return Err(self.turns_to_come.peek().map(|Reverse((at, _))| *at));
        };
        let signals = self.ready.get_mut(&workspace);
        let taken = signals.and_then(VecDeque::pop_front);
        match self.ready.get(&workspace) {
            Some(signals) if !signals.is_empty() => self.turns.push_back(workspace),
            _ => drop(self.ready.remove(&workspace)),
        }
        self.count = self.count.saturating_sub(1);
        taken.ok_or(None)
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, taken: Taken, delay: Duration) {
        let mut state = self.state();
        if state.count >= HINTS_MAX {
            return;
        }
        state.count += 1;
        match delay {
            Duration::ZERO => state.push(taken),
            delay => state.delay(taken, Instant::now() + delay),
        }
        drop(state);
        self.inner.more.notify_one();
    }

    /// Waits for the next signal and removes it from the queue.
    pub(crate) async fn next(&self) -> Taken {
        loop {
            let more = self.inner.more.notified();
            let until = match self.state().take(Instant::now()) {
                Ok(taken) => {
                    // Two notifications may have woken one waiter only: wake another one.
                    self.inner.more.notify_one();
                    return taken;
                }
                Err(until) => until,
            };
            match until {
                None => more.await,
                Some(until) => tokio::select! {
                    () = more => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    /// Puts a signal back after a failed attempt, or among the dead letters after the last one.
    pub(crate) fn put_back(&self, taken: Taken) {
        let tries = taken.tries + 1;
        if tries < TRIES_MAX {
            self.add(Taken { tries, ..taken }, self.pause * tries);
        } else {
            tracing::error!(job_id = %taken.signal.job_id, "a hint is among the dead letters now");
            self.state().dead.push(taken.signal);
        }
    }
}

impl JobNotifier for Queue {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        for signal in signals {
            self.add(Taken { signal: signal.clone(), tries: 0 }, delay);
        }
        Ok(())
    }
}

impl CountSignals for Queue {
    fn backlog(&self) -> Backlog {
        let state = self.state();
        Backlog { waiting: state.count, dead: state.dead.len() }
    }
}

impl Redrive for Queue {
    async fn redrive(&self) -> Result<RedriveReport, Error> {
        let dead = std::mem::take(&mut self.state().dead);
        self.notify(&dead, Duration::ZERO).await?;
        Ok(RedriveReport { signals: dead.len() as u64, more: false })
    }
}

#[cfg(test)]
mod tests {
    use writ_model::SignalKind;

    use super::*;

    fn signal(workspace: &str, job_id: &str) -> JobSignal {
        JobSignal {
            workspace: workspace.parse().unwrap(),
            job_id: job_id.to_owned(),
            kind: SignalKind::Queue,
        }
    }

    async fn ids(queue: &Queue, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(queue.next().await.signal.job_id);
        }
        ids
    }

    #[tokio::test]
    async fn workspaces_take_turns_and_each_is_first_in_first_out() {
        let queue = Queue::default();
        for id in ["a1", "a2", "a3"] {
            queue.notify(&[signal("a", id)], Duration::ZERO).await.unwrap();
        }
        queue.notify(&[signal("b", "b1"), signal("b", "b2")], Duration::ZERO).await.unwrap();
        assert_eq!(ids(&queue, 5).await, ["a1", "b1", "a2", "b2", "a3"]);
        assert_eq!(queue.backlog(), Backlog { waiting: 0, dead: 0 });
    }

    #[tokio::test]
    async fn a_hint_with_a_delay_comes_after_it_and_holds_nobody_up() {
        let queue = Queue::default();
        let begun = Instant::now();
        let delay = Duration::from_millis(30);
        queue.notify(&[signal("a", "late")], delay).await.unwrap();
        queue.notify(&[signal("a", "soon")], Duration::ZERO).await.unwrap();
        assert_eq!(ids(&queue, 2).await, ["soon", "late"]);
        assert!(begun.elapsed() >= delay);
    }

    #[tokio::test]
    async fn what_spoils_its_runner_again_and_again_is_a_dead_letter_until_it_is_redriven() {
        let queue = Queue { pause: Duration::from_millis(1), ..Queue::default() };
        queue.notify(&[signal("a", "bad")], Duration::ZERO).await.unwrap();
        for _ in 0..TRIES_MAX {
            queue.put_back(queue.next().await);
        }
        assert_eq!(queue.backlog(), Backlog { waiting: 0, dead: 1 });
        assert_eq!(queue.redrive().await.unwrap(), RedriveReport { signals: 1, more: false });
        assert_eq!(queue.next().await, Taken { signal: signal("a", "bad"), tries: 0 });
    }

    #[tokio::test]
    async fn everybody_who_waits_is_woken_for_a_hint_of_their_own() {
        let queue = Queue::default();
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await.signal.job_id })
            })
            .collect();
        tokio::task::yield_now().await;
        let signals: Vec<_> = (0..8).map(|number| signal("a", &number.to_string())).collect();
        queue.notify(&signals, Duration::ZERO).await.unwrap();
        let mut taken = Vec::new();
        for task in waiting {
            taken.push(task.await.unwrap());
        }
        taken.sort();
        assert_eq!(taken, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }
}
