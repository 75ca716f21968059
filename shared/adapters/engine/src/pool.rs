//! The assignment of workers to calls: one policy of one workspace per worker, and a bounded number
//! of workers, granted so that no policy starves. The rules are in `slots`.
//!
//! It is generic over the worker, so that its order is tested without processes.

mod slots;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use writ_model::run::RunClass;
use writ_model::{Digest, Language};

use crate::Cancellation;

use slots::Slots;

/// What a worker belongs to. No worker ever serves two keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) workspace: String,
    pub(crate) work: Work,
}

/// What a worker does for its workspace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// It runs a policy.
    Run {
        /// The policy's URI: two policies with equal code do not share workers.
        policy: String,
        language: Language,
        digest: Digest,
    },
    /// It compiles something or applies schemas, and runs nothing. All such work of a workspace has
    /// one key, so that the workspace's share of workers is bounded, whatever it sends.
    Check,
}

/// A request for a slot: the key and the class of the run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AcquireRequest {
    pub(crate) key: Key,
    pub(crate) class: RunClass,
}

/// The pool's bounds; see [`EngineConfig`](crate::EngineConfig).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) workers_max: usize,
    pub(crate) workers_per_key_max: usize,
    /// The most waiting calls of each class.
    pub(crate) waiting_max: usize,
}

impl Bounds {
    /// The most slots that jobs may hold at once: half, rounded down, since jobs hold them for
    /// minutes, but at least one.
    pub(crate) fn jobs_max(&self) -> usize {
        (self.workers_max / 2).max(1)
    }

    /// The most slots that one workspace may hold: half, rounded up.
    pub(crate) fn workers_per_workspace_max(&self) -> usize {
        self.workers_max.div_ceil(2)
    }

    /// The most slots that the jobs of one key may hold: all but one, or a policy's long jobs would
    /// keep its own requests waiting. At least one.
    pub(crate) fn jobs_per_key_max(&self) -> usize {
        self.workers_per_key_max.saturating_sub(1).max(1)
    }
}

/// The grant of a slot to a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Grant<W> {
    /// An idle worker of the call's own key.
    Idle(W),
    /// A slot for a new worker, and the idle worker that was evicted for it.
    Slot { evicted: Option<W> },
}

/// Why a call gets no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcquireError {
    /// No slot became free in time, or too many calls wait already.
    Busy,
    /// The pool was closed.
    Closed,
    /// The run was cancelled while it waited.
    Cancelled,
}

/// Idle workers, slots, and the calls that wait for them.
///
/// A caller with a [`Grant`] holds one slot and must release it by [`Pool::release`],
/// [`Pool::reserve`] or [`Pool::release_slot`].
#[derive(Debug)]
pub(crate) struct Pool<W> {
    bounds: Bounds,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    slots: Slots<W>,
    closed: bool,
}

