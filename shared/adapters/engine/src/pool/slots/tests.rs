use proptest::prelude::*;

use super::super::tests::{job, request};
use super::*;

/// Callers of a pool, with the slots that they hold and the tickets that they wait for.
struct Callers {
    slots: Slots<u32>,
    bounds: Bounds,
    held: Vec<AcquireRequest>,
    waiting: Vec<(AcquireRequest, u64)>,
    workers_made: u32,
}

impl Callers {
    fn new(workers_max: usize, workers_per_key_max: usize) -> Self {
        let bounds = Bounds { workers_max, workers_per_key_max, waiting_max: 1000 };
        let slots = Slots::new(bounds);
        Self { slots, bounds, held: Vec::new(), waiting: Vec::new(), workers_made: 0 }
    }

    /// Returns the ticket if the request has to wait.
    fn acquire(&mut self, acquire_request: &AcquireRequest) -> Option<u64> {
        if self.slots.try_grant(acquire_request).is_some() {
            self.held.push(acquire_request.clone());
            return None;
        }
        let ticket = self.slots.enqueue(acquire_request, &Arc::default()).unwrap();
        self.waiting.push((acquire_request.clone(), ticket));
        Some(ticket)
    }

    /// Releases one held slot in one of the three ways. Returns the tickets that were served.
    fn release(&mut self, which: usize, how: usize) -> Vec<u64> {
        let acquire_request = self.held.remove(which % self.held.len());
        match how % 3 {
            0 => self.slots.release_slot(&acquire_request),
            1 => self.slots.reserve(&acquire_request),
            _ => {
                self.workers_made += 1;
                self.slots.release(&acquire_request, self.workers_made);
            }
        }
        self.collect()
    }

    fn collect(&mut self) -> Vec<u64> {
        let mut served = Vec::new();
        for (acquire_request, ticket) in std::mem::take(&mut self.waiting) {
            if self.slots.take_grant(ticket).is_some() {
                self.held.push(acquire_request);
                served.push(ticket);
            } else {
                self.waiting.push((acquire_request, ticket));
            }
        }
        served
    }

    /// No bound is exceeded, the accounting agrees with the slots that are held, and no request
    /// waits that could be served.
    fn assert_consistent(&self) {
        let slots = &self.slots;
        assert!(slots.total <= self.bounds.workers_max);
        assert_eq!(slots.total, self.held.len() + slots.idle.len());
        assert_eq!(slots.in_use.values().sum::<usize>(), slots.total);
        for (key, in_use) in &slots.in_use {
            let held = self.held.iter().filter(|held| held.key == *key).count();
            let idle = slots.idle.iter().filter(|(idle, _)| idle == key).count();
            assert_eq!(*in_use, held + idle);
            assert!(*in_use <= self.bounds.workers_per_key_max);
        }
        let jobs = self.held.iter().filter(|held| held.class == RunClass::Job).count();
        assert!(jobs <= self.bounds.jobs_max());
        assert_eq!(slots.jobs.values().sum::<usize>(), jobs);
        for (key, held) in &slots.jobs {
            let of_key = |acquire_request: &&AcquireRequest| {
                acquire_request.key == *key && acquire_request.class == RunClass::Job
            };
            assert_eq!(*held, self.held.iter().filter(of_key).count());
            assert!(*held <= self.bounds.jobs_per_key_max());
        }
        let waiting = |class| {
            self.waiting
                .iter()
                .filter(|(acquire_request, _)| acquire_request.class == class)
                .count()
        };
        for class in [RunClass::Request, RunClass::Job] {
            assert_eq!(slots.waiting(class), waiting(class));
        }
        for key in slots.in_use.keys() {
            let of_workspace = |held: &&AcquireRequest| held.key.workspace == key.workspace;
            let held = self.held.iter().filter(of_workspace);
            let jobs = held.clone().filter(|held| held.class == RunClass::Job).count();
            assert!(held.count() <= self.bounds.workers_per_workspace_max());
            assert!(jobs <= three_quarters(self.bounds.jobs_max()));
        }
        assert!(slots.granted.is_empty());
        for (acquire_request, _) in &self.waiting {
            assert!(
                slots.candidate(acquire_request, slots.surplus()).is_none(),
                "{acquire_request:?} could be served"
            );
        }
    }
}

