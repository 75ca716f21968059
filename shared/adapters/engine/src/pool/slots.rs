//! The pool's books: who holds places, who waits, and who goes first. It knows no time, no lock
//! and no process.
//!
//! Some rules keep a few hanging policies from starving the others, none of which stops a
//! policy that is alone from using its whole share:
//!
//! - of those who wait, one whose key holds fewest places goes first; among such keys each has its
//!   turn, and within a key who came first;
//! - a workspace that has three quarters of the places goes after all others;
//! - the last idle worker of a key makes room only for a key that has nothing yet, and never for
//!   one of another workspace that has its three quarters;
//! - jobs hold at most half of the places, and all but one of a key's: the others are for requests,
//!   which may use all of them. A workspace whose jobs hold three quarters of that half goes after
//!   the jobs of all others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar};

use writ_model::run::RunClass;

use super::{AcquireRequest, Bounds, Grant, Key};

#[derive(Debug)]
pub(super) struct Slots<W> {
    bounds: Bounds,
    /// Longest idle first. Nothing stands for a worker that is yet to be prepared.
    idle: VecDeque<(Key, Option<W>)>,
    /// Places taken, by key; an idle worker takes one too.
    in_use: HashMap<Key, usize>,
    total: usize,
    /// Of the places taken those that a job holds, by key.
    jobs: HashMap<Key, usize>,
    /// No queue is empty.
    waiting: HashMap<AcquireRequest, Queue>,
    /// By ticket: what is there for those who have not yet been awake to see it.
    granted: HashMap<u64, Grant<W>>,
    /// Tickets and turns are drawn from one sequence, so no two are equal.
    next_ticket: u64,
}

/// Those who wait with one claim.
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

/// What has just been given back. It still counts as held, or its key would be first in line for
/// it again and again.
#[derive(Clone, Copy)]
struct Freed<'a> {
    /// A place.
    place: Option<&'a Key>,
    /// A share of what jobs may hold.
    job: Option<&'a Key>,
}

/// What there would be for a claim.
#[derive(Clone, Copy)]
enum Offer {
    /// Its own idle worker, or the place kept for one, at this position.
    Own(usize),
    /// A place that nobody has.
    Free,
    /// The place of the idle worker at this position.
    From(usize),
}