impl<W> Pool<W> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::new(State { slots: Slots::new(bounds), closed: false }) }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Acquires an idle worker, or a slot for a new one, now or within `acquire_timeout`; without a
    /// timeout it waits until it is cancelled. A grant from before a cancellation is still returned.
    pub(crate) fn acquire(
        &self,
        request: &AcquireRequest,
        acquire_timeout: Option<Duration>,
        cancellation: &Cancellation,
    ) -> Result<Grant<W>, AcquireError> {
        let mut state = self.state();
        if state.closed {
            return Err(AcquireError::Closed);
        }
        if let Some(grant) = state.slots.try_grant(request) {
            return Ok(grant);
        }
        let condvar = cancellation.condvar();
        let ticket = state.slots.enqueue(request, condvar).ok_or(AcquireError::Busy)?;
        let deadline = acquire_timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(grant) = state.slots.take_grant(ticket) {
                return Ok(grant);
            }
            let remaining =
                deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let error = match remaining {
                _ if state.closed => Some(AcquireError::Closed),
                _ if cancellation.is_cancelled() => Some(AcquireError::Cancelled),
                Some(Duration::ZERO) => Some(AcquireError::Busy),
                _ => None,
            };
            if let Some(error) = error {
                state.slots.cancel_wait(request, ticket);
                return Err(error);
            }
            state = match remaining {
                None => condvar.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(remaining) => {
                    condvar.wait_timeout(state, remaining).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Notifies a waiting caller of [`Pool::acquire`] that its run was cancelled.
    pub(crate) fn notify(&self, cancellation: &Cancellation) {
        // INVARIANT: the lock is held, so a caller that has not seen the cancellation waits on the
        // condition variable by now.
        let _state = self.state();
        cancellation.condvar().notify_one();
    }

    /// Releases a slot with an idle worker for the next call of its key. Returns the worker if the
    /// pool is closed.
    pub(crate) fn release(&self, request: &AcquireRequest, worker: W) -> Option<W> {
        let mut state = self.state();
        if state.closed {
            state.slots.release_without_dispatch(request);
            return Some(worker);
        }
        state.slots.release(request, worker);
        None
    }

    /// Releases the slot of a worker that is gone.
    pub(crate) fn release_slot(&self, request: &AcquireRequest) {
        let mut state = self.state();
        if state.closed {
            state.slots.release_without_dispatch(request);
        } else {
            state.slots.release_slot(request);
        }
    }

    /// Reserves the slot of a worker that is gone for its successor, as if that one were already
    /// idle: a policy with workers that serve one run each must not lose its slot after every run.
    /// Until [`Pool::take_reserved`], a call with this key may use the slot.
    pub(crate) fn reserve(&self, request: &AcquireRequest) {
        let mut state = self.state();
        if state.closed {
            state.slots.release_without_dispatch(request);
        } else {
            state.slots.reserve(request);
        }
    }

    /// Takes the reserved slot, if it is still unused, to prepare a worker in it. It counts as held
    /// by a request, since preparing a worker is no job.
    pub(crate) fn take_reserved(&self, key: &Key) -> Option<AcquireRequest> {
        let is_held = self.state().slots.take_reserved(key);
        is_held.then(|| AcquireRequest { key: key.clone(), class: RunClass::Request })
    }

    /// Closes the pool: it grants nothing any more. Returns the idle workers.
    pub(crate) fn close(&self) -> Vec<W> {
        let mut state = self.state();
        state.closed = true;
        state.slots.clear()
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        // INVARIANT: nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { workers_max: 3, workers_per_key_max: 2, waiting_max: 10 };
    const LONG: Duration = Duration::from_secs(600);
    const NOW: Duration = Duration::ZERO;

    fn acquire_request(workspace: &str, policy: &str, class: RunClass) -> AcquireRequest {
        let key = Key {
            workspace: workspace.to_owned(),
            work: Work::Run {
                policy: policy.to_owned(),
                language: Language::Rego,
                digest: Digest::of(b"the code of them all"),
            },
        };
        AcquireRequest { key, class }
    }

    pub(super) fn request(workspace: &str, policy: &str) -> AcquireRequest {
        acquire_request(workspace, policy, RunClass::Request)
    }

    pub(super) fn job(workspace: &str, policy: &str) -> AcquireRequest {
        acquire_request(workspace, policy, RunClass::Job)
    }

    fn acquire(
        pool: &Pool<u32>,
        acquire_request: &AcquireRequest,
        timeout: Duration,
    ) -> Result<Grant<u32>, AcquireError> {
        pool.acquire(acquire_request, Some(timeout), &Cancellation::default())
    }

    fn wait_for_queue(pool: &Pool<u32>, length: usize) {
        let waiting = || {
            let slots = &pool.state().slots;
            slots.waiting(RunClass::Request) + slots.waiting(RunClass::Job)
        };
        while waiting() != length {
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_idle_worker_serves_its_own_key_only() {
        let pool = Pool::new(BOUNDS);
        let mine = request("mine", "a");
        assert_eq!(acquire(&pool, &mine, NOW), Ok(Grant::Slot { evicted: None }));
        pool.release(&mine, 1);
        for other in [request("yours", "a"), request("mine", "b")] {
            assert_eq!(acquire(&pool, &other, NOW), Ok(Grant::Slot { evicted: None }));
        }
        assert_eq!(acquire(&pool, &mine, NOW), Ok(Grant::Idle(1)));
    }

    #[test]
    fn a_key_never_gets_more_than_its_share_and_leaves_the_rest_to_others() {
        let pool: Pool<u32> = Pool::new(BOUNDS);
        let greedy = request("w", "greedy");
        for _ in 0..2 {
            assert_eq!(acquire(&pool, &greedy, NOW), Ok(Grant::Slot { evicted: None }));
        }
        assert_eq!(acquire(&pool, &greedy, NOW), Err(AcquireError::Busy));
        assert_eq!(acquire(&pool, &request("v", "b"), NOW), Ok(Grant::Slot { evicted: None }));
        assert_eq!(acquire(&pool, &request("v", "c"), NOW), Err(AcquireError::Busy));
    }

    #[test]
    fn the_longest_idle_worker_is_evicted() {
        let pool = Pool::new(BOUNDS);
        let acquire_requests = [request("u", "a"), request("v", "b"), request("w", "c")];
        for acquire_request in &acquire_requests {
            assert_eq!(acquire(&pool, acquire_request, NOW), Ok(Grant::Slot { evicted: None }));
        }
        for (number, acquire_request) in (0..).zip(&acquire_requests) {
            pool.release(acquire_request, number);
        }
        assert_eq!(acquire(&pool, &request("w", "d"), NOW), Ok(Grant::Slot { evicted: Some(0) }));
        assert_eq!(acquire(&pool, &request("w", "c"), NOW), Ok(Grant::Idle(2)));
    }

    #[test]
    fn a_key_with_slots_does_not_evict_the_last_idle_worker_of_another() {
        let pool = Pool::new(BOUNDS);
        let (warm, greedy) = (request("w", "warm"), request("w", "greedy"));
        assert!(acquire(&pool, &warm, NOW).is_ok());
        pool.release(&warm, 1);
        assert!(acquire(&pool, &greedy, NOW).is_ok());
        assert!(acquire(&pool, &request("v", "other"), NOW).is_ok());
        assert_eq!(acquire(&pool, &greedy, NOW), Err(AcquireError::Busy));
        assert_eq!(acquire(&pool, &warm, NOW), Ok(Grant::Idle(1)));
    }

    #[test]
    fn waiting_calls_are_served_in_their_order() {
        let pool = Pool::new(Bounds { workers_max: 1, workers_per_key_max: 1, ..BOUNDS });
        let same = request("w", "a");
        assert_eq!(acquire(&pool, &same, NOW), Ok(Grant::Slot { evicted: None }));
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for number in 0..5 {
                let (pool, order, same) = (&pool, &order, &same);
                scope.spawn(move || {
                    assert_eq!(acquire(pool, same, LONG), Ok(Grant::Idle(7)));
                    order.lock().unwrap().push(number);
                    pool.release(same, 7);
                });
                wait_for_queue(pool, number + 1);
            }
            pool.release(&same, 7);
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_call_that_waits_for_its_keys_share_does_not_block_the_others() {
        let pool = Pool::new(BOUNDS);
        let greedy = request("w", "greedy");
        for _ in 0..2 {
            assert!(acquire(&pool, &greedy, NOW).is_ok());
        }
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| acquire(&pool, &greedy, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(acquire(&pool, &request("v", "b"), NOW), Ok(Grant::Slot { evicted: None }));
            pool.release_slot(&greedy);
            assert_eq!(waiter.join().unwrap(), Ok(Grant::Slot { evicted: None }));
        });
    }

    #[test]
    fn closing_notifies_every_waiter_and_keeps_nothing() {
        let pool = Pool::new(Bounds { workers_per_key_max: 1, ..BOUNDS });
        let (idle, busy) = (request("w", "idle"), request("w", "busy"));
        assert!(acquire(&pool, &idle, NOW).is_ok());
        assert!(acquire(&pool, &busy, NOW).is_ok());
        pool.release(&idle, 1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| acquire(&pool, &busy, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(pool.close(), [1]);
            assert_eq!(waiter.join().unwrap(), Err(AcquireError::Closed));
        });
        assert_eq!(pool.release(&busy, 2), Some(2));
        assert_eq!(acquire(&pool, &busy, NOW), Err(AcquireError::Closed));
        assert!(pool.close().is_empty());
    }

    #[test]
    fn a_call_beyond_the_queues_limit_is_refused() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, waiting_max: 1, ..BOUNDS });
        let (busy, other) = (request("w", "busy"), request("w", "other"));
        assert!(acquire(&pool, &busy, NOW).is_ok());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| acquire(&pool, &other, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(acquire(&pool, &other, LONG), Err(AcquireError::Busy));
            pool.release_slot(&busy);
            assert!(waiter.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_call_that_times_out_leaves_nothing_behind() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        let (busy, other) = (request("w", "busy"), request("w", "other"));
        assert!(acquire(&pool, &busy, NOW).is_ok());
        assert_eq!(acquire(&pool, &other, Duration::from_millis(1)), Err(AcquireError::Busy));
        pool.release_slot(&busy);
        assert!(acquire(&pool, &busy, NOW).is_ok());
    }

    #[test]
    fn a_job_waits_until_it_gets_something() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        let busy = request("w", "busy");
        assert!(acquire(&pool, &busy, NOW).is_ok());
        std::thread::scope(|scope| {
            let waiter =
                scope.spawn(|| pool.acquire(&job("w", "other"), None, &Cancellation::default()));
            wait_for_queue(&pool, 1);
            pool.release_slot(&busy);
            assert_eq!(waiter.join().unwrap(), Ok(Grant::Slot { evicted: None }));
        });
    }

    #[test]
    fn waiting_jobs_do_not_fill_the_queue_of_requests() {
        let bounds = Bounds { workers_max: 1, waiting_max: 1, ..BOUNDS };
        let pool: Pool<u32> = Pool::new(bounds);
        let busy = request("w", "busy");
        assert!(acquire(&pool, &busy, NOW).is_ok());
        std::thread::scope(|scope| {
            scope.spawn(|| pool.acquire(&job("w", "a"), None, &Cancellation::default()));
            wait_for_queue(&pool, 1);
            assert_eq!(acquire(&pool, &job("w", "b"), LONG), Err(AcquireError::Busy));
            scope.spawn(|| acquire(&pool, &request("w", "c"), LONG));
            wait_for_queue(&pool, 2);
            pool.close();
        });
    }

    #[test]
    fn a_cancelled_call_waits_no_longer_and_leaves_nothing_behind() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        let busy = request("w", "busy");
        assert!(acquire(&pool, &busy, NOW).is_ok());
        for acquire_timeout in [Some(LONG), None] {
            let cancellation = Cancellation::default();
            std::thread::scope(|scope| {
                let other = job("w", "other");
                let waiter = scope.spawn({
                    let (pool, cancellation) = (&pool, &cancellation);
                    move || pool.acquire(&other, acquire_timeout, cancellation)
                });
                wait_for_queue(&pool, 1);
                cancellation.cancel();
                pool.notify(&cancellation);
                assert_eq!(waiter.join().unwrap(), Err(AcquireError::Cancelled));
            });
            wait_for_queue(&pool, 0);
        }
        pool.release_slot(&busy);
        assert!(acquire(&pool, &busy, NOW).is_ok());
    }

    #[test]
    fn a_call_that_was_already_cancelled_does_not_wait() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        assert!(acquire(&pool, &request("w", "busy"), NOW).is_ok());
        let cancellation = Cancellation::default();
        cancellation.cancel();
        let error = pool.acquire(&job("w", "other"), None, &cancellation);
        assert_eq!(error, Err(AcquireError::Cancelled));
    }
}