/// Some keys, each as a request and as a job.
fn acquire_requests() -> Vec<AcquireRequest> {
    [("w", "a"), ("w", "b"), ("w", "c"), ("v", "a"), ("v", "b"), ("u", "a")]
        .into_iter()
        .flat_map(|(workspace, policy)| [request(workspace, policy), job(workspace, policy)])
        .collect()
}

proptest! {
    /// Any sequence of requests, releases and timeouts.
    #[test]
    fn the_bounds_hold_in_every_order_and_every_slot_is_released(
        workers_max in 1_usize..8,
        workers_per_key_max in 1_usize..4,
        steps in prop::collection::vec((0_u8..7, 0_usize..12, 0_usize..3), 0..200),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        let acquire_requests = acquire_requests();
        for (action, which, how) in steps {
            match action {
                0..=2 => drop(callers.acquire(&acquire_requests[which])),
                3 | 4 if !callers.held.is_empty() => drop(callers.release(which, how)),
                5 if callers.slots.take_reserved(&acquire_requests[which].key) => {
                    let key = acquire_requests[which].key.clone();
                    callers.held.push(AcquireRequest { key, class: RunClass::Request });
                }
                6 if !callers.waiting.is_empty() => {
                    let (acquire_request, ticket) = callers.waiting.remove(which % callers.waiting.len());
                    callers.slots.cancel_wait(&acquire_request, ticket);
                }
                _ => {}
            }
            callers.assert_consistent();
        }
        while !callers.held.is_empty() {
            callers.release(0, 0);
        }
        prop_assert_eq!(callers.waiting.len(), 0);
        callers.slots.clear();
        prop_assert_eq!(callers.slots.total, 0);
        prop_assert!(callers.slots.in_use.is_empty());
        prop_assert!(callers.slots.jobs.is_empty());
    }

    /// Any number of one workspace's policies hang, as requests or as jobs; a call of another
    /// workspace gets a slot at once.
    #[test]
    fn a_hanging_workspace_leaves_slots_to_others(
        workers_max in 2_usize..17,
        workers_per_key_max in 1_usize..6,
        hanging in prop::collection::vec((0_usize..12, prop::bool::ANY), 1..80),
        idle in prop::collection::vec(0_usize..12, 0..20),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for policy in idle {
            callers.acquire(&request("hanging", &format!("idle-{policy}")));
            callers.release(0, 2);
        }
        for (policy, is_job) in hanging {
            let acquire_request = if is_job { job } else { request };
            callers.acquire(&acquire_request("hanging", &policy.to_string()));
        }
        prop_assert_eq!(callers.acquire(&request("other", "a")), None);
        if callers.bounds.jobs_max() > 1 && workers_max > 2 {
            callers.release(callers.held.len() - 1, 2);
            prop_assert_eq!(callers.acquire(&job("other", "b")), None);
        }
        callers.assert_consistent();
    }

    /// Any number of one workspace's policies hang; a call of another workspace gets the first slot
    /// that becomes free, whichever that is and however it is released.
    #[test]
    fn a_hanging_workspace_starves_no_other(
        workers_max in 1_usize..9,
        workers_per_key_max in 1_usize..4,
        hanging in (1_usize..12)
            .prop_flat_map(|policies| prop::collection::vec(0..policies, 1..80)),
        (which, how) in (0_usize..9, 0_usize..3),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for number in hanging {
            callers.acquire(&request("hanging", &number.to_string()));
        }
        if let Some(ticket) = callers.acquire(&request("other", "a")) {
            prop_assert_eq!(callers.release(which, how), [ticket]);
        }
        callers.assert_consistent();
    }

    /// Policies of its own workspace hang, and any of their slots are released in any way. A call
    /// waits at most once for each key that waited before it, and not for a key that holds a slot.
    #[test]
    fn hanging_policies_starve_no_other_of_their_workspace(
        workers_max in 1_usize..9,
        workers_per_key_max in 1_usize..4,
        hanging in (1_usize..12)
            .prop_flat_map(|policies| prop::collection::vec(0..policies, 1..80)),
        frees in prop::collection::vec((0_usize..9, 0_usize..3), 13),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for number in hanging {
            callers.acquire(&request("w", &number.to_string()));
        }
        let before: std::collections::HashSet<_> =
            callers.waiting.iter().map(|(acquire_request, _)| acquire_request.clone()).collect();
        if let Some(ticket) = callers.acquire(&request("w", "other")) {
            let all_hold = before.iter().all(|acquire_request| callers.slots.in_use(&acquire_request.key) > 0);
            let waits_max = if all_hold { 0 } else { before.len() };
            let waits = frees
                .into_iter()
                .position(|(which, how)| callers.release(which, how).contains(&ticket));
            prop_assert!(waits.is_some_and(|waits| waits <= waits_max), "{waits:?} {waits_max}");
        }
        callers.assert_consistent();
    }

    /// Any number of jobs of any policies and workspaces leave half of the slots: requests of other
    /// policies get them at once.
    #[test]
    fn jobs_leave_half_of_the_slots_to_requests(
        workers_max in 2_usize..17,
        workers_per_key_max in 1_usize..6,
        jobs in prop::collection::vec((0_usize..3, 0_usize..12), 0..80),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for (workspace, policy) in jobs {
            callers.acquire(&job(&workspace.to_string(), &policy.to_string()));
        }
        for number in 0..workers_max.div_ceil(2) {
            let ticket = callers.acquire(&request("w", &number.to_string()));
            prop_assert_eq!(ticket, None, "{}", number);
        }
        callers.assert_consistent();
    }

    /// Any number of one workspace's jobs hang; a job of another workspace gets the first slot that
    /// a job releases.
    #[test]
    fn a_workspace_with_endless_jobs_starves_no_job_of_another(
        workers_max in 1_usize..17,
        workers_per_key_max in 1_usize..6,
        hanging in prop::collection::vec(0_usize..40, 20..80),
        (which, how) in (0_usize..9, 0_usize..3),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for number in hanging {
            callers.acquire(&job("hanging", &number.to_string()));
        }
        if let Some(ticket) = callers.acquire(&job("other", "a")) {
            prop_assert_eq!(callers.release(which, how), [ticket]);
        }
        callers.assert_consistent();
    }

    /// A warm policy keeps one worker, whatever is requested for keys that have one.
    #[test]
    fn a_warm_policy_keeps_a_worker_from_all_that_have_one(
        workers_max in 2_usize..9,
        requests in prop::collection::vec(0_usize..8, 0..80),
    ) {
        let mut callers = Callers::new(workers_max, workers_max);
        let warm = request("w", "warm");
        callers.acquire(&warm);
        callers.release(0, 2);
        // Of many workspaces, which hold all slots together.
        let hanging: Vec<_> =
            (0..workers_max - 1).map(|number| request(&number.to_string(), "a")).collect();
        for key in &hanging {
            callers.acquire(key);
        }
        for which in requests {
            callers.acquire(&hanging[which % hanging.len()]);
            callers.assert_consistent();
        }
        prop_assert_eq!(callers.slots.try_grant(&warm), Some(Grant::Idle(1)));
    }
}

