use proptest::prelude::*;

use super::super::tests::{job, request};
use super::*;

/// Callers of a pool: what they hold and wait for.
struct Callers {
    slots: Slots<u32>,
    bounds: Bounds,
    held: Vec<AcquireRequest>,
    waiting: Vec<(AcquireRequest, u64)>,
    made: u32,
}

impl Callers {
    fn new(workers_max: usize, workers_per_key_max: usize) -> Self {
        let bounds = Bounds { workers_max, workers_per_key_max, waiting_max: 1000 };
        let slots = Slots::new(bounds);
        Self { slots, bounds, held: Vec::new(), waiting: Vec::new(), made: 0 }
    }

    /// The ticket, if it has to wait.
    fn ask(&mut self, claim: &AcquireRequest) -> Option<u64> {
        if self.slots.grant(claim).is_some() {
            self.held.push(claim.clone());
            return None;
        }
        let ticket = self.slots.queue(claim, &Arc::default()).unwrap();
        self.waiting.push((claim.clone(), ticket));
        Some(ticket)
    }

    /// Gives one held place back in one of the three ways, and says who got something for it.
    fn free(&mut self, which: usize, how: usize) -> Vec<u64> {
        let claim = self.held.remove(which % self.held.len());
        match how % 3 {
            0 => self.slots.release_slot(&claim),
            1 => self.slots.reserve(&claim),
            _ => {
                self.made += 1;
                self.slots.release(&claim, self.made);
            }
        }
        self.collect()
    }

    fn collect(&mut self) -> Vec<u64> {
        let mut served = Vec::new();
        for (claim, ticket) in std::mem::take(&mut self.waiting) {
            if self.slots.collect(ticket).is_some() {
                self.held.push(claim);
                served.push(ticket);
            } else {
                self.waiting.push((claim, ticket));
            }
        }
        served
    }

    /// No bound is exceeded, the books agree with what is really held, and nobody waits for
    /// what he could have.
    fn assert_sound(&self) {
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
            let of_key =
                |claim: &&AcquireRequest| claim.key == *key && claim.class == RunClass::Job;
            assert_eq!(*held, self.held.iter().filter(of_key).count());
            assert!(*held <= self.bounds.jobs_per_key_max());
        }
        let waiting = |class| self.waiting.iter().filter(|(claim, _)| claim.class == class).count();
        for class in [RunClass::Request, RunClass::Job] {
            assert_eq!(slots.waiting(class), waiting(class));
        }
        assert!(slots.granted.is_empty());
        for (claim, _) in &self.waiting {
            assert!(slots.offer(claim, slots.surplus()).is_none(), "{claim:?} could be served");
        }
    }
}

/// Some keys, each as a request and as a job.
fn claims() -> Vec<AcquireRequest> {
    [("w", "a"), ("w", "b"), ("w", "c"), ("v", "a"), ("v", "b"), ("u", "a")]
        .into_iter()
        .flat_map(|(workspace, policy)| [request(workspace, policy), job(workspace, policy)])
        .collect()
}

