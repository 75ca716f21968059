//! The simulation of one schedule, from its seed until all work is done.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use crate::actors::{client, runner, sweeper};
use crate::config::Config;
use crate::counts::Counts;
use crate::node::Node;
use crate::quiescence::{check_final_state, is_quiescent};
use crate::rng::Rng;
use crate::world::{Action, Actor, ProcessFault, Role, SharedWorld, Skew, World, lock};

/// A simulation with more events than this has a livelock.
const EVENTS_MAX: u64 = 100_000;

/// All work is done within this time after the last fault, in milliseconds.
const WORK_MS_MAX: u64 = 12 * 3_600_000;

/// The simulation ends when all work has been done for this long, in milliseconds.
const QUIET_MS: u64 = 900_000;

/// A violated invariant, with the trace of its schedule.
#[derive(Debug)]
pub(crate) struct SimulationError {
    pub(crate) violation: String,
    pub(crate) trace: Vec<String>,
}

type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A simulated process, which has no future while it is down.
struct Task {
    actor: Actor,
    index: usize,
    future: Option<TaskFuture>,
    paused_until: u64,
}

/// Whether the task has woken itself while it was polled.
#[derive(Default)]
struct WakeFlag(AtomicBool);

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Simulation {
    world: SharedWorld,
    tasks: Vec<Task>,
    wake_flag: Arc<WakeFlag>,
    waker: Waker,
}

/// Runs the schedule of a seed, and returns what happened in it.
pub(crate) fn run(
    seed: u64,
    config: fn(&mut Rng) -> Config,
    is_traced: bool,
) -> Result<Counts, SimulationError> {
    let mut rng = Rng::new(seed);
    let config = config(&mut rng);
    let world = World::new(config, rng, is_traced);
    let mut simulation = Simulation::new(world);
    let violation = simulation.run();
    // The tasks hold references to the world, and `into_inner` needs the last one.
    drop(std::mem::take(&mut simulation.tasks));
    let world = Arc::into_inner(simulation.world).unwrap().into_inner().unwrap();
    match violation {
        None => Ok(world.counts),
        Some(violation) => Err(SimulationError { violation, trace: world.into_trace() }),
    }
}

impl Simulation {
    fn new(mut world: World) -> Self {
        let config = world.config.clone();
        world.trace(|| format!("{config:?}"));
        let roles = [
            (Role::Runner, config.runners),
            (Role::Sweeper, config.sweepers),
            (Role::Client, config.jobs),
        ];
        let mut tasks = Vec::new();
        for (role, number) in roles {
            for index in 0..usize::try_from(number).unwrap() {
                let actor = Actor { task: tasks.len(), incarnation: 0, role };
                tasks.push(Task { actor, index, future: None, paused_until: 0 });
                let skew = world.draw_skew();
                world.skews.push(skew);
                world.push_event(0, Action::Start(actor.task));
            }
        }
        world.clients = usize::try_from(config.jobs).unwrap();
        for _ in 0..config.clock_jumps {
            let at = world.rng.below(config.faults_end_ms);
            world.push_event(at, Action::Apply(Box::new(World::set_clock)));
        }
        let correct = |world: &mut World| world.skews.fill(Skew::default());
        world.push_event(config.faults_end_ms, Action::Apply(Box::new(correct)));
        let wake_flag = Arc::new(WakeFlag::default());
        let waker = Waker::from(Arc::clone(&wake_flag));
        Self { world: Arc::new(Mutex::new(world)), tasks, wake_flag, waker }
    }

    /// Processes events until all work is done, and returns the first violation.
    fn run(&mut self) -> Option<String> {
        let (mut events, mut done_since) = (0_u64, None);
        loop {
            let next = lock(&self.world).pop_event();
            let Some(action) = next else { break };
            match action {
                Action::Start(task) => self.start(task),
                Action::Wake(task, incarnation) => self.poll(task, incarnation),
                Action::Apply(apply) => apply(&mut lock(&self.world)),
            }
            events += 1;
            let world = lock(&self.world);
            if world.violation.is_some() {
                return world.violation.clone();
            }
            if events > EVENTS_MAX {
                return Some(format!("work is left after {events} events"));
            }
            let Some(after) = world.now.checked_sub(world.config.faults_end_ms) else { continue };
            let is_done = is_quiescent(&world)
                && self.tasks.iter().all(|task| task.paused_until <= world.now);
            done_since = done_since.filter(|_| is_done).or(is_done.then_some(after));
            if done_since.is_some_and(|since| after - since > QUIET_MS) {
                break;
            }
            if after > WORK_MS_MAX {
                break;
            }
        }
        let mut world = lock(&self.world);
        let (sent, done_ms) = (world.queue.sent, done_since.unwrap_or(WORK_MS_MAX));
        world.counts.record_max("events", events);
        world.counts.record_max("signals", sent);
        world.counts.record_max("minutes until done", done_ms / 60_000);
        check_final_state(&mut world);
        world.violation.clone()
    }