#[test]
fn a_key_with_fewer_slots_goes_first() {
    let mut callers = Callers::new(3, 2);
    let (greedy, other) = (request("w", "greedy"), request("w", "other"));
    for _ in 0..2 {
        assert_eq!(callers.acquire(&greedy), None);
    }
    let second = callers.acquire(&greedy).unwrap();
    let first = callers.acquire(&other).unwrap();
    assert_eq!(callers.release(0, 2), [first]);
    assert_eq!(callers.release(0, 2), [second]);
}

#[test]
fn a_workspace_with_half_of_the_slots_waits_beside_free_ones() {
    let mut callers = Callers::new(4, 2);
    for policy in ["a", "b"] {
        assert_eq!(callers.acquire(&request("large", policy)), None);
    }
    let large = callers.acquire(&request("large", "c")).unwrap();
    for policy in ["a", "b"] {
        assert_eq!(callers.acquire(&request("small", policy)), None);
    }
    assert_eq!(callers.release(0, 0), [large]);
}

#[test]
fn a_workspace_that_uses_half_evicts_no_other_ones_last_worker() {
    let mut callers = Callers::new(4, 2);
    let small = request("small", "a");
    callers.acquire(&small);
    callers.release(0, 2);
    for policy in ["a", "b"] {
        assert_eq!(callers.acquire(&request("large", policy)), None);
        callers.release(0, 2);
    }
    for policy in ["c", "d"] {
        assert_eq!(callers.acquire(&request("large", policy)), None);
    }
    assert_eq!(callers.slots.try_grant(&small), Some(Grant::Idle(1)));
}

