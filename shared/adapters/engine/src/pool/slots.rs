//! The accounting of the pool: held slots, waiting calls and their order. It has no clock, no lock
//! and no process.
//!
//! These rules keep a few hanging policies from starving the others:
//!
//! - the waiting key that holds the fewest slots goes first; such keys take turns, and the calls of
//!   a key go in the order of their arrival;
//! - a workspace holds at most half of the slots, whatever its idle workers use besides: a run is
//!   never interrupted for another one, so only what a workspace cannot hold is there at once for the
//!   others. One that uses half, idle workers included, goes last;
//! - the last idle worker of a key is evicted only for a key that has no slot yet, and never for a
//!   key of another workspace that uses half;
//! - jobs hold at most half of the slots, and all but one of a key's: the others are for requests.
//!   The jobs of a workspace hold at most three quarters of that half.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar};

use writ_model::run::RunClass;

use super::{AcquireRequest, Bounds, Grant, Key};

#[derive(Debug)]
pub(super) struct Slots<W> {
    bounds: Bounds,
    /// Longest idle first. `None` is a slot that is reserved for a worker not yet prepared.
    idle: VecDeque<(Key, Option<W>)>,
    /// Slots in use, by key; an idle worker uses one too.
    in_use: HashMap<Key, usize>,
    total: usize,
    /// Slots that jobs hold, by key.
    jobs: HashMap<Key, usize>,
    /// The waiting calls by request; no queue is empty.
    waiting: HashMap<AcquireRequest, Queue>,
    /// Grants by ticket that their waiters have not yet taken.
    granted: HashMap<u64, Grant<W>>,
    /// Tickets and turns come from one sequence, so no two are equal.
    next_ticket: u64,
}

/// The waiting calls with one request.
#[derive(Debug)]
struct Queue {
    /// The smallest goes first: the ticket number when the queue began or was last served.
    turn: u64,
    /// In the order of their arrival.
    waiters: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    condvar: Arc<Condvar>,
}

/// What was just released. It still counts as held when the next grant is chosen, or its key would
/// be first in the queue again and again.
#[derive(Clone, Copy)]
struct Released<'a> {
    /// The key of the released slot.
    slot: Option<&'a Key>,
    /// The key of the job that ended.
    job: Option<&'a Key>,
}

/// The slot that a request could get.
#[derive(Clone, Copy)]
enum Candidate {
    /// Its own idle worker, or the slot reserved for one, at this position.
    OwnIdle(usize),
    /// A slot that is not in use.
    Free,
    /// The slot of another key's idle worker at this position, which is evicted.
    Evict(usize),
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

    /// Grants what this request can get now, if anything. It does not overtake a waiting call:
    /// [`Slots::dispatch`] leaves nothing that a waiting call could use.
    pub(super) fn try_grant(&mut self, request: &AcquireRequest) -> Option<Grant<W>> {
        let grant = match self.candidate(request, self.surplus())? {
            Candidate::OwnIdle(position) => {
                let (_, worker) = self.idle.remove(position)?;
                worker.map_or(Grant::Slot { evicted: None }, Grant::Idle)
            }
            Candidate::Free => {
                self.occupy(&request.key);
                Grant::Slot { evicted: None }
            }
            Candidate::Evict(position) => {
                let (evicted_key, evicted) = self.idle.remove(position)?;
                self.vacate(&evicted_key);
                self.occupy(&request.key);
                Grant::Slot { evicted }
            }
        };
        if request.class == RunClass::Job {
            *self.jobs.entry(request.key.clone()).or_default() += 1;
        }
        Some(grant)
    }

