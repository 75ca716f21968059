//! The queue of job signals. It is in memory, because the table of jobs holds everything that a
//! signal says.
//!
//! Workspaces take turns, so that no workspace waits behind the hundred thousand jobs of another. A
//! signal may keep its runner for as long as a job runs, so one workspace has at most three quarters
//! of the runners at the same time.

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
const SIGNALS_MAX: usize = 500_000;

/// Failed attempts after which a signal is a dead letter.
const ATTEMPTS_MAX: u32 = 5;

/// The delay of a signal after its first failed attempt; it grows by as much with each further one.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A signal, and the number of its failed attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueuedSignal {
    pub(crate) signal: JobSignal,
    pub(crate) failed_attempts: u32,
}

/// The queue of job signals in memory. Cheap to clone; the clones share its content.
#[derive(Clone, Debug)]
pub struct SignalQueue {
    inner: Arc<Inner>,
    retry_delay: Duration,
}

impl Default for SignalQueue {
    fn default() -> Self {
        Self { inner: Arc::default(), retry_delay: RETRY_DELAY }
    }
}

/// The part of the runners that one workspace may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkspaceShare(usize);

impl WorkspaceShare {
    /// Three quarters, rounded down, but at least one.
    pub(crate) fn of(runners: usize) -> Self {
        Self((runners * 3 / 4).max(1))
    }
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    available: Notify,
}

/// The time at which a signal becomes ready, and its number, which orders signals of the same time.
type ReadyAt = Reverse<(Instant, u64)>;

#[derive(Debug, Default)]
struct State {
    /// The workspaces that have ready signals, in the order of their turns.
    turns: VecDeque<Workspace>,
    ready: HashMap<Workspace, VecDeque<QueuedSignal>>,
    /// The signals that are being processed; no number is zero.
    processed: HashMap<Workspace, usize>,
    ready_times: BinaryHeap<ReadyAt>,
    delayed: HashMap<u64, QueuedSignal>,
    sequence: u64,
    dead: Vec<JobSignal>,
    count: usize,
}

impl State {
    fn push(&mut self, queued: QueuedSignal) {
        let workspace = queued.signal.workspace.clone();
        let signals = self.ready.entry(workspace.clone()).or_default();
        if signals.is_empty() {
            self.turns.push_back(workspace);
        }
        signals.push_back(queued);
    }

    fn delay(&mut self, queued: QueuedSignal, until: Instant) {
        self.sequence += 1;
        self.delayed.insert(self.sequence, queued);
        self.ready_times.push(Reverse((until, self.sequence)));
    }

    /// Removes the first signal of the next workspace that does not have its share; without one,
    /// returns when the next signal becomes ready.
    fn pop(
        &mut self,
        now: Instant,
        share: WorkspaceShare,
    ) -> Result<QueuedSignal, Option<Instant>> {
        while let Some(Reverse((at, sequence))) = self.ready_times.peek().copied() {
            if at > now {
                break;
            }
            self.ready_times.pop();
            if let Some(queued) = self.delayed.remove(&sequence) {
                self.push(queued);
            }
        }
        let processed = |workspace| self.processed.get(workspace).copied().unwrap_or(0);
        let next = self.turns.iter().position(|workspace| processed(workspace) < share.0);
        let Some(workspace) = next.and_then(|next| self.turns.remove(next)) else {
            return Err(self.ready_times.peek().map(|Reverse((at, _))| *at));
        };
        let signals = self.ready.get_mut(&workspace);
        let queued = signals.and_then(VecDeque::pop_front);
        *self.processed.entry(workspace.clone()).or_default() += 1;
        match self.ready.get(&workspace) {
            Some(signals) if !signals.is_empty() => self.turns.push_back(workspace),
            _ => drop(self.ready.remove(&workspace)),
        }
        self.count = self.count.saturating_sub(1);
        queued.ok_or(None)
    }
}

