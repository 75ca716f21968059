//! A process on a node: it calls ports, and each call may have a fault.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use writ_model::{Error, ErrorKind};

use crate::world::{Action, Actor, ProcessFault, Role, SharedWorld, World, lock};

/// The access of a process to the simulated world.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) world: SharedWorld,
    pub(crate) actor: Actor,
    /// The index of its clock in `World::skews`.
    pub(crate) clock: usize,
}

/// The service that a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Store,
    Queue,
    Receiver,
}

/// The fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The call has no effect and returns an error.
    Unavailable,
    /// The call has its effect and returns an error.
    ResponseLost,
    /// The call has its effect twice.
    Duplicate,
    /// The process crashes before the effect.
    CrashBefore,
    /// The process crashes after the effect.
    CrashAfter,
    /// The process crashes, and the effect follows up to two minutes later.
    CrashWithDelay,
    /// The process pauses before the effect.
    PauseBefore,
    /// The process pauses after the effect.
    PauseAfter,
}

impl World {
    fn draw_call_fault(&mut self, role: Role, service: Service) -> Fault {
        if !self.has_faults() {
            return Fault::None;
        }
        let is_outage = match service {
            Service::Store => self.is_within(|config| &config.store_outages),
            Service::Queue => self.is_within(|config| &config.queue_outages),
            Service::Receiver => false,
        };
        if is_outage {
            self.counts.add("outage");
            return Fault::Unavailable;
        }
        let config = &self.config;
        let mut faults = vec![
            (config.call_errors, Fault::Unavailable, "call failed"),
            (config.responses_lost, Fault::ResponseLost, "response lost"),
            (config.duplicates, Fault::Duplicate, "call duplicated"),
        ];
        if role != Role::Client {
            faults.extend([
                (config.crashes_before, Fault::CrashBefore, "crash before a call"),
                (config.crashes_after, Fault::CrashAfter, "crash after a call"),
                (config.crashes_with_delay, Fault::CrashWithDelay, "crash with a delayed call"),
                (config.pauses, Fault::PauseBefore, "pause before a call"),
                (config.pauses, Fault::PauseAfter, "pause after a call"),
            ]);
        }
        for (rate, fault, name) in faults {
            if self.rng.random_bool(rate) {
                self.counts.add(name);
                return fault;
            }
        }
        Fault::None
    }
}

impl Node {
    /// Makes a call. Its effect is atomic, at an instant between the request and the response.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        service: Service,
        name: &'static str,
        mut effect: impl FnMut(&mut World) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (fault, before, after) = {
            let mut world = lock(&self.world);
            let fault = world.draw_call_fault(self.actor.role, service);
            if fault != Fault::None {
                world.trace(|| format!("{:?} {name}: {fault:?}", self.actor));
            }
            let latency = world.config.latency_ms_max + 1;
            (fault, world.rng.below(latency), world.rng.below(latency))
        };
        self.wait(before).await;
        match fault {
            Fault::Unavailable => return Err(unavailable_error(name)),
            Fault::CrashBefore => self.crash().await,
            Fault::PauseBefore => self.pause().await,
            Fault::CrashWithDelay => {
                {
                    let mut world = lock(&self.world);
                    let at = world.now + world.rng.below(120_000);
                    let delayed = move |world: &mut World| drop(effect(world));
                    world.push_event(at, Action::Apply(Box::new(delayed)));
                }
                self.crash().await;
                return Err(unavailable_error(name));
            }
            _ => {}
        }
        let mut response = effect(&mut lock(&self.world));
        match fault {
            Fault::CrashAfter => self.crash().await,
            Fault::PauseAfter => self.pause().await,
            Fault::Duplicate => {
                self.wait(after + 1).await;
                response = effect(&mut lock(&self.world));
            }
            Fault::ResponseLost => {
                self.wait(after).await;
                return Err(unavailable_error(name));
            }
            _ if after > before => self.wait(after).await,
            _ => {}
        }
        Ok(response)
    }

    /// Crashes or pauses the process while a policy runs, if such a fault is drawn.
    pub(crate) async fn inject_process_fault(&self) {
        let fault = lock(&self.world).draw_call_fault(self.actor.role, Service::Receiver);
        match fault {
            Fault::CrashBefore | Fault::CrashAfter | Fault::CrashWithDelay => self.crash().await,
            Fault::PauseBefore | Fault::PauseAfter => self.pause().await,
            _ => {}
        }
    }

    async fn crash(&self) {
        lock(&self.world).process_fault = Some(ProcessFault::Crash);
        std::future::pending::<()>().await;
    }

    async fn pause(&self) {
        {
            let mut world = lock(&self.world);
            let until = world.now + world.rng.between(5_000, 400_000);
            world.process_fault = Some(ProcessFault::PauseUntil(until));
        }
        self.wait(0).await;
    }

    /// Waits for `ms` milliseconds of simulated time.
    pub(crate) fn wait(&self, ms: u64) -> Delay {
        let at = lock(&self.world).now + ms;
        Delay { world: Arc::clone(&self.world), actor: self.actor, at, is_set: false }
    }
}

/// Resolves at a simulated time, in milliseconds.
pub(crate) struct Delay {
    world: SharedWorld,
    actor: Actor,
    at: u64,
    is_set: bool,
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let delay = &mut *self;
        let mut world = lock(&delay.world);
        if !delay.is_set {
            delay.is_set = true;
            world.push_event(delay.at, Action::Wake(delay.actor.task, delay.actor.incarnation));
            return Poll::Pending;
        }
        if world.now >= delay.at { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn unavailable_error(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{name}: no response")).retry_after(1)
}
