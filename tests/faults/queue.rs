//! A queue of job signals that loses, duplicates and reorders messages.

use std::collections::BTreeMap;

use writ_model::JobSignal;

use crate::world::{Action, Actor, World};

/// A message that failed this many deliveries is a dead letter.
const RECEIVES_MAX: u32 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) signal: JobSignal,
    /// How often it was received.
    pub(crate) receive_count: u32,
}

/// The messages, and the runners that wait for one.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) available: Vec<Message>,
    pub(crate) idle: Vec<Actor>,
    /// The messages that runners process, by task.
    pub(crate) in_flight: BTreeMap<usize, Message>,
    /// The number of signals sent since the start.
    pub(crate) sent: u64,
    /// The number of signals that each task has sent since it received a message.
    pub(crate) signals_sent: BTreeMap<usize, usize>,
}

impl World {
    /// Sends a signal, which may be lost, duplicated or late. `delay` is in milliseconds.
    pub(crate) fn send_signal(&mut self, signal: JobSignal, delay: u64) {
        self.queue.sent += 1;
        if self.draw_fault(|config| config.signals_lost) {
            self.counts.add("signal lost");
            return;
        }
        let copies = if self.draw_fault(|config| config.signals_duplicated) { 2 } else { 1 };
        for copy in 0..copies {
            let ms_max = if self.has_faults() { self.config.signal_delay_ms_max } else { 0 };
            let latency = self.rng.below(ms_max + 1);
            if copy == 1 {
                self.counts.add("signal duplicated");
            }
            self.add_message(Message { signal: signal.clone(), receive_count: 0 }, delay + latency);
        }
    }

    /// Makes a message available after `delay` milliseconds, and wakes a waiting runner then.
    pub(crate) fn add_message(&mut self, message: Message, delay: u64) {
        let at = self.now + delay;
        self.push_event(
            at,
            Action::Apply(Box::new(move |world| {
                world.queue.available.push(message);
                if !world.queue.idle.is_empty() {
                    let waiting = world.queue.idle.len() as u64;
                    let index = usize::try_from(world.rng.below(waiting)).unwrap();
                    let runner = world.queue.idle.swap_remove(index);
                    world.push_event(world.now, Action::Wake(runner.task, runner.incarnation));
                }
            })),
        );
    }

    /// Receives a message, if one is available: a random one under faults, otherwise the oldest.
    pub(crate) fn receive_message(&mut self) -> Option<Message> {
        let available = self.queue.available.len() as u64;
        if available == 0 {
            return None;
        }
        let is_random = self.has_faults();
        let index = if is_random { usize::try_from(self.rng.below(available)).unwrap() } else { 0 };
        let mut message = self.queue.available.remove(index);
        message.receive_count += 1;
        Some(message)
    }

    /// Delivers a message again that was not processed, or counts it as a dead letter.
    pub(crate) fn redeliver(&mut self, message: Message) {
        if message.receive_count < RECEIVES_MAX {
            let delay = self.rng.choose(&[1_000, 30_000, 120_000]);
            self.add_message(message, delay);
        } else {
            self.counts.add("dead letter");
        }
    }
}