    /// Adds a waiter, which is notified when something is granted to it. Returns its ticket, or
    /// `None` if too many calls of its class wait.
    pub(super) fn enqueue(
        &mut self,
        request: &AcquireRequest,
        condvar: &Arc<Condvar>,
    ) -> Option<u64> {
        if self.waiting(request.class) >= self.bounds.waiting_max {
            return None;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let queue = self
            .waiting
            .entry(request.clone())
            .or_insert_with(|| Queue { turn: ticket, waiters: VecDeque::new() });
        queue.waiters.push_back(Waiter { ticket, condvar: Arc::clone(condvar) });
        Some(ticket)
    }

    /// Takes the grant of this ticket, if there is one.
    pub(super) fn take_grant(&mut self, ticket: u64) -> Option<Grant<W>> {
        self.granted.remove(&ticket)
    }

    /// Removes a waiter from its queue.
    pub(super) fn cancel_wait(&mut self, request: &AcquireRequest, ticket: u64) {
        if let Some(queue) = self.waiting.get_mut(request) {
            queue.waiters.retain(|waiting| waiting.ticket != ticket);
            if queue.waiters.is_empty() {
                self.waiting.remove(request);
            }
        }
    }

    /// Releases a held slot with an idle worker in it.
    pub(super) fn release(&mut self, request: &AcquireRequest, worker: W) {
        self.return_idle(request, Some(worker));
    }

    /// Releases a held slot without a worker.
    pub(super) fn release_slot(&mut self, request: &AcquireRequest) {
        self.release_without_dispatch(request);
        self.dispatch(Released { slot: Some(&request.key), job: request.job() });
    }

    /// Keeps a held slot as if an idle worker were in it, if its key has no other idle slot.
    pub(super) fn reserve(&mut self, request: &AcquireRequest) {
        if self.idle.iter().any(|(idle, _)| *idle == request.key) {
            self.release_slot(request);
        } else {
            self.return_idle(request, None);
        }
    }

    fn return_idle(&mut self, request: &AcquireRequest, worker: Option<W>) {
        self.release_job_share(request);
        self.idle.push_back((request.key.clone(), worker));
        self.dispatch(Released { slot: None, job: request.job() });
    }

    /// Holds the slot that is reserved for a worker of this key, if it is still unused and within
    /// the share of its workspace.
    pub(super) fn take_reserved(&mut self, key: &Key) -> bool {
        if self.holds_its_share(key) {
            return false;
        }
        let reserved = |(idle, worker): &(Key, Option<W>)| idle == key && worker.is_none();
        let position = self.idle.iter().position(reserved);
        position.and_then(|position| self.idle.remove(position)).is_some()
    }

    /// Removes and returns the idle workers, and notifies every waiter.
    pub(super) fn clear(&mut self) -> Vec<W> {
        for waiting in self.waiting.values().flat_map(|queue| &queue.waiters) {
            waiting.condvar.notify_one();
        }
        let mut workers = Vec::new();
        while let Some((key, worker)) = self.idle.pop_front() {
            self.vacate(&key);
            workers.extend(worker);
        }
        workers
    }

    /// The same as [`Slots::release_slot`], without granting the slot to a waiter.
    pub(super) fn release_without_dispatch(&mut self, request: &AcquireRequest) {
        self.release_job_share(request);
        self.vacate(&request.key);
    }

    fn occupy(&mut self, key: &Key) {
        self.total += 1;
        *self.in_use.entry(key.clone()).or_default() += 1;
    }

    fn vacate(&mut self, key: &Key) {
        self.total = self.total.saturating_sub(1);
        count_down(&mut self.in_use, key);
    }

    fn release_job_share(&mut self, request: &AcquireRequest) {
        if let Some(key) = request.job() {
            count_down(&mut self.jobs, key);
        }
    }

    /// The number of waiting calls of a class.
    pub(super) fn waiting(&self, class: RunClass) -> usize {
        let of_class = self.waiting.iter().filter(|(request, _)| request.class == class);
        of_class.map(|(_, queue)| queue.waiters.len()).sum()
    }

    fn in_use(&self, key: &Key) -> usize {
        self.in_use.get(key).copied().unwrap_or(0)
    }

    /// Whether the key's workspace uses half of the slots, including the released one.
    fn uses_its_share(&self, key: &Key, released: Option<&Key>) -> bool {
        uses(&self.in_use, key, released, self.bounds.workers_per_workspace_max())
    }

    /// Whether the key's workspace holds as many slots as it may.
    fn holds_its_share(&self, key: &Key) -> bool {
        let idle = self.idle.iter().filter(|(idle, _)| idle.workspace == key.workspace).count();
        slots_of_workspace(&self.in_use, key) - idle >= self.bounds.workers_per_workspace_max()
    }

    /// Whether the request may hold one more slot, by its workspace and its class.
    fn may_take_one_more(&self, request: &AcquireRequest) -> bool {
        let (key, jobs_max) = (&request.key, self.bounds.jobs_max());
        let may_job = || {
            self.jobs.get(key).copied().unwrap_or(0) < self.bounds.jobs_per_key_max()
                && slots_of_workspace(&self.jobs, key) < three_quarters(jobs_max)
                && self.jobs.values().sum::<usize>() < jobs_max
        };
        !self.holds_its_share(key) && (request.class == RunClass::Request || may_job())
    }

    fn candidate(&self, request: &AcquireRequest, surplus: Option<usize>) -> Option<Candidate> {
        if !self.may_take_one_more(request) {
            return None;
        }
        let key = &request.key;
        let own = |(idle, _): &(Key, Option<W>)| idle == key;
        let warm = self.idle.iter().rposition(|entry| own(entry) && entry.1.is_some());
        if let Some(position) = warm.or_else(|| self.idle.iter().rposition(own)) {
            return Some(Candidate::OwnIdle(position));
        }
        if self.in_use(key) >= self.bounds.workers_per_key_max {
            return None;
        }
        if self.total < self.bounds.workers_max {
            return Some(Candidate::Free);
        }
        if surplus.is_some() || self.in_use(key) > 0 {
            return surplus.map(Candidate::Evict);
        }
        let uses_its_share = self.uses_its_share(key, None);
        let evictable =
            |(idle, _): &(Key, Option<W>)| !uses_its_share || idle.workspace == key.workspace;
        self.idle.iter().position(evictable).map(Candidate::Evict)
    }

    /// The longest idle worker among the keys that have several.
    fn surplus(&self) -> Option<usize> {
        let of = |key: &Key| self.idle.iter().filter(|(idle, _)| idle == key).count();
        self.idle.iter().position(|(key, _)| of(key) > 1)
    }

    /// The order of waiting requests; the smallest goes first.
    fn priority(
        &self,
        request: &AcquireRequest,
        queue: &Queue,
        released: Released<'_>,
    ) -> (bool, usize, u64) {
        let key = &request.key;
        let has_most_jobs = request.class == RunClass::Job
            && uses(&self.jobs, key, released.job, three_quarters(self.bounds.jobs_max()));
        let goes_last = has_most_jobs || self.uses_its_share(key, released.slot);
        (goes_last, self.in_use(key) + usize::from(released.slot == Some(key)), queue.turn)
    }

    /// Grants all free slots to waiting calls.
    fn dispatch(&mut self, released: Released<'_>) {
        while self.total < self.bounds.workers_max || !self.idle.is_empty() {
            let surplus = self.surplus();
            let next = self
                .waiting
                .iter()
                .filter(|(request, _)| self.candidate(request, surplus).is_some())
                .min_by_key(|(request, queue)| self.priority(request, queue, released))
                .map(|(request, _)| request.clone());
            let Some(request) = next else { return };
            let Some(grant) = self.try_grant(&request) else { return };
            self.deliver(&request, grant);
        }
    }

    /// Delivers a grant to the first waiter with this request, and ends the request's turn.
    fn deliver(&mut self, request: &AcquireRequest, grant: Grant<W>) {
        let Some(queue) = self.waiting.get_mut(request) else { return };
        queue.turn = self.next_ticket;
        self.next_ticket += 1;
        if let Some(first) = queue.waiters.pop_front() {
            self.granted.insert(first.ticket, grant);
            first.condvar.notify_one();
        }
        if queue.waiters.is_empty() {
            self.waiting.remove(request);
        }
    }
}

impl AcquireRequest {
    /// The key, if the request is for a job.
    fn job(&self) -> Option<&Key> {
        (self.class == RunClass::Job).then_some(&self.key)
    }
}

/// Whether the key's workspace has this many of the slots, including the released one.
fn uses(held: &HashMap<Key, usize>, key: &Key, released: Option<&Key>, share: usize) -> bool {
    let is_released = released.is_some_and(|released| released.workspace == key.workspace);
    slots_of_workspace(held, key) + usize::from(is_released) >= share
}

/// The slots among these that the key's workspace has.
fn slots_of_workspace(held: &HashMap<Key, usize>, key: &Key) -> usize {
    let of_workspace = held.iter().filter(|(held, _)| held.workspace == key.workspace);
    of_workspace.map(|(_, count)| count).sum()
}

/// Three quarters, rounded down, but at least one.
fn three_quarters(most: usize) -> usize {
    (most * 3 / 4).max(1)
}

fn count_down(counts: &mut HashMap<Key, usize>, key: &Key) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}

#[cfg(test)]
mod tests;