    fn start(&mut self, index: usize) {
        let task = &mut self.tasks[index];
        let actor = task.actor;
        let node = Node { world: Arc::clone(&self.world), actor, clock: index };
        task.future = Some(match actor.role {
            Role::Runner => Box::pin(runner(node)),
            Role::Sweeper => Box::pin(sweeper(node)),
            Role::Client => Box::pin(client(node, task.index)),
        });
        self.poll(index, actor.incarnation);
    }

    fn poll(&mut self, index: usize, incarnation: u32) {
        let task = &mut self.tasks[index];
        if task.actor.incarnation != incarnation {
            return;
        }
        {
            let mut world = lock(&self.world);
            if task.paused_until > world.now {
                let at = task.paused_until;
                world.push_event(at, Action::Wake(index, incarnation));
                return;
            }
        }
        let Some(future) = &mut task.future else { return };
        loop {
            self.wake_flag.0.store(false, Ordering::Relaxed);
            if future.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
                task.future = None;
                return;
            }
            let fault = lock(&self.world).process_fault.take();
            match fault {
                Some(ProcessFault::Crash) => {
                    task.future = None;
                    task.actor.incarnation += 1;
                    return lock(&self.world).handle_crash(index, incarnation);
                }
                Some(ProcessFault::PauseUntil(until)) => {
                    task.paused_until = until;
                    return lock(&self.world).handle_pause(index, incarnation, until);
                }
                None if !self.wake_flag.0.load(Ordering::Relaxed) => return,
                None => {}
            }
        }
    }
}

impl World {
    fn draw_skew(&mut self) -> Skew {
        let signed = |rng: &mut Rng, max: u64| {
            let max = i64::try_from(max).unwrap();
            i64::try_from(rng.below(2 * max.unsigned_abs() + 1)).unwrap() - max
        };
        let (skew_ms_max, drift_per_mille_max) =
            (self.config.skew_ms_max, self.config.drift_per_mille_max);
        let ms = signed(&mut self.rng, skew_ms_max);
        Skew { ms, drift: signed(&mut self.rng, drift_per_mille_max) }
    }

    /// Sets the clock of a random process up to ten minutes back or ahead.
    fn set_clock(&mut self) {
        self.counts.add("clock set");
        let minutes = self.rng.below(21);
        let node = usize::try_from(self.rng.below(self.skews.len() as u64)).unwrap();
        self.skews[node].ms = (i64::try_from(minutes).unwrap() - 10) * 60_000;
        self.trace(|| format!("the clock of {node} is {minutes} - 10 minutes ahead"));
    }

    /// A process crashed: its message may be delivered again, and the process restarts.
    fn handle_crash(&mut self, task: usize, incarnation: u32) {
        self.trace(|| format!("{task} crashes in incarnation {incarnation}"));
        self.queue.idle.retain(|idle| idle.task != task);
        let message = self.queue.in_flight.remove(&task);
        if let Some(message) = message
            && self.rng.random_bool(700)
        {
            self.redeliver(message);
        }
        let at = self.now + self.rng.choose(&[1, 1_000, 60_000]);
        self.push_event(at, Action::Start(task));
    }

    /// A process pauses: its message may be delivered again, to another one.
    fn handle_pause(&mut self, task: usize, incarnation: u32, until: u64) {
        self.trace(|| format!("{task} pauses until {:.3}", until as f64 / 1_000.0));
        let message = self.queue.in_flight.get(&task).cloned();
        if let Some(message) = message
            && self.rng.random_bool(700)
        {
            self.redeliver(message);
        }
        self.push_event(until, Action::Wake(task, incarnation));
    }
}
