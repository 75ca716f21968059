//! Which worker serves which call: one policy of one workspace per worker, a bounded number of
//! them, shared out so that nobody starves; `places` has the rules.
//!
//! It is generic over the worker, so that its order is tested without processes.

mod places;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use writ_model::{Digest, Language};

use places::Places;

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

/// The pool's bounds; see [`EngineConfig`](crate::EngineConfig).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) workers_max: usize,
    pub(crate) workers_per_key_max: usize,
    pub(crate) waiting_max: usize,
}

/// What a call gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Grant<W> {
    /// A worker of its own key that was idle.
    Idle(W),
    /// A place for a new worker, and whom that place was taken from.
    Place { evicted: Option<W> },
}

/// Why a call gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing became free in time, or too many wait already.
    Busy,
    /// The pool was closed.
    Closed,
}

/// Idle workers, places, and who waits for them.
///
/// Whoever got a [`Grant`] holds one place and gives it back by [`Pool::release`],
/// [`Pool::reserve`] or [`Pool::retire`].
#[derive(Debug)]
pub(crate) struct Pool<W> {
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    places: Places<W>,
    closed: bool,
}

impl<W> Pool<W> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { state: Mutex::new(State { places: Places::new(bounds), closed: false }) }
    }

    /// A worker or a place for one, now or within `patience`.
    pub(crate) fn acquire(&self, key: &Key, patience: Duration) -> Result<Grant<W>, Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if let Some(grant) = state.places.grant(key) {
            return Ok(grant);
        }
        if patience.is_zero() {
            return Err(Refused::Busy);
        }
        let (ticket, wake) = state.places.queue(key).ok_or(Refused::Busy)?;
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            (state, _) = wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            if let Some(grant) = state.places.collect(ticket) {
                return Ok(grant);
            }
            if state.closed || Instant::now() >= until {
                state.places.leave(key, ticket);
                return Err(if state.closed { Refused::Closed } else { Refused::Busy });
            }
        }
    }

    /// Keeps a worker for the next call with this key. Gives it back once the pool is closed.
    pub(crate) fn release(&self, key: Key, worker: W) -> Option<W> {
        let mut state = self.state();
        if state.closed {
            state.places.give_back(&key);
            return Some(worker);
        }
        state.places.release(key, worker);
        None
    }

    /// Gives back the place of a worker that is no more.
    pub(crate) fn retire(&self, key: &Key) {
        let mut state = self.state();
        if state.closed {
            state.places.give_back(key);
        } else {
            state.places.retire(key);
        }
    }

    /// Keeps the place of a worker that is no more for its successor, as firmly as if that one
    /// were idle already: a policy whose workers serve one run each is not to lose its place
    /// after every run. Until [`Pool::take_reserved`], a call with this key may use it.
    pub(crate) fn reserve(&self, key: Key) {
        let mut state = self.state();
        if state.closed {
            state.places.give_back(&key);
        } else {
            state.places.reserve(key);
        }
    }

    /// Whether the reserved place is still there, and is now held to prepare a worker in.
    pub(crate) fn take_reserved(&self, key: &Key) -> bool {
        self.state().places.take_reserved(key)
    }

    /// Grants nothing any more, and hands out the idle workers.
    pub(crate) fn close(&self) -> Vec<W> {
        let mut state = self.state();
        state.closed = true;
        state.places.clear()
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

    pub(super) fn key(workspace: &str, policy: &str) -> Key {
        Key {
            workspace: Some(workspace.to_owned()),
            policy: Some(policy.to_owned()),
            language: Language::Rego,
            digest: Digest::of(b"the code of them all"),
        }
    }

    fn wait_for_queue(pool: &Pool<u32>, length: usize) {
        while pool.state().places.waiting() != length {
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_idle_worker_serves_its_own_key_only() {
        let pool = Pool::new(BOUNDS);
        let mine = key("mine", "a");
        assert_eq!(pool.acquire(&mine, NOW), Ok(Grant::Place { evicted: None }));
        pool.release(mine.clone(), 1);
        for other in [key("yours", "a"), key("mine", "b")] {
            assert_eq!(pool.acquire(&other, NOW), Ok(Grant::Place { evicted: None }));
        }
        assert_eq!(pool.acquire(&mine, NOW), Ok(Grant::Idle(1)));
    }

    #[test]
    fn a_key_never_gets_more_than_its_share_and_leaves_the_rest_to_others() {
        let pool: Pool<u32> = Pool::new(BOUNDS);
        let greedy = key("w", "greedy");
        for _ in 0..2 {
            assert_eq!(pool.acquire(&greedy, NOW), Ok(Grant::Place { evicted: None }));
        }
        assert_eq!(pool.acquire(&greedy, NOW), Err(Refused::Busy));
        assert_eq!(pool.acquire(&key("w", "b"), NOW), Ok(Grant::Place { evicted: None }));
        assert_eq!(pool.acquire(&key("w", "c"), NOW), Err(Refused::Busy));
    }

    #[test]
    fn the_longest_idle_worker_makes_room() {
        let pool = Pool::new(BOUNDS);
        let keys = [key("w", "a"), key("w", "b"), key("w", "c")];
        for key in &keys {
            assert_eq!(pool.acquire(key, NOW), Ok(Grant::Place { evicted: None }));
        }
        for (number, key) in keys.into_iter().enumerate() {
            pool.release(key, number);
        }
        assert_eq!(pool.acquire(&key("w", "d"), NOW), Ok(Grant::Place { evicted: Some(0) }));
        assert_eq!(pool.acquire(&key("w", "c"), NOW), Ok(Grant::Idle(2)));
    }

    #[test]
    fn who_holds_places_does_not_take_the_last_idle_worker_of_another() {
        let pool = Pool::new(BOUNDS);
        let (warm, greedy) = (key("w", "warm"), key("w", "greedy"));
        assert!(pool.acquire(&warm, NOW).is_ok());
        pool.release(warm.clone(), 1);
        assert!(pool.acquire(&greedy, NOW).is_ok());
        assert!(pool.acquire(&key("w", "other"), NOW).is_ok());
        assert_eq!(pool.acquire(&greedy, NOW), Err(Refused::Busy));
        assert_eq!(pool.acquire(&warm, NOW), Ok(Grant::Idle(1)));
    }

    #[test]
    fn those_who_wait_are_served_in_their_order() {
        let pool = Pool::new(Bounds { workers_max: 1, workers_per_key_max: 1, ..BOUNDS });
        let same = key("w", "a");
        assert_eq!(pool.acquire(&same, NOW), Ok(Grant::Place { evicted: None }));
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for number in 0..5 {
                let (pool, order, same) = (&pool, &order, &same);
                scope.spawn(move || {
                    assert_eq!(pool.acquire(same, LONG), Ok(Grant::Idle(7)));
                    order.lock().unwrap().push(number);
                    pool.release(same.clone(), 7);
                });
                wait_for_queue(pool, number + 1);
            }
            pool.release(same.clone(), 7);
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn one_who_waits_for_his_own_share_does_not_hold_up_the_others() {
        let pool = Pool::new(BOUNDS);
        let greedy = key("w", "greedy");
        for _ in 0..2 {
            assert!(pool.acquire(&greedy, NOW).is_ok());
        }
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| pool.acquire(&greedy, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(pool.acquire(&key("w", "b"), NOW), Ok(Grant::Place { evicted: None }));
            pool.retire(&greedy);
            assert_eq!(waiter.join().unwrap(), Ok(Grant::Place { evicted: None }));
        });
    }

    #[test]
    fn closing_wakes_everyone_and_keeps_nothing() {
        let pool = Pool::new(Bounds { workers_per_key_max: 1, ..BOUNDS });
        let (idle, busy) = (key("w", "idle"), key("w", "busy"));
        assert!(pool.acquire(&idle, NOW).is_ok());
        assert!(pool.acquire(&busy, NOW).is_ok());
        pool.release(idle, 1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| pool.acquire(&busy, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(pool.close(), [1]);
            assert_eq!(waiter.join().unwrap(), Err(Refused::Closed));
        });
        assert_eq!(pool.release(busy.clone(), 2), Some(2));
        assert_eq!(pool.acquire(&busy, NOW), Err(Refused::Closed));
        assert!(pool.close().is_empty());
    }

    #[test]
    fn too_many_do_not_wait() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, waiting_max: 1, ..BOUNDS });
        let (busy, other) = (key("w", "busy"), key("w", "other"));
        assert!(pool.acquire(&busy, NOW).is_ok());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| pool.acquire(&other, LONG));
            wait_for_queue(&pool, 1);
            assert_eq!(pool.acquire(&other, LONG), Err(Refused::Busy));
            pool.retire(&busy);
            assert!(waiter.join().unwrap().is_ok());
        });
    }

    #[test]
    fn one_whose_patience_ends_takes_nothing_with_him() {
        let pool: Pool<u32> = Pool::new(Bounds { workers_max: 1, ..BOUNDS });
        let (busy, other) = (key("w", "busy"), key("w", "other"));
        assert!(pool.acquire(&busy, NOW).is_ok());
        assert_eq!(pool.acquire(&other, Duration::from_millis(1)), Err(Refused::Busy));
        pool.retire(&busy);
        assert!(pool.acquire(&busy, NOW).is_ok());
    }
}
