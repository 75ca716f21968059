use proptest::prelude::*;

use super::super::tests::key;
use super::*;

/// Callers of a pool: what they hold and wait for.
struct Callers {
    places: Places<u32>,
    bounds: Bounds,
    held: Vec<Key>,
    waiting: Vec<(Key, u64)>,
    made: u32,
}

impl Callers {
    fn new(workers_max: usize, workers_per_key_max: usize) -> Self {
        let bounds = Bounds { workers_max, workers_per_key_max, waiting_max: 1000 };
        let places = Places::new(bounds);
        Self { places, bounds, held: Vec::new(), waiting: Vec::new(), made: 0 }
    }

    /// The ticket, if it has to wait.
    fn ask(&mut self, key: &Key) -> Option<u64> {
        if self.places.grant(key).is_some() {
            self.held.push(key.clone());
            return None;
        }
        let (ticket, _) = self.places.queue(key).unwrap();
        self.waiting.push((key.clone(), ticket));
        Some(ticket)
    }

    /// Gives one held place back in one of the three ways, and says who got something for it.
    fn free(&mut self, which: usize, how: usize) -> Vec<u64> {
        let key = self.held.remove(which % self.held.len());
        match how % 3 {
            0 => self.places.retire(&key),
            1 => self.places.reserve(key),
            _ => {
                self.made += 1;
                self.places.release(key, self.made);
            }
        }
        self.collect()
    }

    fn collect(&mut self) -> Vec<u64> {
        let mut served = Vec::new();
        for (key, ticket) in std::mem::take(&mut self.waiting) {
            if self.places.collect(ticket).is_some() {
                self.held.push(key);
                served.push(ticket);
            } else {
                self.waiting.push((key, ticket));
            }
        }
        served
    }

    /// No bound is exceeded, the books agree with what is really held, and nobody waits for
    /// what he could have.
    fn assert_sound(&self) {
        let places = &self.places;
        assert!(places.total <= self.bounds.workers_max);
        assert_eq!(places.total, self.held.len() + places.idle.len());
        assert_eq!(places.taken.values().sum::<usize>(), places.total);
        for (key, taken) in &places.taken {
            let held = self.held.iter().filter(|held| *held == key).count();
            let idle = places.idle.iter().filter(|(idle, _)| idle == key).count();
            assert_eq!(*taken, held + idle);
            assert!(*taken <= self.bounds.workers_per_key_max);
        }
        assert_eq!(places.waiting(), self.waiting.len());
        assert!(places.granted.is_empty());
        for (key, _) in &self.waiting {
            assert!(places.offer(key, places.surplus()).is_none(), "{key:?} could be served");
        }
    }
}

fn keys() -> Vec<Key> {
    [("w", "a"), ("w", "b"), ("w", "c"), ("v", "a"), ("v", "b"), ("u", "a")]
        .map(|(workspace, policy)| key(workspace, policy))
        .to_vec()
}