proptest! {
    /// Whatever is asked, given back and given up in whatever order.
    #[test]
    fn the_bounds_hold_in_every_order_and_every_place_comes_back(
        workers_max in 1_usize..8,
        workers_per_key_max in 1_usize..4,
        steps in prop::collection::vec((0_u8..7, 0_usize..12, 0_usize..3), 0..200),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        let claims = claims();
        for (action, which, how) in steps {
            match action {
                0..=2 => drop(callers.ask(&claims[which])),
                3 | 4 if !callers.held.is_empty() => drop(callers.free(which, how)),
                5 if callers.slots.take_reserved(&claims[which].key) => {
                    let key = claims[which].key.clone();
                    callers.held.push(AcquireRequest { key, class: RunClass::Request });
                }
                6 if !callers.waiting.is_empty() => {
                    let (claim, ticket) = callers.waiting.remove(which % callers.waiting.len());
                    callers.slots.leave(&claim, ticket);
                }
                _ => {}
            }
            callers.assert_sound();
        }
        while !callers.held.is_empty() {
            callers.free(0, 0);
        }
        prop_assert_eq!(callers.waiting.len(), 0);
        callers.slots.clear();
        prop_assert_eq!(callers.slots.total, 0);
        prop_assert!(callers.slots.in_use.is_empty());
        prop_assert!(callers.slots.jobs.is_empty());
    }

    /// One workspace's policies hang, as many as it likes; another one's call gets the first
    /// place that comes free, whichever that is and however it comes free.
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
            callers.ask(&request("hanging", &number.to_string()));
        }
        if let Some(ticket) = callers.ask(&request("other", "a")) {
            prop_assert_eq!(callers.free(which, how), [ticket]);
        }
        callers.assert_sound();
    }

    /// Policies of its own workspace hang, and any of their places come free in any way. A call
    /// waits at most once for each key that waited before it, and not for one that holds a place
    /// while it does.
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
            callers.ask(&request("w", &number.to_string()));
        }
        let before: std::collections::HashSet<_> =
            callers.waiting.iter().map(|(claim, _)| claim.clone()).collect();
        if let Some(ticket) = callers.ask(&request("w", "other")) {
            let all_hold = before.iter().all(|claim| callers.slots.in_use(&claim.key) > 0);
            let waits_max = if all_hold { 0 } else { before.len() };
            let waits = frees
                .into_iter()
                .position(|(which, how)| callers.free(which, how).contains(&ticket));
            prop_assert!(waits.is_some_and(|waits| waits <= waits_max), "{waits:?} {waits_max}");
        }
        callers.assert_sound();
    }

    /// Jobs of any policies of any workspaces take as many places as they like. Half are left:
    /// other policies' requests get them at once.
    #[test]
    fn jobs_leave_half_of_the_places_to_requests(
        workers_max in 2_usize..17,
        workers_per_key_max in 1_usize..6,
        jobs in prop::collection::vec((0_usize..3, 0_usize..12), 0..80),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for (workspace, policy) in jobs {
            callers.ask(&job(&workspace.to_string(), &policy.to_string()));
        }
        for number in 0..workers_max.div_ceil(2) {
            let asked = callers.ask(&request("w", &number.to_string()));
            prop_assert_eq!(asked, None, "{}", number);
        }
        callers.assert_sound();
    }

    /// Whoever's jobs hang: another workspace's job gets the first share of one that comes free.
    #[test]
    fn a_workspace_with_endless_jobs_starves_no_job_of_another(
        workers_max in 1_usize..17,
        workers_per_key_max in 1_usize..6,
        hanging in prop::collection::vec(0_usize..40, 20..80),
        (which, how) in (0_usize..9, 0_usize..3),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        for number in hanging {
            callers.ask(&job("hanging", &number.to_string()));
        }
        if let Some(ticket) = callers.ask(&job("other", "a")) {
            prop_assert_eq!(callers.free(which, how), [ticket]);
        }
        callers.assert_sound();
    }

    /// Warm policies keep one worker each, whatever is asked of keys that have one.
    #[test]
    fn a_warm_policy_keeps_a_worker_from_all_that_have_one(
        workers_max in 2_usize..9,
        asked in prop::collection::vec(0_usize..8, 0..80),
    ) {
        let mut callers = Callers::new(workers_max, workers_max);
        let warm = request("w", "warm");
        callers.ask(&warm);
        callers.free(0, 2);
        let hanging: Vec<_> =
            (0..workers_max - 1).map(|number| request("w", &number.to_string())).collect();
        for key in &hanging {
            callers.ask(key);
        }
        for which in asked {
            callers.ask(&hanging[which % hanging.len()]);
            callers.assert_sound();
        }
        prop_assert_eq!(callers.slots.grant(&warm), Some(Grant::Idle(1)));
    }
}

#[test]
fn who_holds_fewer_places_goes_first() {
    let mut callers = Callers::new(2, 2);
    let (greedy, other) = (request("w", "greedy"), request("w", "other"));
    for _ in 0..2 {
        assert_eq!(callers.ask(&greedy), None);
    }
    let second = callers.ask(&greedy).unwrap();
    let first = callers.ask(&other).unwrap();
    assert_eq!(callers.free(0, 2), [first]);
    assert_eq!(callers.free(0, 2), [second]);
}

#[test]
fn a_workspace_with_three_quarters_goes_last() {
    let mut callers = Callers::new(4, 2);
    for policy in ["a", "b", "c", "d"] {
        assert_eq!(callers.ask(&request("large", policy)), None);
    }
    let large = callers.ask(&request("large", "e")).unwrap();
    let small = callers.ask(&request("small", "a")).unwrap();
    assert_eq!(callers.free(0, 0), [small]);
    assert_eq!(callers.free(0, 0), [large]);
}

