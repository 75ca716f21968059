//! A process on a node: the ports as the runner gets them, with a fault at every call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use writ_model::{Error, ErrorKind};

use crate::world::{Actor, Fate, Role, Shared, What, World, lock};

/// A process, as what runs in it sees the world.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) world: Shared,
    pub(crate) actor: Actor,
    /// Which clock it reads.
    pub(crate) clock: usize,
}

/// What a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Store,
    Queue,
    Receiver,
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Fails,
    AnswerLost,
    Doubled,
    DiesBefore,
    DiesAfter,
    DiesLate,
    StopsBefore,
    StopsAfter,
}

impl World {
    fn fault(&mut self, role: Role, to: To) -> Fault {
        if !self.has_faults() {
            return Fault::None;
        }
        let is_out = match to {
            To::Store => self.is_within(|plan| &plan.throttled),
            To::Queue => self.is_within(|plan| &plan.queue_gone),
            To::Receiver => false,
        };
        if is_out {
            self.counts.add("throttled");
            return Fault::Fails;
        }
        let plan = &self.plan;
        let mut faults = vec![
            (plan.fails, Fault::Fails, "call failed"),
            (plan.answers_lost, Fault::AnswerLost, "answer lost"),
            (plan.doubled, Fault::Doubled, "call doubled"),
        ];
        if role != Role::Client {
            faults.extend([
                (plan.dies_before, Fault::DiesBefore, "died before a call"),
                (plan.dies_after, Fault::DiesAfter, "died after a call"),
                (plan.dies_late, Fault::DiesLate, "died, and its call came late"),
                (plan.stops, Fault::StopsBefore, "stopped before a call"),
                (plan.stops, Fault::StopsAfter, "stopped after a call"),
            ]);
        }
        for (rate, fault, name) in faults {
            if self.rng.happens(rate) {
                self.counts.add(name);
                return fault;
            }
        }
        Fault::None
    }
}

impl Node {
    /// Makes a call. What it does is done at one moment, some time after it was sent and before
    /// its answer is there.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        to: To,
        name: &'static str,
        mut effect: impl FnMut(&mut World) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (fault, before, after) = {
            let mut world = lock(&self.world);
            let fault = world.fault(self.actor.role, to);
            if fault != Fault::None {
                world.note(|| format!("{:?} {name}: {fault:?}", self.actor));
            }
            let latency = world.plan.latency_max + 1;
            (fault, world.rng.below(latency), world.rng.below(latency))
        };
        self.wait(before).await;
        match fault {
            Fault::Fails => return Err(refused(name)),
            Fault::DiesBefore => self.die().await,
            Fault::StopsBefore => self.stop().await,
            Fault::DiesLate => {
                {
                    let mut world = lock(&self.world);
                    let at = world.now + world.rng.below(120_000);
                    let late = move |world: &mut World| drop(effect(world));
                    world.at(at, What::AccessLevel(Box::new(late)));
                }
                self.die().await;
                return Err(refused(name));
            }
            _ => {}
        }
        let mut answer = effect(&mut lock(&self.world));
        match fault {
            Fault::DiesAfter => self.die().await,
            Fault::StopsAfter => self.stop().await,
            Fault::Doubled => {
                self.wait(after + 1).await;
                answer = effect(&mut lock(&self.world));
            }
            Fault::AnswerLost => {
                self.wait(after).await;
                return Err(refused(name));
            }
            _ if after > before => self.wait(after).await,
            _ => {}
        }
        Ok(answer)
    }

    /// While a policy runs, its process may die or stand still as well.
    pub(crate) async fn fall(&self) {
        let fault = lock(&self.world).fault(self.actor.role, To::Receiver);
        match fault {
            Fault::DiesBefore | Fault::DiesAfter | Fault::DiesLate => self.die().await,
            Fault::StopsBefore | Fault::StopsAfter => self.stop().await,
            _ => {}
        }
    }

    async fn die(&self) {
        lock(&self.world).fate = Some(Fate::Dies);
        std::future::pending::<()>().await;
    }

    async fn stop(&self) {
        {
            let mut world = lock(&self.world);
            let until = world.now + world.rng.between(5_000, 400_000);
            world.fate = Some(Fate::StopsUntil(until));
        }
        self.wait(0).await;
    }

    /// Comes back after so many milliseconds of the world's.
    pub(crate) fn wait(&self, ms: u64) -> Wait {
        let at = lock(&self.world).now + ms;
        Wait { world: Arc::clone(&self.world), actor: self.actor, at, is_set: false }
    }
}

/// Waits for a time.
pub(crate) struct Wait {
    world: Shared,
    actor: Actor,
    at: u64,
    is_set: bool,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let wait = &mut *self;
        let mut world = lock(&wait.world);
        if !wait.is_set {
            wait.is_set = true;
            world.at(wait.at, What::Wake(wait.actor.task, wait.actor.life));
            return Poll::Pending;
        }
        if world.now >= wait.at { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn refused(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{name}: no answer")).retry_after(1)
}
