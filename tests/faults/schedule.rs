//! One schedule, from its seed to rest.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use crate::actors::{client, runner, sweeper};
use crate::counts::Counts;
use crate::node::Node;
use crate::plan::Plan;
use crate::rest::{check_rest, is_at_rest};
use crate::rng::Rng;
use crate::world::{Actor, Fate, Role, Shared, Skew, What, World, lock};

/// More than any schedule needs: somebody goes round in circles.
const EVENTS_MAX: u64 = 100_000;

/// Whoever is not at rest by then, milliseconds after the last fault, never will be.
const REST_MAX: u64 = 12 * 3_600_000;

/// Nothing may happen any more for so long.
const STILL: u64 = 900_000;

/// A schedule that went wrong.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

type Life = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A process, or a client.
struct Task {
    actor: Actor,
    index: usize,
    life: Option<Life>,
    stops_until: u64,
}

/// Whether somebody inside of the task wants it to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Schedule {
    world: Shared,
    tasks: Vec<Task>,
    woken: Arc<Woken>,
    waker: Waker,
}

/// Runs the schedule of a seed.
pub(crate) fn run(
    seed: u64,
    plan: fn(&mut Rng) -> Plan,
    is_traced: bool,
) -> Result<Counts, Broken> {
    let mut rng = Rng::new(seed);
    let plan = plan(&mut rng);
    let world = World::new(plan, rng, is_traced);
    let mut schedule = Schedule::new(world);
    let what = schedule.go();
    // What the tasks hold of the world goes with them.
    drop(std::mem::take(&mut schedule.tasks));
    let world = Arc::into_inner(schedule.world).unwrap().into_inner().unwrap();
    match what {
        None => Ok(world.counts),
        Some(what) => Err(Broken { what, trace: world.into_trace() }),
    }
}

impl Schedule {
    fn new(mut world: World) -> Self {
        let plan = world.plan.clone();
        world.note(|| format!("{plan:?}"));
        let roles = [
            (Role::Runner, plan.runners),
            (Role::Sweeper, plan.sweepers),
            (Role::Client, plan.jobs),
        ];
        let mut tasks = Vec::new();
        for (role, number) in roles {
            for index in 0..usize::try_from(number).unwrap() {
                let actor = Actor { task: tasks.len(), life: 0, role };
                tasks.push(Task { actor, index, life: None, stops_until: 0 });
                let skew = world.skew();
                world.skews.push(skew);
                world.at(0, What::Start(actor.task));
            }
        }
        world.clients = usize::try_from(plan.jobs).unwrap();
        for _ in 0..plan.clock_jumps {
            let at = world.rng.below(plan.faults_end);
            world.at(at, What::AccessLevel(Box::new(World::jump)));
        }
        let right = |world: &mut World| world.skews.fill(Skew::default());
        world.at(plan.faults_end, What::AccessLevel(Box::new(right)));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        Self { world: Arc::new(Mutex::new(world)), tasks, woken, waker }
    }

    /// Goes on until nothing happens any more; what went wrong.
    fn go(&mut self) -> Option<String> {
        let (mut events, mut still_since) = (0_u64, None);
        loop {
            let next = lock(&self.world).next();
            let Some(what) = next else { break };
            match what {
                What::Start(task) => self.start(task),
                What::Wake(task, life) => self.wake(task, life),
                What::AccessLevel(effect) => effect(&mut lock(&self.world)),
            }
            events += 1;
            let world = lock(&self.world);
            if world.violation.is_some() {
                return world.violation.clone();
            }
            if events > EVENTS_MAX {
                return Some(format!("no rest after {events} events"));
            }
            let Some(after) = world.now.checked_sub(world.plan.faults_end) else { continue };
            let is_still =
                is_at_rest(&world) && self.tasks.iter().all(|task| task.stops_until <= world.now);
            still_since = still_since.filter(|_| is_still).or(is_still.then_some(after));
            if still_since.is_some_and(|since| after - since > STILL) {
                break;
            }
            if after > REST_MAX {
                break;
            }
        }
        let mut world = lock(&self.world);
        let (sent, still_ms) = (world.queue.sent, still_since.unwrap_or(REST_MAX));
        world.counts.most("events", events);
        world.counts.most("hints", sent);
        world.counts.most("minutes to rest", still_ms / 60_000);
        check_rest(&mut world);
        world.violation.clone()
    }

    fn start(&mut self, index: usize) {
        let task = &mut self.tasks[index];
        let actor = task.actor;
        let node = Node { world: Arc::clone(&self.world), actor, clock: index };
        task.life = Some(match actor.role {
            Role::Runner => Box::pin(runner(node)),
            Role::Sweeper => Box::pin(sweeper(node)),
            Role::Client => Box::pin(client(node, task.index)),
        });
        self.wake(index, actor.life);
    }

    fn wake(&mut self, index: usize, life: u32) {
        let task = &mut self.tasks[index];
        if task.actor.life != life {
            return;
        }
        {
            let mut world = lock(&self.world);
            if task.stops_until > world.now {
                let at = task.stops_until;
                world.at(at, What::Wake(index, life));
                return;
            }
        }
        let Some(future) = &mut task.life else { return };
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            if future.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
                task.life = None;
                return;
            }
            let fate = lock(&self.world).fate.take();
            match fate {
                Some(Fate::Dies) => {
                    task.life = None;
                    task.actor.life += 1;
                    return lock(&self.world).buried(index, life);
                }
                Some(Fate::StopsUntil(until)) => {
                    task.stops_until = until;
                    return lock(&self.world).stopped(index, life, until);
                }
                None if !self.woken.0.load(Ordering::Relaxed) => return,
                None => {}
            }
        }
    }
}

impl World {
    fn skew(&mut self) -> Skew {
        let signed = |rng: &mut Rng, most: u64| {
            let most = i64::try_from(most).unwrap();
            i64::try_from(rng.below(2 * most.unsigned_abs() + 1)).unwrap() - most
        };
        let (skew_max, drift_max) = (self.plan.skew_max, self.plan.drift_max);
        let ms = signed(&mut self.rng, skew_max);
        Skew { ms, drift: signed(&mut self.rng, drift_max) }
    }

    /// Somebody's clock is set anew.
    fn jump(&mut self) {
        self.counts.add("clock jumped");
        let minutes = self.rng.below(21);
        let node = usize::try_from(self.rng.below(self.skews.len() as u64)).unwrap();
        self.skews[node].ms = (i64::try_from(minutes).unwrap() - 10) * 60_000;
        self.note(|| format!("the clock of {node} is {minutes} - 10 minutes ahead"));
    }

    /// A process died: what it was at comes again or not, and another one begins.
    fn buried(&mut self, task: usize, life: u32) {
        self.note(|| format!("{task} dies in life {life}"));
        self.queue.idle.retain(|idle| idle.task != task);
        let held = self.queue.held.remove(&task);
        if let Some(held) = held
            && self.rng.happens(700)
        {
            self.come_again(held);
        }
        let at = self.now + self.rng.one_of(&[1, 1_000, 60_000]);
        self.at(at, What::Start(task));
    }

    /// A process stands still: what it was at comes again, for somebody else.
    fn stopped(&mut self, task: usize, life: u32, until: u64) {
        self.note(|| format!("{task} stops until {:.3}", until as f64 / 1_000.0));
        let held = self.queue.held.get(&task).cloned();
        if let Some(held) = held
            && self.rng.happens(700)
        {
            self.come_again(held);
        }
        self.at(until, What::Wake(task, life));
    }
}