#[test]
fn a_workspace_with_three_quarters_takes_no_other_ones_last_worker() {
    let mut callers = Callers::new(4, 2);
    let small = request("small", "a");
    callers.ask(&small);
    callers.free(0, 2);
    for policy in ["a", "b", "c"] {
        assert_eq!(callers.ask(&request("large", policy)), None);
    }
    assert!(callers.ask(&request("large", "d")).is_some());
    assert_eq!(callers.slots.grant(&small), Some(Grant::Idle(1)));
}

#[test]
fn a_second_idle_worker_makes_room_before_a_first_one() {
    let mut callers = Callers::new(3, 2);
    let (single, double) = (request("w", "single"), request("w", "double"));
    for key in [&single, &double, &double] {
        callers.ask(key);
    }
    for _ in 0..3 {
        callers.free(0, 2);
    }
    let granted = callers.slots.grant(&request("w", "new"));
    assert_eq!(granted, Some(Grant::Slot { evicted: Some(2) }));
    assert_eq!(callers.slots.grant(&single), Some(Grant::Idle(1)));
}

#[test]
fn a_reserved_place_is_its_own_keys_until_one_without_any_needs_it() {
    let mut callers = Callers::new(2, 2);
    let (one, greedy) = (request("w", "one"), request("w", "greedy"));
    callers.ask(&one);
    callers.free(0, 1);
    callers.ask(&greedy);
    assert!(callers.ask(&greedy).is_some());
    assert_eq!(callers.ask(&one), None);
    // One caller has used it, so no worker is to be prepared.
    assert!(!callers.slots.take_reserved(&one.key));
    let held = callers.held.iter().position(|key| *key == one).unwrap();
    callers.free(held, 1);
    assert_eq!(callers.ask(&request("w", "new")), None);
    assert!(!callers.slots.take_reserved(&one.key));
}

#[test]
fn jobs_use_half_of_the_places_and_requests_all_of_them() {
    for (workers_max, jobs_max) in [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (16, 8)] {
        let held_by = |class: fn(&str, &str) -> AcquireRequest| {
            let mut callers = Callers::new(workers_max, 1);
            for number in 0..2 * workers_max {
                callers.ask(&class("w", &number.to_string()));
            }
            callers.held.len()
        };
        assert_eq!((held_by(job), held_by(request)), (jobs_max, workers_max));
    }
}

#[test]
fn the_jobs_of_a_policy_leave_one_of_its_places_to_its_requests() {
    for (workers_per_key_max, jobs_max) in [(2, 1), (3, 2), (5, 4)] {
        let mut callers = Callers::new(16, workers_per_key_max);
        for _ in 0..2 * workers_per_key_max {
            callers.ask(&job("w", "a"));
        }
        assert_eq!(callers.held.len(), jobs_max);
        assert_eq!(callers.ask(&request("w", "a")), None);
        assert!(callers.ask(&request("w", "a")).is_some());
    }
}

#[test]
fn a_job_uses_a_warm_worker_of_its_policy_and_leaves_one_to_its_requests() {
    let mut callers = Callers::new(4, 2);
    callers.ask(&request("w", "a"));
    callers.free(0, 2);
    assert_eq!(callers.slots.grant(&job("w", "a")), Some(Grant::Idle(1)));
    callers.slots.release(&job("w", "a"), 1);
    assert_eq!(callers.slots.grant(&request("w", "a")), Some(Grant::Idle(1)));
}

#[test]
fn idle_workers_make_room_for_jobs() {
    let mut callers = Callers::new(4, 2);
    for policy in ["a", "b", "c", "d"] {
        callers.ask(&request("w", policy));
    }
    for _ in 0..4 {
        callers.free(0, 2);
    }
    for (policy, evicted) in [("e", 1), ("f", 2)] {
        let granted = callers.slots.grant(&job("v", policy));
        assert_eq!(granted, Some(Grant::Slot { evicted: Some(evicted) }));
    }
    assert_eq!(callers.slots.grant(&job("v", "g")), None);
}

#[test]
fn a_job_that_ends_lets_the_next_one_begin() {
    for how in 0..3 {
        let mut callers = Callers::new(4, 1);
        for policy in ["a", "b"] {
            assert_eq!(callers.ask(&job("w", policy)), None);
        }
        let next = callers.ask(&job("w", "c")).unwrap();
        assert_eq!(callers.free(0, how), [next]);
    }
}
