//! A queue that loses, repeats and reorders what it is given.

use std::collections::BTreeMap;

use writ_model::JobSignal;

use crate::world::{Actor, What, World};

/// Somebody takes a message so often, then it is a dead letter.
const TAKEN_MAX: u32 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) signal: JobSignal,
    pub(crate) taken: u32,
}

/// Messages that arrived, and runners that wait for one.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) arrived: Vec<Message>,
    pub(crate) idle: Vec<Actor>,
    /// What runners are at, by task.
    pub(crate) held: BTreeMap<usize, Message>,
    /// Messages that were ever sent.
    pub(crate) sent: u64,
    /// Hints that each task has handed over since it took a message.
    pub(crate) said: BTreeMap<usize, usize>,
}

impl World {
    /// Takes a hint, with what becomes of messages on the way.
    pub(crate) fn send(&mut self, signal: JobSignal, delay: u64) {
        self.queue.sent += 1;
        if self.goes_wrong(|plan| plan.hints_lost) {
            self.counts.add("hint lost");
            return;
        }
        let times = if self.goes_wrong(|plan| plan.hints_doubled) { 2 } else { 1 };
        for time in 0..times {
            let most = if self.has_faults() { self.plan.hint_delay_max } else { 0 };
            let late = self.rng.below(most + 1);
            if time == 1 {
                self.counts.add("hint doubled");
            }
            self.arrive(Message { signal: signal.clone(), taken: 0 }, delay + late);
        }
    }

    /// A message can be taken after so many milliseconds.
    pub(crate) fn arrive(&mut self, message: Message, delay: u64) {
        let at = self.now + delay;
        self.at(
            at,
            What::AccessLevel(Box::new(move |world| {
                world.queue.arrived.push(message);
                if !world.queue.idle.is_empty() {
                    let waiting = world.queue.idle.len() as u64;
                    let index = usize::try_from(world.rng.below(waiting)).unwrap();
                    let runner = world.queue.idle.swap_remove(index);
                    world.at(world.now, What::Wake(runner.task, runner.life));
                }
            })),
        );
    }

    /// A message, if there is one: any where faults are, else the oldest.
    pub(crate) fn take(&mut self) -> Option<Message> {
        let there = self.queue.arrived.len() as u64;
        if there == 0 {
            return None;
        }
        let is_any = self.has_faults();
        let index = if is_any { usize::try_from(self.rng.below(there)).unwrap() } else { 0 };
        let mut message = self.queue.arrived.remove(index);
        message.taken += 1;
        Some(message)
    }

    /// Nobody was done with the message: it comes again, a few times.
    pub(crate) fn come_again(&mut self, message: Message) {
        if message.taken < TAKEN_MAX {
            let delay = self.rng.one_of(&[1_000, 30_000, 120_000]);
            self.arrive(message, delay);
        } else {
            self.counts.add("dead letter");
        }
    }
}