proptest! {
    /// Whatever is asked, given back and given up in whatever order.
    #[test]
    fn the_bounds_hold_in_every_order_and_every_place_comes_back(
        workers_max in 1_usize..8,
        workers_per_key_max in 1_usize..4,
        steps in prop::collection::vec((0_u8..7, 0_usize..6, 0_usize..3), 0..200),
    ) {
        let mut callers = Callers::new(workers_max, workers_per_key_max);
        let keys = keys();
        for (action, which, how) in steps {
            match action {
                0..=2 => drop(callers.ask(&keys[which])),
                3 | 4 if !callers.held.is_empty() => drop(callers.free(which, how)),
                5 if callers.places.take_reserved(&keys[which]) => {
                    callers.held.push(keys[which].clone());
                }
                6 if !callers.waiting.is_empty() => {
                    let (key, ticket) = callers.waiting.remove(which % callers.waiting.len());
                    callers.places.leave(&key, ticket);
                }
                _ => {}
            }
            callers.assert_sound();
        }
        while !callers.held.is_empty() {
            callers.free(0, 0);
        }
        prop_assert_eq!(callers.waiting.len(), 0);
        callers.places.clear();
        prop_assert_eq!(callers.places.total, 0);
        prop_assert!(callers.places.taken.is_empty());
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
            callers.ask(&key("hanging", &number.to_string()));
        }
        if let Some(ticket) = callers.ask(&key("other", "a")) {
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
            callers.ask(&key("w", &number.to_string()));
        }
        let before: std::collections::HashSet<_> =
            callers.waiting.iter().map(|(key, _)| key.clone()).collect();
        if let Some(ticket) = callers.ask(&key("w", "other")) {
            let all_hold = before.iter().all(|key| callers.places.taken(key) > 0);
            let waits_max = if all_hold { 0 } else { before.len() };
            let waits = frees
                .into_iter()
                .position(|(which, how)| callers.free(which, how).contains(&ticket));
            prop_assert!(waits.is_some_and(|waits| waits <= waits_max), "{waits:?} {waits_max}");
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
        let warm = key("w", "warm");
        callers.ask(&warm);
        callers.free(0, 2);
        let hanging: Vec<_> =
            (0..workers_max - 1).map(|number| key("w", &number.to_string())).collect();
        for key in &hanging {
            callers.ask(key);
        }
        for which in asked {
            callers.ask(&hanging[which % hanging.len()]);
            callers.assert_sound();
        }
        prop_assert_eq!(callers.places.grant(&warm), Some(Grant::Idle(1)));
    }
}

#[test]
fn who_holds_fewer_places_goes_first() {
    let mut callers = Callers::new(2, 2);
    let (greedy, other) = (key("w", "greedy"), key("w", "other"));
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
        assert_eq!(callers.ask(&key("large", policy)), None);
    }
    let large = callers.ask(&key("large", "e")).unwrap();
    let small = callers.ask(&key("small", "a")).unwrap();
    assert_eq!(callers.free(0, 0), [small]);
    assert_eq!(callers.free(0, 0), [large]);
}

#[test]
fn a_workspace_with_three_quarters_takes_no_other_ones_last_worker() {
    let mut callers = Callers::new(4, 2);
    let small = key("small", "a");
    callers.ask(&small);
    callers.free(0, 2);
    for policy in ["a", "b", "c"] {
        assert_eq!(callers.ask(&key("large", policy)), None);
    }
    assert!(callers.ask(&key("large", "d")).is_some());
    assert_eq!(callers.places.grant(&small), Some(Grant::Idle(1)));
}

#[test]
fn a_second_idle_worker_makes_room_before_a_first_one() {
    let mut callers = Callers::new(3, 2);
    let (single, double) = (key("w", "single"), key("w", "double"));
    for key in [&single, &double, &double] {
        callers.ask(key);
    }
    for _ in 0..3 {
        callers.free(0, 2);
    }
    let granted = callers.places.grant(&key("w", "new"));
    assert_eq!(granted, Some(Grant::Place { evicted: Some(2) }));
    assert_eq!(callers.places.grant(&single), Some(Grant::Idle(1)));
}

#[test]
fn a_reserved_place_is_its_own_keys_until_one_without_any_needs_it() {
    let mut callers = Callers::new(2, 2);
    let (one, greedy) = (key("w", "one"), key("w", "greedy"));
    callers.ask(&one);
    callers.free(0, 1);
    callers.ask(&greedy);
    assert!(callers.ask(&greedy).is_some());
    assert_eq!(callers.ask(&one), None);
    // One caller has used it, so no worker is to be prepared.
    assert!(!callers.places.take_reserved(&one));
    let held = callers.held.iter().position(|key| *key == one).unwrap();
    callers.free(held, 1);
    assert_eq!(callers.ask(&key("w", "new")), None);
    assert!(!callers.places.take_reserved(&one));
}