impl<W> Slots<W> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            idle: VecDeque::new(),
            in_use: HashMap::new(),
            total: 0,
            jobs: HashMap::new(),
            waiting: HashMap::new(),
            granted: HashMap::new(),
            next_ticket: 0,
        }
    }

    /// What is there for this claim now. Asking overtakes nobody: [`Slots::dispatch`] leaves
    /// nothing that anyone who waits could use.
    pub(super) fn grant(&mut self, claim: &AcquireRequest) -> Option<Grant<W>> {
        let grant = match self.offer(claim, self.surplus())? {
            Offer::Own(position) => {
                let (_, worker) = self.idle.remove(position)?;
                worker.map_or(Grant::Slot { evicted: None }, Grant::Idle)
            }
            Offer::Free => {
                self.take(&claim.key);
                Grant::Slot { evicted: None }
            }
            Offer::From(position) => {
                let (evicted_key, evicted) = self.idle.remove(position)?;
                self.vacate(&evicted_key);
                self.take(&claim.key);
                Grant::Slot { evicted }
            }
        };
        if claim.class == RunClass::Job {
            *self.jobs.entry(claim.key.clone()).or_default() += 1;
        }
        Some(grant)
    }

    /// Joins those who wait, to be woken when something was granted; nothing if they are too
    /// many.
    pub(super) fn queue(&mut self, claim: &AcquireRequest, wake: &Arc<Condvar>) -> Option<u64> {
        if self.waiting(claim.class) >= self.bounds.waiting_max {
            return None;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let queue = self
            .waiting
            .entry(claim.clone())
            .or_insert_with(|| Queue { turn: ticket, callers: VecDeque::new() });
        queue.callers.push_back(Waiting { ticket, wake: Arc::clone(wake) });
        Some(ticket)
    }

    /// What was granted to this ticket since it was queued.
    pub(super) fn collect(&mut self, ticket: u64) -> Option<Grant<W>> {
        self.granted.remove(&ticket)
    }

    /// Waits no longer.
    pub(super) fn leave(&mut self, claim: &AcquireRequest, ticket: u64) {
        if let Some(queue) = self.waiting.get_mut(claim) {
            queue.callers.retain(|waiting| waiting.ticket != ticket);
            if queue.callers.is_empty() {
                self.waiting.remove(claim);
            }
        }
    }

    /// A held place now has an idle worker.
    pub(super) fn release(&mut self, claim: &AcquireRequest, worker: W) {
        self.return_idle(claim, Some(worker));
    }

    /// A held place is given back.
    pub(super) fn release_slot(&mut self, claim: &AcquireRequest) {
        self.give_back(claim);
        self.dispatch(Freed { place: Some(&claim.key), job: claim.job() });
    }

    /// A held place is kept as if an idle worker were in it, if its key has no other one.
    pub(super) fn reserve(&mut self, claim: &AcquireRequest) {
        if self.idle.iter().any(|(idle, _)| *idle == claim.key) {
            self.release_slot(claim);
        } else {
            self.return_idle(claim, None);
        }
    }

    fn return_idle(&mut self, claim: &AcquireRequest, worker: Option<W>) {
        self.complete_job(claim);
        self.idle.push_back((claim.key.clone(), worker));
        self.dispatch(Freed { place: None, job: claim.job() });
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
            self.vacate(&key);
            workers.extend(worker);
        }
        workers
    }

    /// The same as [`Slots::release_slot`], where nobody is served any more.
    pub(super) fn give_back(&mut self, claim: &AcquireRequest) {
        self.complete_job(claim);
        self.vacate(&claim.key);
    }

    fn take(&mut self, key: &Key) {
        self.total += 1;
        *self.in_use.entry(key.clone()).or_default() += 1;
    }

    fn vacate(&mut self, key: &Key) {
        self.total = self.total.saturating_sub(1);
        count_down(&mut self.in_use, key);
    }

    fn complete_job(&mut self, claim: &AcquireRequest) {
        if let Some(key) = claim.job() {
            count_down(&mut self.jobs, key);
        }
    }

    /// How many of a class wait.
    pub(super) fn waiting(&self, class: RunClass) -> usize {
        let of_class = self.waiting.iter().filter(|(claim, _)| claim.class == class);
        of_class.map(|(_, queue)| queue.callers.len()).sum()
    }

    fn in_use(&self, key: &Key) -> usize {
        self.in_use.get(key).copied().unwrap_or(0)
    }

    /// Whether the key's workspace has three quarters of the places, what was freed among them.
    fn is_sated(&self, key: &Key, freed: Option<&Key>) -> bool {
        has_most(&self.in_use, key, freed, self.bounds.workers_max)
    }

    /// Whether the claim's class is allowed one more place for its key.
    fn is_allowed(&self, claim: &AcquireRequest) -> bool {
        let of_key = self.jobs.get(&claim.key).copied().unwrap_or(0);
        claim.class == RunClass::Request
            || of_key < self.bounds.jobs_per_key_max()
                && self.jobs.values().sum::<usize>() < self.bounds.jobs_max()
    }

    fn offer(&self, claim: &AcquireRequest, surplus: Option<usize>) -> Option<Offer> {
        if !self.is_allowed(claim) {
            return None;
        }
        let key = &claim.key;
        let own = |(idle, _): &(Key, Option<W>)| idle == key;
        let warm = self.idle.iter().rposition(|entry| own(entry) && entry.1.is_some());
        if let Some(position) = warm.or_else(|| self.idle.iter().rposition(own)) {
            return Some(Offer::Own(position));
        }
        if self.in_use(key) >= self.bounds.workers_per_key_max {
            return None;
        }
        if self.total < self.bounds.workers_max {
            return Some(Offer::Free);
        }
        if surplus.is_some() || self.in_use(key) > 0 {
            return surplus.map(Offer::From);
        }
        let sated = self.is_sated(key, None);
        let evictable = |(idle, _): &(Key, Option<W>)| !sated || idle.workspace == key.workspace;
        self.idle.iter().position(evictable).map(Offer::From)
    }

    /// The longest idle worker of those whose key has another idle one.
    fn surplus(&self) -> Option<usize> {
        let of = |key: &Key| self.idle.iter().filter(|(idle, _)| idle == key).count();
        self.idle.iter().position(|(key, _)| of(key) > 1)
    }

    /// Who goes first: the smallest.
    fn rank(&self, claim: &AcquireRequest, queue: &Queue, freed: Freed<'_>) -> (bool, usize, u64) {
        let key = &claim.key;
        let has_most_jobs = claim.class == RunClass::Job
            && has_most(&self.jobs, key, freed.job, self.bounds.jobs_max());
        let goes_last = has_most_jobs || self.is_sated(key, freed.place);
        (goes_last, self.in_use(key) + usize::from(freed.place == Some(key)), queue.turn)
    }

    /// Grants what is there to those who wait.
    fn dispatch(&mut self, freed: Freed<'_>) {
        while self.total < self.bounds.workers_max || !self.idle.is_empty() {
            let surplus = self.surplus();
            let next = self
                .waiting
                .iter()
                .filter(|(claim, _)| self.offer(claim, surplus).is_some())
                .min_by_key(|(claim, queue)| self.rank(claim, queue, freed))
                .map(|(claim, _)| claim.clone());
            let Some(claim) = next else { return };
            let Some(grant) = self.grant(&claim) else { return };
            self.serve(&claim, grant);
        }
    }

    /// Hands a grant to the first one who waits with this claim, and ends the claim's turn.
    fn serve(&mut self, claim: &AcquireRequest, grant: Grant<W>) {
        let Some(queue) = self.waiting.get_mut(claim) else { return };
        queue.turn = self.next_ticket;
        self.next_ticket += 1;
        if let Some(first) = queue.callers.pop_front() {
            self.granted.insert(first.ticket, grant);
            first.wake.notify_one();
        }
        if queue.callers.is_empty() {
            self.waiting.remove(claim);
        }
    }
}

impl AcquireRequest {
    /// The key, if it is a job's.
    fn job(&self) -> Option<&Key> {
        (self.class == RunClass::Job).then_some(&self.key)
    }
}

/// Whether the key's workspace has three quarters of `most`, rounded down, what was freed among
/// them.
fn has_most(held: &HashMap<Key, usize>, key: &Key, freed: Option<&Key>, most: usize) -> bool {
    let of_workspace = |held: &Key| held.workspace == key.workspace;
    let count: usize =
        held.iter().filter(|(held, _)| of_workspace(held)).map(|(_, count)| count).sum();
    count + usize::from(freed.is_some_and(of_workspace)) >= (most * 3 / 4).max(1)
}

fn count_down(counts: &mut HashMap<Key, usize>, key: &Key) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}

#[cfg(test)]
mod tests;
