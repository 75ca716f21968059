//! The pool's books: who holds places, who waits, and who goes first. It knows no time, no lock
//! and no process.
//!
//! Three rules keep a few hanging policies from starving the others, none of which stops a
//! policy that is alone from using its whole share:
//!
//! - of those who wait, one whose key holds fewest places goes first; among such keys each has its
//!   turn, and within a key who came first;
//! - a workspace that has three quarters of the places goes after all others;
//! - the last idle worker of a key makes room only for a key that has nothing yet, and never for
//!   one of another workspace that has its three quarters.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar};

use super::{Bounds, Grant, Key};

#[derive(Debug)]
pub(super) struct Places<W> {
    bounds: Bounds,
    /// Longest idle first. Nothing stands for a worker that is yet to be prepared.
    idle: VecDeque<(Key, Option<W>)>,
    /// Places taken, by key; an idle worker takes one too.
    taken: HashMap<Key, usize>,
    total: usize,
    /// No queue is empty.
    waiting: HashMap<Key, Queue>,
    /// By ticket: what is there for those who have not yet been awake to see it.
    granted: HashMap<u64, Grant<W>>,
    /// Tickets and turns are drawn from one sequence, so no two are equal.
    next_ticket: u64,
}

/// Those who wait with one key.
#[derive(Debug)]
struct Queue {
    /// Smaller goes earlier: the ticket that was next when the queue began or was last served.
    turn: u64,
    /// First come first.
    callers: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    wake: Arc<Condvar>,
}

/// What there would be for a key.
#[derive(Clone, Copy)]
enum Offer {
    /// Its own idle worker, or the place kept for one, at this position.
    Own(usize),
    /// A place that nobody has.
    Free,
    /// The place of the idle worker at this position.
    From(usize),
}

