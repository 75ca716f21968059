//! The simulated processes: runners and sweepers, which crash and restart, and clients.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use writ_job_control::{notify, notify_all};
use writ_job_runner::{SignalOutcome, process_signal, sweep};
use writ_jobs::{Runner, cancel, enqueue, retry};
use writ_model::{Job, JobState, RawJson, Submission, Timestamp, Workspace};
use writ_ports::{ChangeJob, Clock, GetJob, PutJob};

use crate::engine::{COUNTER, STATELESS, TIMEOUTS_S, WITH_FAILURE_POLICY};
use crate::node::Node;
use crate::queue::Message;
use crate::world::lock;

/// Tries of a client to write over concurrent writes.
const WRITE_TRIES_MAX: usize = 8;

/// Resolves to the next message of the queue.
struct ReceiveMessage<'a>(&'a Node);

impl Future for ReceiveMessage<'_> {
    type Output = Message;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Message> {
        let node = self.0;
        let mut world = lock(&node.world);
        let Some(message) = world.receive_message() else {
            if !world.queue.idle.contains(&node.actor) {
                world.queue.idle.push(node.actor);
            }
            return Poll::Pending;
        };
        world.queue.idle.retain(|idle| *idle != node.actor);
        world.queue.in_flight.insert(node.actor.task, message.clone());
        world.queue.signals_sent.remove(&node.actor.task);
        world.trace(|| format!("{:?} receives {:?}", node.actor, message.signal));
        Poll::Ready(message)
    }
}

/// Receives and processes signals without end.
pub(crate) async fn runner(node: Node) {
    let name = format!("n{}", node.actor.task);
    let runner = Runner { executor_id: writ_model::ExecutorId::BUILTIN, node_id: Some(name) };
    loop {
        let message = ReceiveMessage(&node).await;
        let result = process_signal(&node, &runner, &message.signal).await;
        let mut world = lock(&node.world);
        world.queue.in_flight.remove(&node.actor.task);
        let sent = world.queue.signals_sent.remove(&node.actor.task).unwrap_or(0);
        if sent > 1 {
            world
                .report_violation(format!("one signal caused {sent} others: {:?}", message.signal));
        }
        world.trace(|| format!("{:?} processed a signal: {result:?}", node.actor));
        world.counts.add(match result {
            Ok(SignalOutcome::Idle) => "signal: idle",
            Ok(SignalOutcome::AttemptMade(_)) => "signal: attempt made",
            Ok(SignalOutcome::CallbackSent) => "signal: callback sent",
            Err(_) => "signal: error",
        });
        if result.is_err() {
            world.redeliver(message);
        }
    }
}

/// Sweeps at intervals, without end.
pub(crate) async fn sweeper(node: Node) {
    let (has_empty_queue, pause) = {
        let mut world = lock(&node.world);
        (world.rng.random_bool(500), world.rng.choose(&[1_000, 10_000, 60_000]))
    };
    if has_empty_queue {
        // The sweep sends the signals that this could not send.
        let _ = notify_all(&node).await;
    }
    loop {
        let pause = if lock(&node.world).has_faults() { pause } else { 60_000 };
        node.wait(pause).await;
        let result = sweep(&node).await;
        lock(&node.world).trace(|| format!("{:?} swept: {result:?}", node.actor));
    }
}

/// Submits one job, and may cancel or retry it.
pub(crate) async fn client(node: Node, index: usize) {
    let config = lock(&node.world).config.clone();
    let wait = |ms_max: u64| {
        let ms = lock(&node.world).rng.below(ms_max + 1);
        node.wait(ms)
    };
    wait(config.arrival_ms_max).await;
    let submission = submission(&node, index);
    let state = enqueue(&submission);
    let is_stored = node.put_job(&submission, &state).await.is_ok();
    // A client that crashes between the two calls sends no signal.
    let is_alive = !lock(&node.world).draw_fault(|config| config.signals_lost / 4);
    if is_stored && is_alive {
        // A sweep finds the job if its signal is not sent.
        let _ = notify(&node, &submission, &state).await;
    }
    if lock(&node.world).rng.random_bool(config.cancellations) {
        wait(20_000).await;
        change_job(&node, &submission, |job, now| {
            cancel(&job.submission, &job.state, "ana", now).ok()
        })
        .await;
    }
    for _ in 0..2 {
        if lock(&node.world).rng.random_bool(config.retries) {
            wait(240_000).await;
            change_job(&node, &submission, |job, now| retry(&job.state, now).ok()).await;
        }
    }
    lock(&node.world).clients -= 1;
}

/// Writes the job's next state and notifies, as a route does. Tries again after a lost race.
async fn change_job(
    node: &Node,
    submission: &Submission,
    next: impl Fn(&Job, Timestamp) -> Option<JobState>,
) {
    for _ in 0..WRITE_TRIES_MAX {
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
    let delayed = world.config.delayed_starts;
    let not_before = world.rng.random_bool(delayed).then(|| {
        let ms_max = if world.config.is_fault_free() { 600_000 } else { 1_500_000 };
        let ms = i64::try_from(world.rng.below(ms_max)).unwrap();
        Timestamp::from_ms(now.as_ms() + ms)
    });
    let rng = &mut world.rng;
    Submission {
        policy_rule_uri: rng
            .choose(&[COUNTER, COUNTER, STATELESS, WITH_FAILURE_POLICY])
            .parse()
            .unwrap(),
        inputs: RawJson::empty_object(),
        timeout_seconds: rng.choose(&TIMEOUTS_S),
        max_attempts: rng.choose(&[None, None, Some(1), Some(2), Some(5)]),
        not_before,
        priority: rng.choose(&[5, 5, 0, 9]),
        callback_url: rng.random_bool(500).then(|| "https://a.example/x".to_owned()),
        submitted_at: now,
        ..writ_testing::builders::submission(&Workspace::default(), &format!("j{index}"))
    }
}
