//! Which worker serves which call: one policy of one workspace per worker, a bounded number of
//! them, shared out so that nobody starves; `slots` has the rules.
//!
//! It is generic over the worker, so that its order is tested without processes.

mod slots;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use writ_model::run::RunClass;
use writ_model::{Digest, Language};

use crate::Cancellation;

use slots::Slots;

/// What a worker belongs to. No worker ever serves two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Nothing for a check, which runs nothing and belongs to nobody.
    pub(crate) workspace: Option<String>,
    /// The policy's URI: equal code in two policies is still two policies' code. Nothing for a
    /// check.
    pub(crate) policy: Option<String>,
    pub(crate) language: Language,
    pub(crate) digest: Digest,
}

/// Who asks for a place, and what for.
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
    /// Of each class.
    pub(crate) waiting_max: usize,
}

impl Bounds {
    /// How many places jobs may hold at once: half, rounded down, since they hold them for
    /// minutes. Where there is one place only, they share it.
    pub(crate) fn jobs_max(&self) -> usize {
        (self.workers_max / 2).max(1)
    }

    /// How many of its places a key's jobs may hold: all but one, or a policy's long jobs would
    /// keep its own requests waiting.
    pub(crate) fn jobs_per_key_max(&self) -> usize {
        self.workers_per_key_max.saturating_sub(1).max(1)
    }
}

/// What a call gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Grant<W> {
    /// A worker of its own key that was idle.
    Idle(W),
    /// A place for a new worker, and whom that place was taken from.
    Slot { evicted: Option<W> },
}

/// Why a call gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing became free in time, or too many wait already.
    Busy,
    /// The pool was closed.
    Closed,
    /// Whoever asked does not want it any more.
    Cancelled,
}