impl<W> Places<W> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            idle: VecDeque::new(),
            taken: HashMap::new(),
            total: 0,
            waiting: HashMap::new(),
            granted: HashMap::new(),
            next_ticket: 0,
        }
    }

    /// What is there for this key now. Asking overtakes nobody: [`Places::dispatch`] leaves
    /// nothing that anyone who waits could use.
    pub(super) fn grant(&mut self, key: &Key) -> Option<Grant<W>> {
        let evicted = match self.offer(key, self.surplus())? {
            Offer::Own(position) => {
                let (_, worker) = self.idle.remove(position)?;
                return Some(worker.map_or(Grant::Place { evicted: None }, Grant::Idle));
            }
            Offer::Free => None,
            Offer::From(position) => {
                let (evicted_key, worker) = self.idle.remove(position)?;
                self.give_back(&evicted_key);
                worker
            }
        };
        self.total += 1;
        *self.taken.entry(key.clone()).or_default() += 1;
        Some(Grant::Place { evicted })
    }

    /// Joins those who wait; nothing if they are too many.
    pub(super) fn queue(&mut self, key: &Key) -> Option<(u64, Arc<Condvar>)> {
        if self.waiting() >= self.bounds.waiting_max {
            return None;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let wake = Arc::new(Condvar::new());
        let queue = self
            .waiting
            .entry(key.clone())
            .or_insert_with(|| Queue { turn: ticket, callers: VecDeque::new() });
        queue.callers.push_back(Waiting { ticket, wake: Arc::clone(&wake) });
        Some((ticket, wake))
    }

    /// What was granted to this ticket since it was queued.
    pub(super) fn collect(&mut self, ticket: u64) -> Option<Grant<W>> {
        self.granted.remove(&ticket)
    }

    /// Waits no longer.
    pub(super) fn leave(&mut self, key: &Key, ticket: u64) {
        if let Some(queue) = self.waiting.get_mut(key) {
            queue.callers.retain(|waiting| waiting.ticket != ticket);
            if queue.callers.is_empty() {
                self.waiting.remove(key);
            }
        }
    }

    /// A held place now has an idle worker.
    pub(super) fn release(&mut self, key: Key, worker: W) {
        self.idle.push_back((key, Some(worker)));
        self.dispatch(None);
    }

    /// A held place is given back.
    pub(super) fn retire(&mut self, key: &Key) {
        self.give_back(key);
        self.dispatch(Some(key));
    }

    /// A held place is kept as if an idle worker were in it, if its key has no other one.
    pub(super) fn reserve(&mut self, key: Key) {
        if self.idle.iter().any(|(idle, _)| *idle == key) {
            self.retire(&key);
        } else {
            self.idle.push_back((key, None));
            self.dispatch(None);
        }
    }

    /// Holds the place that was kept for a worker of this key, if it is still there.
    pub(super) fn take_reserved(&mut self, key: &Key) -> bool {
        let reserved = |(idle, worker): &(Key, Option<W>)| idle == key && worker.is_none();
        let position = self.idle.iter().position(reserved);
        position.and_then(|position| self.idle.remove(position)).is_some()
    }

    /// Hands out the idle workers, and wakes everyone who waits.
    pub(super) fn clear(&mut self) -> Vec<W> {
        for waiting in self.waiting.values().flat_map(|queue| &queue.callers) {
            waiting.wake.notify_one();
        }
        let mut workers = Vec::new();
        while let Some((key, worker)) = self.idle.pop_front() {
            self.give_back(&key);
            workers.extend(worker);
        }
        workers
    }

    pub(super) fn give_back(&mut self, key: &Key) {
        self.total = self.total.saturating_sub(1);
        match self.taken.get_mut(key) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(self.taken.remove(key)),
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(|queue| queue.callers.len()).sum()
    }

    fn taken(&self, key: &Key) -> usize {
        self.taken.get(key).copied().unwrap_or(0)
    }

    /// Whether the key's workspace has three quarters of the places, rounded down, `extra` among
    /// them.
    fn is_sated(&self, key: &Key, extra: usize) -> bool {
        let of_workspace = |(taken, _): &(&Key, &usize)| taken.workspace == key.workspace;
        let taken: usize = self.taken.iter().filter(of_workspace).map(|(_, taken)| taken).sum();
        taken + extra >= (self.bounds.workers_max * 3 / 4).max(1)
    }

    fn offer(&self, key: &Key, surplus: Option<usize>) -> Option<Offer> {
        let own = |(idle, _): &(Key, Option<W>)| idle == key;
        let warm = self.idle.iter().rposition(|entry| own(entry) && entry.1.is_some());
        if let Some(position) = warm.or_else(|| self.idle.iter().rposition(own)) {
            return Some(Offer::Own(position));
        }
        if self.taken(key) >= self.bounds.workers_per_key_max {
            return None;
        }
        if self.total < self.bounds.workers_max {
            return Some(Offer::Free);
        }
        if surplus.is_some() || self.taken(key) > 0 {
            return surplus.map(Offer::From);
        }
        let sated = self.is_sated(key, 0);
        let evictable = |(idle, _): &(Key, Option<W>)| !sated || idle.workspace == key.workspace;
        self.idle.iter().position(evictable).map(Offer::From)
    }

    /// The longest idle worker of those whose key has another idle one.
    fn surplus(&self) -> Option<usize> {
        let of = |key: &Key| self.idle.iter().filter(|(idle, _)| idle == key).count();
        self.idle.iter().position(|(key, _)| of(key) > 1)
    }

    /// Who goes first: the smallest. A place that was just given back still counts as held, or
    /// its key would be first in line for it again and again.
    fn rank(&self, key: &Key, queue: &Queue, freed: Option<&Key>) -> (bool, usize, u64) {
        let freed_here = usize::from(freed == Some(key));
        let freed_in_workspace =
            usize::from(freed.is_some_and(|freed| freed.workspace == key.workspace));
        (self.is_sated(key, freed_in_workspace), self.taken(key) + freed_here, queue.turn)
    }

    /// Grants what is there to those who wait.
    fn dispatch(&mut self, freed: Option<&Key>) {
        while self.total < self.bounds.workers_max || !self.idle.is_empty() {
            let surplus = self.surplus();
            let next = self
                .waiting
                .iter()
                .filter(|(key, _)| self.offer(key, surplus).is_some())
                .min_by_key(|(key, queue)| self.rank(key, queue, freed))
                .map(|(key, _)| key.clone());
            let Some(key) = next else { return };
            let Some(grant) = self.grant(&key) else { return };
            self.serve(&key, grant);
        }
    }

    /// Hands a grant to the first one who waits with this key, and ends the key's turn.
    fn serve(&mut self, key: &Key, grant: Grant<W>) {
        let Some(queue) = self.waiting.get_mut(key) else { return };
        queue.turn = self.next_ticket;
        self.next_ticket += 1;
        if let Some(first) = queue.callers.pop_front() {
            self.granted.insert(first.ticket, grant);
            first.wake.notify_one();
        }
        if queue.callers.is_empty() {
            self.waiting.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
