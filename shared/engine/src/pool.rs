//! Which worker serves which call: one policy of one workspace per worker, a bounded number of
//! them, first come first served.
//!
//! It is generic over the worker, so that its order is tested without processes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use writ_model::{Digest, Language};

/// What a worker belongs to. No worker ever serves two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Nothing for a check, which runs nothing and belongs to nobody.
    pub(crate) workspace: Option<String>,
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
/// Whoever got a [`Grant`] holds one place and gives it back by [`Pool::release`] or
/// [`Pool::retire`].
#[derive(Debug)]
pub(crate) struct Pool<W> {
    bounds: Bounds,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    /// Longest idle first.
    idle: VecDeque<(Key, W)>,
    /// Places taken, by key; an idle worker takes one too.
    taken: HashMap<Key, usize>,
    total: usize,
    /// First come first.
    waiting: VecDeque<Waiting<W>>,
    next_ticket: u64,
    closed: bool,
}

#[derive(Debug)]
struct Waiting<W> {
    ticket: u64,
    key: Key,
    granted: Option<Grant<W>>,
    wake: Arc<Condvar>,
}

impl<W> Pool<W> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let state = State {
            idle: VecDeque::new(),
            taken: HashMap::new(),
            total: 0,
            waiting: VecDeque::new(),
            next_ticket: 0,
            closed: false,
        };
        Self { bounds, state: Mutex::new(state) }
    }

    /// A worker or a place for one, now or within `patience`.
    pub(crate) fn acquire(&self, key: &Key, patience: Duration) -> Result<Grant<W>, Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        // This overtakes nobody: whoever still waits could not have used what is free.
        if let Some(grant) = state.grant(key, self.bounds) {
            return Ok(grant);
        }
        if state.waiting.len() >= self.bounds.waiting_max || patience.is_zero() {
            return Err(Refused::Busy);
        }
        let (ticket, wake) = state.queue(key);
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            (state, _) = wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            let granted = state.granted(ticket);
            if granted || state.closed || Instant::now() >= until {
                let closed = state.closed;
                return match state.leave(ticket) {
                    Some(grant) => Ok(grant),
                    None if closed => Err(Refused::Closed),
                    None => Err(Refused::Busy),
                };
            }
        }
    }

    /// A place for a worker that nobody has asked for yet, if nobody else could use it.
    pub(crate) fn acquire_spare(&self, key: &Key) -> bool {
        let mut state = self.state();
        let room = state.total < self.bounds.workers_max
            && state.taken(key) < self.bounds.workers_per_key_max;
        let wanted = !state.closed && state.waiting.is_empty();
        if !room || !wanted || state.idle.iter().any(|(idle, _)| idle == key) {
            return false;
        }
        state.take(key);
        true
    }

    /// Keeps a worker for the next call with this key. Gives it back once the pool is closed.
    pub(crate) fn release(&self, key: Key, worker: W) -> Option<W> {
        let mut state = self.state();
        if state.closed {
            state.give_back(&key);
            return Some(worker);
        }
        state.idle.push_back((key, worker));
        state.dispatch(self.bounds);
        None
    }

    /// Gives back the place of a worker that is no more.
    pub(crate) fn retire(&self, key: &Key) {
        let mut state = self.state();
        state.give_back(key);
        state.dispatch(self.bounds);
    }

    /// Grants nothing any more, and hands out the idle workers.
    pub(crate) fn close(&self) -> Vec<W> {
        let mut state = self.state();
        state.closed = true;
        for waiting in &state.waiting {
            waiting.wake.notify_one();
        }
        let mut workers = Vec::new();
        while let Some((key, worker)) = state.idle.pop_front() {
            state.give_back(&key);
            workers.push(worker);
        }
        workers
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        // INVARIANT: nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> State<W> {
    fn taken(&self, key: &Key) -> usize {
        self.taken.get(key).copied().unwrap_or(0)
    }

    fn take(&mut self, key: &Key) {
        self.total += 1;
        *self.taken.entry(key.clone()).or_default() += 1;
    }

    fn give_back(&mut self, key: &Key) {
        self.total = self.total.saturating_sub(1);
        match self.taken.get_mut(key) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(self.taken.remove(key)),
        }
    }

    /// What is there for this key.
    fn grant(&mut self, key: &Key, bounds: Bounds) -> Option<Grant<W>> {
        if let Some(position) = self.idle.iter().rposition(|(idle, _)| idle == key) {
            return self.idle.remove(position).map(|(_, worker)| Grant::Idle(worker));
        }
        if self.taken(key) >= bounds.workers_per_key_max {
            return None;
        }
        let evicted = if self.total < bounds.workers_max {
            None
        } else {
            let (evicted_key, worker) = self.idle.pop_front()?;
            self.give_back(&evicted_key);
            Some(worker)
        };
        self.take(key);
        Some(Grant::Place { evicted })
    }

    /// Grants what is there to those who wait, in their order.
    fn dispatch(&mut self, bounds: Bounds) {
        for position in 0..self.waiting.len() {
            let Some(waiting) = self.waiting.get(position) else {
                return;
            };
            if waiting.granted.is_some() {
                continue;
            }
            let key = waiting.key.clone();
            let granted = self.grant(&key, bounds);
            if let Some(waiting) = self.waiting.get_mut(position)
                && granted.is_some()
            {
                waiting.granted = granted;
                waiting.wake.notify_one();
            }
        }
    }

    fn queue(&mut self, key: &Key) -> (u64, Arc<Condvar>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let wake = Arc::new(Condvar::new());
        let key = key.clone();
        self.waiting.push_back(Waiting { ticket, key, granted: None, wake: Arc::clone(&wake) });
        (ticket, wake)
    }

    fn granted(&self, ticket: u64) -> bool {
        self.waiting.iter().any(|waiting| waiting.ticket == ticket && waiting.granted.is_some())
    }

    fn leave(&mut self, ticket: u64) -> Option<Grant<W>> {
        let position = self.waiting.iter().position(|waiting| waiting.ticket == ticket)?;
        self.waiting.remove(position)?.granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { workers_max: 3, workers_per_key_max: 2, waiting_max: 10 };
    const LONG: Duration = Duration::from_secs(600);
    const NOW: Duration = Duration::ZERO;

    fn key(workspace: &str, source: &str) -> Key {
        Key {
            workspace: Some(workspace.to_owned()),
            language: Language::Rego,
            digest: Digest::of(source.as_bytes()),
        }
    }

    fn wait_for_queue(pool: &Pool<u32>, length: usize) {
        while pool.state().waiting.len() != length {
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
        assert_eq!(pool.state().total, 0);
    }

    #[test]
    fn a_spare_takes_only_what_nobody_wants() {
        let pool = Pool::new(BOUNDS);
        let single = key("w", "single");
        assert!(pool.acquire_spare(&single));
        pool.release(single.clone(), 1);
        assert!(!pool.acquire_spare(&single), "one idle worker is enough");
        assert!(pool.acquire(&key("w", "b"), NOW).is_ok());
        assert!(pool.acquire(&key("w", "c"), NOW).is_ok());
        assert!(!pool.acquire_spare(&key("w", "d")), "a spare evicts nobody");
    }

    proptest::proptest! {
        /// Whatever is asked and given back in whatever order, no bound is ever exceeded and
        /// the books agree with what is really held.
        #[test]
        fn the_bounds_hold_in_every_order(steps in proptest::collection::vec((0_u8..4, 0_usize..4), 0..200)) {
            let pool = Pool::new(BOUNDS);
            let keys: Vec<_> = ["a", "b", "c", "d"].map(|source| key("w", source)).to_vec();
            let mut held: Vec<(Key, u32)> = Vec::new();
            let mut made = 0;
            for (action, which) in steps {
                match action {
                    0 | 1 => match pool.acquire(&keys[which], NOW) {
                        Ok(Grant::Idle(worker)) => held.push((keys[which].clone(), worker)),
                        Ok(Grant::Place { .. }) => {
                            made += 1;
                            held.push((keys[which].clone(), made));
                        }
                        Err(refused) => assert_eq!(refused, Refused::Busy),
                    },
                    2 if !held.is_empty() => {
                        let (key, worker) = held.remove(which % held.len());
                        assert_eq!(pool.release(key, worker), None);
                    }
                    3 if !held.is_empty() => pool.retire(&held.remove(which % held.len()).0),
                    _ => {}
                }
                let state = pool.state();
                assert!(state.total <= BOUNDS.workers_max);
                assert_eq!(state.total, held.len() + state.idle.len());
                for key in &keys {
                    let of_key = held.iter().filter(|(held, _)| held == key).count()
                        + state.idle.iter().filter(|(idle, _)| idle == key).count();
                    assert_eq!(state.taken(key), of_key);
                    assert!(of_key <= BOUNDS.workers_per_key_max);
                }
            }
        }
    }
}
