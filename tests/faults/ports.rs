//! The ports of the runner and the pipeline, over the simulated world.

use std::future::Future;
use std::time::Duration;

use writ_model::{Error, ErrorKind, Job, JobSignal, JobState, Submission, Timestamp, Workspace};
use writ_ports::{
    CallbackRequest, CallbackSecretStore, CallbackSecrets, ChangeJob, Clock, CommitResult,
    CompleteJob, DeliveryResult, DueJobs, DuePage, GetJob, Ids, JobCompletion, JobNotifier,
    PeekQueue, PutJob, SendCallback, Sleep,
};

use crate::node::{Node, Service};
use crate::receiver::Delivery;
use crate::store::Completion;
use crate::world::{Actor, World, lock};

impl Node {
    /// A new write id, the process that writes, and the index of its clock.
    fn writer(&self) -> (u64, Actor, usize) {
        (lock(&self.world).new_write(), self.actor, self.clock)
    }
}

impl PutJob for Node {
    async fn put_job(&self, submission: &Submission, state: &JobState) -> Result<(), Error> {
        let (write, ..) = self.writer();
        let (submission, state) = (submission.clone(), state.clone());
        let put = self
            .call(Service::Store, "put_job", move |world| world.put_job(write, &submission, &state))
            .await?;
        put.then_some(()).ok_or_else(|| Error::new(ErrorKind::Conflict, "the job exists already"))
    }
}

impl GetJob for Node {
    async fn get_job(&self, _: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        let job_id = job_id.to_owned();
        self.call(Service::Store, "get_job", move |world| world.get_job(&job_id)).await
    }
}

impl ChangeJob for Node {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let (writer, job_id, state) = (self.writer(), submission.job_id.clone(), state.clone());
        let change = move |world: &mut World| world.change_job(writer, &job_id, &state);
        self.call(Service::Store, "change_job", change).await
    }
}

impl CompleteJob for Node {
    async fn complete_job(&self, completion: JobCompletion<'_>) -> Result<CommitResult, Error> {
        let (writer, completion) = (self.writer(), Completion::from(completion));
        self.call(Service::Store, "complete_job", move |world| {
            world.complete_job(writer, &completion)
        })
        .await?
    }
}

impl PeekQueue for Node {
    async fn peek_queue(&self, _: &Workspace, limit: usize) -> Result<Vec<String>, Error> {
        self.call(Service::Store, "peek_queue", move |world| world.peek_queue(limit)).await
    }
}

impl DueJobs for Node {
    async fn due_jobs(&self, before: Timestamp, next: Option<&str>) -> Result<DuePage, Error> {
        let next = next.map(str::to_owned);
        self.call(Service::Store, "due_jobs", move |world| world.due_jobs(before, next.as_deref()))
            .await
    }
}

impl JobNotifier for Node {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        assert!(delay <= writ_ports::DELAY_MAX, "no queue delays a message by {delay:?}");
        *lock(&self.world).queue.signals_sent.entry(self.actor.task).or_default() += signals.len();
        let (signals, delay) = (signals.to_vec(), u64::try_from(delay.as_millis()).unwrap());
        let send = move |world: &mut World| {
            for signal in &signals {
                world.send_signal(signal.clone(), delay);
            }
        };
        self.call(Service::Queue, "notify", send).await
    }
}

impl SendCallback for Node {
    fn check_callback(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn send_callback(&self, request: CallbackRequest<'_>) -> DeliveryResult {
        let delivery = Delivery::from(request);
        let retry_delay = Duration::from_secs(5);
        self.call(Service::Receiver, "send_callback", move |world| {
            world.receive_callback(&delivery)
        })
        .await
        .unwrap_or_else(|error| DeliveryResult::Failed {
            reason: error.message,
            again_in: Some(retry_delay),
        })
    }
}

impl CallbackSecretStore for Node {
    async fn get_callback_secrets(&self, _: &Workspace) -> Result<CallbackSecrets, Error> {
        self.call(Service::Store, "get_secrets", |world| world.store.secrets.clone()).await
    }

    async fn put_callback_secrets(
        &self,
        _: &Workspace,
        secrets: &CallbackSecrets,
    ) -> Result<bool, Error> {
        let secrets = secrets.clone();
        let put = move |world: &mut World| {
            let stored = &mut world.store.secrets;
            let is_next = stored.version + 1 == secrets.version;
            if is_next {
                stored.clone_from(&secrets);
            }
            is_next
        };
        self.call(Service::Store, "put_secrets", put).await
    }
}

impl Clock for Node {
    fn now(&self) -> Timestamp {
        lock(&self.world).clock(self.clock)
    }

    fn ticks_us(&self) -> u64 {
        lock(&self.world).now * 1_000
    }
}

impl Ids for Node {
    fn id(&self, _: Timestamp) -> String {
        lock(&self.world).id()
    }

    fn seed(&self) -> u64 {
        lock(&self.world).rng.next_u64() >> 11
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Ok([7; 32])
    }
}

impl Sleep for Node {
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.wait(u64::try_from(time.as_millis()).unwrap())
    }
}