#[test]
fn a_second_idle_worker_is_evicted_before_a_first_one() {
    let mut callers = Callers::new(3, 2);
    let (single, double) = (request("w", "single"), request("w", "double"));
    for key in [&single, &double, &double] {
        callers.acquire(key);
    }
    for _ in 0..3 {
        callers.release(0, 2);
    }
    let granted = callers.slots.try_grant(&request("w", "new"));
    assert_eq!(granted, Some(Grant::Slot { evicted: Some(2) }));
    assert_eq!(callers.slots.try_grant(&single), Some(Grant::Idle(1)));
}

#[test]
fn a_reserved_slot_is_its_own_keys_until_a_key_without_any_needs_it() {
    let mut callers = Callers::new(2, 2);
    let (one, greedy) = (request("w", "one"), request("v", "greedy"));
    callers.acquire(&one);
    callers.release(0, 1);
    callers.acquire(&greedy);
    assert!(callers.acquire(&greedy).is_some());
    assert_eq!(callers.acquire(&one), None);
    // One caller has used it, so no worker is to be prepared.
    assert!(!callers.slots.take_reserved(&one.key));
    let held = callers.held.iter().position(|key| *key == one).unwrap();
    callers.release(held, 1);
    assert_eq!(callers.acquire(&request("w", "new")), None);
    assert!(!callers.slots.take_reserved(&one.key));
}

#[test]
fn jobs_use_half_of_the_slots_and_requests_all_of_them() {
    for (workers_max, jobs_max) in [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (16, 8)] {
        let held_by = |class: fn(&str, &str) -> AcquireRequest| {
            let mut callers = Callers::new(workers_max, 1);
            for number in 0..2 * workers_max {
                callers.acquire(&class(&number.to_string(), "a"));
            }
            callers.held.len()
        };
        assert_eq!((held_by(job), held_by(request)), (jobs_max, workers_max));
    }
}

#[test]
fn one_workspace_holds_half_of_the_slots_and_three_quarters_of_those_of_jobs() {
    for (workers_max, requests, jobs) in [(1, 1, 1), (3, 2, 1), (4, 2, 1), (6, 3, 2), (16, 8, 6)] {
        let held_by = |class: fn(&str, &str) -> AcquireRequest| {
            let mut callers = Callers::new(workers_max, 1);
            for number in 0..2 * workers_max {
                callers.acquire(&class("w", &number.to_string()));
            }
            callers.held.len()
        };
        assert_eq!((held_by(request), held_by(job)), (requests, jobs));
    }
}

#[test]
fn the_jobs_of_a_policy_leave_one_of_its_slots_to_its_requests() {
    for (workers_per_key_max, jobs_max) in [(2, 1), (3, 2), (5, 4)] {
        let mut callers = Callers::new(16, workers_per_key_max);
        for _ in 0..2 * workers_per_key_max {
            callers.acquire(&job("w", "a"));
        }
        assert_eq!(callers.held.len(), jobs_max);
        assert_eq!(callers.acquire(&request("w", "a")), None);
        assert!(callers.acquire(&request("w", "a")).is_some());
    }
}

#[test]
fn a_job_uses_a_warm_worker_of_its_policy_and_leaves_one_to_its_requests() {
    let mut callers = Callers::new(4, 2);
    callers.acquire(&request("w", "a"));
    callers.release(0, 2);
    assert_eq!(callers.slots.try_grant(&job("w", "a")), Some(Grant::Idle(1)));
    callers.slots.release(&job("w", "a"), 1);
    assert_eq!(callers.slots.try_grant(&request("w", "a")), Some(Grant::Idle(1)));
}

#[test]
fn idle_workers_are_evicted_for_jobs() {
    let mut callers = Callers::new(4, 2);
    for workspace in ["a", "b", "c", "d"] {
        callers.acquire(&request(workspace, "p"));
    }
    for _ in 0..4 {
        callers.release(0, 2);
    }
    for (workspace, evicted) in [("e", 1), ("f", 2)] {
        let granted = callers.slots.try_grant(&job(workspace, "p"));
        assert_eq!(granted, Some(Grant::Slot { evicted: Some(evicted) }));
    }
    assert_eq!(callers.slots.try_grant(&job("g", "p")), None);
}

#[test]
fn a_job_that_ends_lets_the_next_one_start() {
    for how in 0..3 {
        let mut callers = Callers::new(4, 1);
        for workspace in ["v", "w"] {
            assert_eq!(callers.acquire(&job(workspace, "a")), None);
        }
        let next = callers.acquire(&job("u", "a")).unwrap();
        assert_eq!(callers.release(0, how), [next]);
    }
}