impl SignalQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, queued: QueuedSignal, delay: Duration) {
        let mut state = self.state();
        if state.count >= SIGNALS_MAX {
            return;
        }
        state.count += 1;
        match delay {
            Duration::ZERO => state.push(queued),
            delay => state.delay(queued, Instant::now() + delay),
        }
        drop(state);
        self.inner.available.notify_one();
    }

    /// Waits for the next signal and removes it from the queue. Its workspace has one more of its
    /// share until [`SignalQueue::finish`].
    pub(crate) async fn next(&self, share: WorkspaceShare) -> QueuedSignal {
        loop {
            let available = self.inner.available.notified();
            let until = match self.state().pop(Instant::now(), share) {
                Ok(queued) => {
                    // Two notifications may have woken one waiter only: wake another one.
                    self.inner.available.notify_one();
                    return queued;
                }
                Err(until) => until,
            };
            match until {
                None => available.await,
                Some(until) => tokio::select! {
                    () = available => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    /// Notes that a signal of this workspace was processed.
    pub(crate) fn finish(&self, workspace: &Workspace) {
        let mut state = self.state();
        match state.processed.get_mut(workspace) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(state.processed.remove(workspace)),
        }
        drop(state);
        // A signal of the workspace may have waited for its share.
        self.inner.available.notify_one();
    }

    /// Puts a signal back after a failed attempt, or among the dead letters after the last one.
    pub(crate) fn requeue(&self, queued: QueuedSignal) {
        let failed_attempts = queued.failed_attempts + 1;
        if failed_attempts < ATTEMPTS_MAX {
            self.add(
                QueuedSignal { failed_attempts, ..queued },
                self.retry_delay * failed_attempts,
            );
        } else {
            tracing::error!(job_id = %queued.signal.job_id, "a job signal is a dead letter now");
            self.state().dead.push(queued.signal);
        }
    }
}

impl JobNotifier for SignalQueue {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        for signal in signals {
            self.add(QueuedSignal { signal: signal.clone(), failed_attempts: 0 }, delay);
        }
        Ok(())
    }
}

impl CountSignals for SignalQueue {
    fn backlog(&self) -> Backlog {
        let state = self.state();
        Backlog { waiting: state.count, dead: state.dead.len() }
    }
}

impl Redrive for SignalQueue {
    async fn redrive(&self, workspace: &Workspace) -> Result<RedriveReport, Error> {
        let is_own = |signal: &mut JobSignal| signal.workspace == *workspace;
        let dead: Vec<JobSignal> = self.state().dead.extract_if(.., is_own).collect();
        self.notify(&dead, Duration::ZERO).await?;
        Ok(RedriveReport { signals: dead.len() as u64, more: false })
    }
}

#[cfg(test)]
mod tests {
    use writ_model::SignalKind;

    use super::*;

    /// More than any test has.
    const ALL: WorkspaceShare = WorkspaceShare(100);

    fn signal(workspace: &str, job_id: &str) -> JobSignal {
        JobSignal {
            workspace: workspace.parse().unwrap(),
            job_id: job_id.to_owned(),
            kind: SignalKind::Queue,
        }
    }

    async fn ids(queue: &SignalQueue, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(queue.next(ALL).await.signal.job_id);
        }
        ids
    }

    #[tokio::test]
    async fn workspaces_take_turns_and_each_is_first_in_first_out() {
        let queue = SignalQueue::default();
        for id in ["a1", "a2", "a3"] {
            queue.notify(&[signal("a", id)], Duration::ZERO).await.unwrap();
        }
        queue.notify(&[signal("b", "b1"), signal("b", "b2")], Duration::ZERO).await.unwrap();
        assert_eq!(ids(&queue, 5).await, ["a1", "b1", "a2", "b2", "a3"]);
        assert_eq!(queue.backlog(), Backlog { waiting: 0, dead: 0 });
    }

    #[tokio::test]
    async fn a_workspace_whose_signals_take_long_leaves_runners_to_others() {
        let queue = SignalQueue::default();
        for id in ["a1", "a2", "a3"] {
            queue.notify(&[signal("a", id)], Duration::ZERO).await.unwrap();
        }
        let share = WorkspaceShare::of(3);
        assert_eq!(queue.next(share).await.signal.job_id, "a1");
        assert_eq!(queue.next(share).await.signal.job_id, "a2");
        let third = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next(share).await.signal.job_id }
        });
        tokio::task::yield_now().await;
        queue.notify(&[signal("b", "b1")], Duration::ZERO).await.unwrap();
        assert_eq!(third.await.unwrap(), "b1");
        let fourth = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next(share).await.signal.job_id }
        });
        tokio::task::yield_now().await;
        queue.finish(&signal("a", "a1").workspace);
        assert_eq!(fourth.await.unwrap(), "a3");
    }

    #[test]
    fn a_workspace_has_three_quarters_of_the_runners_and_at_least_one() {
        let shares = [1, 2, 3, 4, 8].map(|runners| WorkspaceShare::of(runners).0);
        assert_eq!(shares, [1, 1, 2, 3, 6]);
    }

    #[tokio::test]
    async fn a_signal_with_a_delay_comes_after_it_and_delays_no_other() {
        let queue = SignalQueue::default();
        let started = Instant::now();
        let delay = Duration::from_millis(30);
        queue.notify(&[signal("a", "late")], delay).await.unwrap();
        queue.notify(&[signal("a", "soon")], Duration::ZERO).await.unwrap();
        assert_eq!(ids(&queue, 2).await, ["soon", "late"]);
        assert!(started.elapsed() >= delay);
    }

    #[tokio::test]
    async fn a_signal_that_fails_too_often_is_a_dead_letter_until_its_workspace_redrives_it() {
        let queue = SignalQueue { retry_delay: Duration::from_millis(1), ..SignalQueue::default() };
        for workspace in ["a", "b"] {
            queue.notify(&[signal(workspace, "bad")], Duration::ZERO).await.unwrap();
        }
        for _ in 0..2 * ATTEMPTS_MAX {
            queue.requeue(queue.next(ALL).await);
        }
        assert_eq!(queue.backlog(), Backlog { waiting: 0, dead: 2 });
        let own = signal("a", "bad");
        let report = queue.redrive(&own.workspace).await.unwrap();
        assert_eq!(report, RedriveReport { signals: 1, more: false });
        assert_eq!(queue.backlog(), Backlog { waiting: 1, dead: 1 });
        assert_eq!(queue.next(ALL).await, QueuedSignal { signal: own, failed_attempts: 0 });
        assert_eq!(queue.backlog(), Backlog { waiting: 0, dead: 1 });
    }

    #[tokio::test]
    async fn every_waiter_is_woken_for_a_signal_of_its_own() {
        let queue = SignalQueue::default();
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next(ALL).await.signal.job_id })
            })
            .collect();
        tokio::task::yield_now().await;
        let signals: Vec<_> = (0..8).map(|number| signal("a", &number.to_string())).collect();
        queue.notify(&signals, Duration::ZERO).await.unwrap();
        let mut queued = Vec::new();
        for task in waiting {
            queued.push(task.await.unwrap());
        }
        queued.sort();
        assert_eq!(queued, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }
}
