//! Who acts: runners and sweepers, which die and begin again, and clients.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use writ_job_control::{notify, notify_all};
use writ_job_runner::{SignalOutcome, process_signal, sweep};
use writ_jobs::{Runner, cancel, enqueue, retry};
use writ_model::{Job, JobState, RawJson, Submission, Timestamp, Workspace};
use writ_ports::{ChangeJob, Clock, GetJob, PutJob};

use crate::engine::{COUNTER, PLAIN, TIMEOUTS_S, WATCHED};
use crate::node::Node;
use crate::queue::Message;
use crate::world::lock;

/// Writes of a client against those of others.
const TRIES: usize = 8;

/// Takes a message when there is one.
struct Receive<'a>(&'a Node);

impl Future for Receive<'_> {
    type Output = Message;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Message> {
        let node = self.0;
        let mut world = lock(&node.world);
        let Some(message) = world.take() else {
            if !world.queue.idle.contains(&node.actor) {
                world.queue.idle.push(node.actor);
            }
            return Poll::Pending;
        };
        world.queue.idle.retain(|idle| *idle != node.actor);
        world.queue.held.insert(node.actor.task, message.clone());
        world.queue.said.remove(&node.actor.task);
        world.note(|| format!("{:?} takes {:?}", node.actor, message.signal));
        Poll::Ready(message)
    }
}

/// Looks wherever it is told to, for ever.
pub(crate) async fn runner(node: Node) {
    let name = format!("n{}", node.actor.task);
    let runner = Runner { executor_id: writ_model::ExecutorId::BUILTIN, node_id: Some(name) };
    loop {
        let message = Receive(&node).await;
        let looked = process_signal(&node, &runner, &message.signal).await;
        let mut world = lock(&node.world);
        world.queue.held.remove(&node.actor.task);
        let said = world.queue.said.remove(&node.actor.task).unwrap_or(0);
        if said > 1 {
            world.violated(format!("one hint led to {said}: {:?}", message.signal));
        }
        world.note(|| format!("{:?} looked: {looked:?}", node.actor));
        world.counts.add(match looked {
            Ok(SignalOutcome::Idle) => "looked: idle",
            Ok(SignalOutcome::AttemptMade(_)) => "looked: ran",
            Ok(SignalOutcome::CallbackSent) => "looked: called",
            Err(_) => "looked: error",
        });
        if looked.is_err() {
            world.come_again(message);
        }
    }
}

/// Sweeps for ever.
pub(crate) async fn sweeper(node: Node) {
    let (begins_empty, pause) = {
        let mut world = lock(&node.world);
        (world.rng.happens(500), world.rng.one_of(&[1_000, 10_000, 60_000]))
    };
    if begins_empty {
        // Whatever it could not announce, the sweep will.
        let _ = notify_all(&node).await;
    }
    loop {
        let pause = if lock(&node.world).has_faults() { pause } else { 60_000 };
        node.wait(pause).await;
        let swept = sweep(&node).await;
        lock(&node.world).note(|| format!("{:?} swept: {swept:?}", node.actor));
    }
}

/// Submits one job, and may cancel it or try it again.
pub(crate) async fn client(node: Node, index: usize) {
    let plan = lock(&node.world).plan.clone();
    let wait = |most: u64| {
        let ms = lock(&node.world).rng.below(most + 1);
        node.wait(ms)
    };
    wait(plan.arrival_max).await;
    let submission = submission(&node, index);
    let state = enqueue(&submission);
    let is_known = node.put_job(&submission, &state).await.is_ok();
    // One that dies in between says nothing.
    let says = !lock(&node.world).goes_wrong(|plan| plan.hints_lost / 4);
    if is_known && says {
        // What is not said is found by the sweep.
        let _ = notify(&node, &submission, &state).await;
    }
    if lock(&node.world).rng.happens(plan.cancelled) {
        wait(20_000).await;
        move_on(&node, &submission, |job, now| {
            cancel(&job.submission, &job.state, "ana", now).ok()
        })
        .await;
    }
    for _ in 0..2 {
        if lock(&node.world).rng.happens(plan.retried) {
            wait(240_000).await;
            move_on(&node, &submission, |job, now| retry(&job.state, now).ok()).await;
        }
    }
    lock(&node.world).clients -= 1;
}

/// Moves the job where it may be moved, as a route does.
async fn move_on(
    node: &Node,
    submission: &Submission,
    next: impl Fn(&Job, Timestamp) -> Option<JobState>,
) {
    for _ in 0..TRIES {
        let found = node.get_job(&submission.workspace, &submission.job_id).await;
        let Ok(Some(job)) = found else { continue };
        let Some(state) = next(&job, node.now()) else { return };
        match node.change_job(submission, &state).await {
            Ok(true) => {
                let _ = notify(node, submission, &state).await;
                return;
            }
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

fn submission(node: &Node, index: usize) -> Submission {
    let now = node.now();
    let mut world = lock(&node.world);
    let later = world.plan.later;
    let not_before = world.rng.happens(later).then(|| {
        let most = if world.plan.is_calm() { 600_000 } else { 1_500_000 };
        let ms = i64::try_from(world.rng.below(most)).unwrap();
        Timestamp::from_ms(now.as_ms() + ms)
    });
    let rng = &mut world.rng;
    Submission {
        policy_rule_uri: rng.one_of(&[COUNTER, COUNTER, PLAIN, WATCHED]).parse().unwrap(),
        inputs: RawJson::empty_object(),
        timeout_seconds: rng.one_of(&TIMEOUTS_S),
        max_attempts: rng.one_of(&[None, None, Some(1), Some(2), Some(5)]),
        not_before,
        priority: rng.one_of(&[5, 5, 0, 9]),
        callback_url: rng.happens(500).then(|| "https://a.example/x".to_owned()),
        submitted_at: now,
        ..writ_testing::builders::submission(&Workspace::default(), &format!("j{index}"))
    }
}