/// Idle workers, places, and who waits for them.
///
/// Whoever got a [`Grant`] holds one place and gives it back by [`Pool::release`],
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

    /// A worker or a place for one, now or within `acquire_timeout`; without one it waits until it is
    /// cancelled. What was granted before a cancellation is handed out nevertheless.
    pub(crate) fn acquire(
        &self,
        claim: &AcquireRequest,
        acquire_timeout: Option<Duration>,
        cancellation: &Cancellation,
    ) -> Result<Grant<W>, Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if let Some(grant) = state.slots.grant(claim) {
            return Ok(grant);
        }
        let wake = cancellation.wake();
        let ticket = state.slots.queue(claim, wake).ok_or(Refused::Busy)?;
        let until = acquire_timeout.map(|acquire_timeout| Instant::now() + acquire_timeout);
        loop {
            if let Some(grant) = state.slots.collect(ticket) {
                return Ok(grant);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let refused = match left {
                _ if state.closed => Some(Refused::Closed),
                _ if cancellation.is_cancelled() => Some(Refused::Cancelled),
                Some(Duration::ZERO) => Some(Refused::Busy),
                _ => None,
            };
            if let Some(refused) = refused {
                state.slots.leave(claim, ticket);
                return Err(refused);
            }
            state = match left {
                None => wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Has a cancelled caller of [`Pool::acquire`] notice.
    pub(crate) fn wake(&self, cancellation: &Cancellation) {
        // With the lock: one who has not seen the cancellation before he sleeps is asleep now.
        let _state = self.state();
        cancellation.wake().notify_one();
    }

    /// Keeps a worker for the next call with its key. Gives it back once the pool is closed.
    pub(crate) fn release(&self, claim: &AcquireRequest, worker: W) -> Option<W> {
        let mut state = self.state();
        if state.closed {
            state.slots.give_back(claim);
            return Some(worker);
        }
        state.slots.release(claim, worker);
        None
    }

    /// Gives back the place of a worker that is no more.
    pub(crate) fn release_slot(&self, claim: &AcquireRequest) {
        let mut state = self.state();
        if state.closed {
            state.slots.give_back(claim);
        } else {
            state.slots.release_slot(claim);
        }
    }

    /// Keeps the place of a worker that is no more for its successor, as firmly as if that one
    /// were idle already: a policy whose workers serve one run each is not to lose its place
    /// after every run. Until [`Pool::take_reserved`], a call with this key may use it.
    pub(crate) fn reserve(&self, claim: &AcquireRequest) {
        let mut state = self.state();
        if state.closed {
            state.slots.give_back(claim);
        } else {
            state.slots.reserve(claim);
        }
    }

    /// The reserved place, if it is still there: it is now held to prepare a worker in, which is
    /// nobody's job.
    pub(crate) fn take_reserved(&self, key: &Key) -> Option<AcquireRequest> {
        let is_held = self.state().slots.take_reserved(key);
        is_held.then(|| AcquireRequest { key: key.clone(), class: RunClass::Request })
    }

    /// Grants nothing any more, and hands out the idle workers.
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

    fn claim(workspace: &str, policy: &str, class: RunClass) -> AcquireRequest {
        let key = Key {
            workspace: Some(workspace.to_owned()),
            policy: Some(policy.to_owned()),
            language: Language::Rego,
            digest: Digest::of(b"the code of them all"),
        };
        AcquireRequest { key, class }
    }

    pub(super) fn request(workspace: &str, policy: &str) -> AcquireRequest {
        claim(workspace, policy, RunClass::Request)
    }

    pub(super) fn job(workspace: &str, policy: &str) -> AcquireRequest {
        claim(workspace, policy, RunClass::Job)
    }

    fn acquire(
        pool: &Pool<u32>,
        claim: &AcquireRequest,
        acquire_timeout: Duration,
    ) -> Result<Grant<u32>, Refused> {
        pool.acquire(claim, Some(acquire_timeout), &Cancellation::default())
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
        assert_eq!(acquire(&pool, &greedy, NOW), Err(Refused::Busy));
        assert_eq!(acquire(&pool, &request("w", "b"), NOW), Ok(Grant::Slot { evicted: None }));
        assert_eq!(acquire(&pool, &request("w", "c"), NOW), Err(Refused::Busy));
    }

    #[test]
    fn the_longest_idle_worker_makes_room() {
        let pool = Pool::new(BOUNDS);
        let claims = [request("w", "a"), request("w", "b"), request("w", "c")];
        for claim in &claims {
            assert_eq!(acquire(&pool, claim, NOW), Ok(Grant::Slot { evicted: None }));
        }
        for (number, claim) in (0..).zip(&claims) {
            pool.release(claim, number);
        }
        assert_eq!(acquire(&pool, &request("w", "d"), NOW), Ok(Grant::Slot { evicted: Some(0) }));
        assert_eq!(acquire(&pool, &request("w", "c"), NOW), Ok(Grant::Idle(2)));
    }

    #[test]
    fn who_holds_places_does_not_take_the_last_idle_worker_of_another() {
        let pool = Pool::new(BOUNDS);
        let (warm, greedy) = (request("w", "warm"), request("w", "greedy"));
        assert!(acquire(&pool, &warm, NOW).is_ok());
        pool.release(&warm, 1);
        assert!(acquire(&pool, &greedy, NOW).is_ok());
        assert!(acquire(&pool, &request("w", "other"), NOW).is_ok());
        assert_eq!(acquire(&pool, &greedy, NOW), Err(Refused::Busy));
        assert_eq!(acquire(&pool, &warm, NOW), Ok(Grant::Idle(1)));
    }

    #[test]
    fn those_who_wait_are_served_in_their_order() {
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
    fn one_who_waits_for_his_own_share_does_not_hold_up_the_others() {
        let pool = Pool::new(BOUNDS);
        let greedy = request("w", "greedy");
        for _ in 0..2 {
            assert!(acquire(&pool, &greedy, NOW).is_ok());
        }
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| acquire(&pool, &greedy, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(acquire(&pool, &request("w", "b"), NOW), Ok(Grant::Slot { evicted: None }));
            pool.release_slot(&greedy);
            assert_eq!(waiter.join().unwrap(), Ok(Grant::Slot { evicted: None }));
        });
    }

    #[test]
    fn closing_wakes_everyone_and_keeps_nothing() {
        let pool = Pool::new(Bounds { workers_per_key_max: 1, ..BOUNDS });
        let (idle, busy) = (request("w", "idle"), request("w", "busy"));
        assert!(acquire(&pool, &idle, NOW).is_ok());
        assert!(acquire(&pool, &busy, NOW).is_ok());
        pool.release(&idle, 1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| acquire(&pool, &busy, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(pool.close(), [1]);
            assert_eq!(waiter.join().unwrap(), Err(Refused::Closed));
        });
        assert_eq!(pool.release(&busy, 2), Some(2));
        assert_eq!(acquire(&pool, &busy, NOW), Err(Refused::Closed));
        assert!(pool.close().is_empty());
    }

    #[test]
    fn too_many_do_not_wait() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, waiting_max: 1, ..BOUNDS });
        let (busy, other) = (request("w", "busy"), request("w", "other"));
        assert!(acquire(&pool, &busy, NOW).is_ok());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| acquire(&pool, &other, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(acquire(&pool, &other, LONG), Err(Refused::Busy));
            pool.release_slot(&busy);
            assert!(waiter.join().unwrap().is_ok());
        });
    }

    #[test]
    fn one_whose_patience_ends_takes_nothing_with_him() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        let (busy, other) = (request("w", "busy"), request("w", "other"));
        assert!(acquire(&pool, &busy, NOW).is_ok());
        assert_eq!(acquire(&pool, &other, Duration::from_millis(1)), Err(Refused::Busy));
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
    fn jobs_that_wait_take_no_request_its_place_in_the_queue() {
        let bounds = Bounds { workers_max: 1, waiting_max: 1, ..BOUNDS };
        let pool: Pool<u32> = Pool::new(bounds);
        let busy = request("w", "busy");
        assert!(acquire(&pool, &busy, NOW).is_ok());
        std::thread::scope(|scope| {
            scope.spawn(|| pool.acquire(&job("w", "a"), None, &Cancellation::default()));
            wait_for_queue(&pool, 1);
            assert_eq!(acquire(&pool, &job("w", "b"), LONG), Err(Refused::Busy));
            scope.spawn(|| acquire(&pool, &request("w", "c"), LONG));
            wait_for_queue(&pool, 2);
            pool.close();
        });
    }

    #[test]
    fn one_who_is_cancelled_waits_no_longer_and_takes_nothing_with_him() {
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
                pool.wake(&cancellation);
                assert_eq!(waiter.join().unwrap(), Err(Refused::Cancelled));
            });
            wait_for_queue(&pool, 0);
        }
        pool.release_slot(&busy);
        assert!(acquire(&pool, &busy, NOW).is_ok());
    }

    #[test]
    fn one_who_was_cancelled_before_he_asked_does_not_wait() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        assert!(acquire(&pool, &request("w", "busy"), NOW).is_ok());
        let cancellation = Cancellation::default();
        cancellation.cancel();
        let refused = pool.acquire(&job("w", "other"), None, &cancellation);
        assert_eq!(refused, Err(Refused::Cancelled));
    }
}
