//! A batch of messages, each in a task of its own, one after the other.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use writ_job_runner::SignalOutcome;
use writ_jobs::bounds::TIMEOUT_S_MAX;
use writ_lambda::{Context, Diagnostic};
use writ_sqs::VisibilityChange;

use crate::SignalHandler;
use crate::message::Message;

/// What a job may take beside its run: loading it, a pre-check, committing its end.
const OVERHEAD_S: u64 = 30;

/// What must be left to the function before it processes a signal: the job with the longest time may
/// be the first in the queue.
const NEEDED: Duration = Duration::from_secs(TIMEOUT_S_MAX as u64 + OVERHEAD_S);

/// The result of a batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The reply to Lambda: the ids of the messages that failed. The queue deletes the others.
    pub reply: SqsBatchResponse,
    /// When those messages are delivered again.
    pub again: Vec<VisibilityChange>,
}

/// Processes the signal of each message of the event, one after the other: a function has about one
/// processor, and a policy waits for nothing but that.
///
/// # Errors
/// For an event that holds no messages, or some that have no id to be given back by: the whole of
/// it comes again.
pub async fn batch<L: SignalHandler>(
    handler: &Arc<L>,
    event: &str,
    context: &Context,
) -> Result<Batch, Diagnostic> {
    let mut failed = Vec::new();
    for message in messages(event)? {
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        if left < NEEDED {
            let (left_s, needed_s) = (left.as_secs(), NEEDED.as_secs());
            tracing::warn!(
                left_s,
                needed_s,
                "too little time is left for a job; others may take it"
            );
            failed.push(Failed { message, pause: Duration::ZERO });
            continue;
        }
        // In a task of its own, where a panic ends.
        match tokio::spawn(process_signal(Arc::clone(handler), message.clone())).await {
            Ok(Ok(())) => {}
            Ok(Err(pause)) => failed.push(Failed { message, pause }),
            Err(error) => {
                let message_id = &message.message_id;
                tracing::error!(message_id, %error, "looking at a job panicked");
                failed.push(Failed { pause: message.pause(), message });
            }
        }
    }
    Ok(given_back(failed))
}

/// A message that comes again.
struct Failed {
    message: Message,
    pause: Duration,
}

fn messages(event: &str) -> Result<Vec<Message>, Diagnostic> {
    let wrong = |error_message: String| {
        tracing::error!(error = error_message, "the event is none of the queue's");
        Diagnostic { error_type: "NotMessages".to_owned(), error_message }
    };
    let event: SqsEvent = serde_json::from_str(event).map_err(|error| wrong(error.to_string()))?;
    let count = event.records.len();
    let messages: Vec<Message> = event.records.into_iter().filter_map(Message::read).collect();
    match messages.len() == count {
        true => Ok(messages),
        false => Err(wrong("a message has no `messageId`".to_owned())),
    }
}

/// Processes a signal; returns when the message is delivered again where that failed.
async fn process_signal<L: SignalHandler>(
    handler: Arc<L>,
    message: Message,
) -> Result<(), Duration> {
    let message_id = &message.message_id;
    let signal = message.signal().map_err(|error| {
        tracing::error!(message_id, %error, "the message is no hint");
        // It will be none the next time either: to the dead letters with it, without a wait.
        Duration::ZERO
    })?;
    let (workspace, job_id) = (&signal.workspace, &signal.job_id);
    match handler.process_signal(&signal).await {
        Ok(SignalOutcome::AttemptMade(status)) => {
            tracing::info!(message_id, %workspace, signal = job_id, %status, "an attempt was made");
            Ok(())
        }
        Ok(processed) => {
            tracing::debug!(message_id, %workspace, signal = job_id, ?processed, "nothing to run");
            Ok(())
        }
        Err(error) => {
            let log = error.log.as_deref();
            tracing::warn!(message_id, %workspace, signal = job_id, %error, log, "the message comes again");
            Err(message.pause())
        }
    }
}

fn given_back(failed: Vec<Failed>) -> Batch {
    let mut batch = Batch { reply: SqsBatchResponse::default(), again: Vec::new() };
    for Failed { message, pause } in failed {
        batch.reply.add_failure(message.message_id);
        let again = message
            .receipt
            .map(|receipt| VisibilityChange { receipt_handle: receipt, timeout: pause });
        batch.again.extend(again);
    }
    batch
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::{Value, json};
    use writ_model::{Error, JobSignal, JobStatus};

    use super::*;

    /// Records the signals that it processed; the job's id states the outcome.
    #[derive(Default)]
    struct Script(Mutex<Vec<String>>);

    impl SignalHandler for Script {
        async fn process_signal(&self, signal: &JobSignal) -> Result<SignalOutcome, Error> {
            self.0.lock().unwrap().push(signal.job_id.clone());
            match signal.job_id.as_str() {
                "panic" => panic!("a defect"),
                "throttled" => Err(Error::internal("throttled")),
                "nothing" => Ok(SignalOutcome::Idle),
                _ => Ok(SignalOutcome::AttemptMade(JobStatus::Completed)),
            }
        }
    }

    fn message(number: usize, body: &str) -> Value {
        json!({
            "messageId": format!("m{number}"), "receiptHandle": format!("r{number}"), "body": body,
            "attributes": {"ApproximateReceiveCount": "2"}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:jobs",
        })
    }

    fn signal(job_id: &str) -> String {
        json!({"workspace": "w", "job_id": job_id, "about": "line"}).to_string()
    }

    fn event(bodies: &[&str]) -> String {
        let messages = bodies.iter().enumerate().map(|(number, body)| message(number, body));
        json!({"Records": messages.collect::<Vec<_>>()}).to_string()
    }

    fn ends_in(time: Duration) -> Context {
        let mut context = Context::default();
        let deadline = SystemTime::now() + time;
        let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = since.as_millis().try_into().unwrap();
        context
    }

    async fn process(event: &str, time: Duration) -> (Result<Batch, Diagnostic>, Vec<String>) {
        let script = Arc::new(Script::default());
        let batch = batch(&script, event, &ends_in(time)).await;
        let processed = script.0.lock().unwrap().clone();
        (batch, processed)
    }

    const WHOLE: Duration = Duration::from_secs(900);

    fn failures(batch: &Batch) -> Value {
        serde_json::to_value(&batch.reply).unwrap()["batchItemFailures"].clone()
    }

    #[tokio::test]
    async fn each_message_is_answered_for_by_itself() {
        let (throttled, panic) = (signal("throttled"), signal("panic"));
        let (good, nothing) = (signal("good"), signal("nothing"));
        let event = event(&[&good, "{", &panic, &nothing, &throttled, &good]);
        let (batch, processed) = process(&event, WHOLE).await;
        let batch = batch.unwrap();
        assert_eq!(processed, ["good", "panic", "nothing", "throttled", "good"]);
        let ids = ["m1", "m2", "m4"].map(|id| json!({"itemIdentifier": id}));
        assert_eq!(failures(&batch), json!(ids));
        let again: Vec<_> = batch
            .again
            .iter()
            .map(|it| (it.receipt_handle.as_str(), it.timeout.as_secs()))
            .collect();
        // What is no job signal goes to the dead letters without a wait.
        assert_eq!(again, [("r1", 0), ("r2", 60), ("r4", 60)]);
    }

    #[tokio::test]
    async fn a_batch_without_a_failure_says_so() {
        let (batch, _) = process(&event(&[&signal("good")]), WHOLE).await;
        let reply = serde_json::to_value(&batch.unwrap().reply).unwrap();
        assert_eq!(reply, json!({"batchItemFailures": []}));
    }

    #[tokio::test]
    async fn no_job_is_taken_that_may_outlive_the_function() {
        for (less, taken, given_back) in [(0, 1, 0), (60, 0, 1)] {
            let left = WHOLE - Duration::from_secs(less);
            let (batch, processed) = process(&event(&[&signal("good")]), left).await;
            assert_eq!(
                (processed.len(), batch.unwrap().again.len()),
                (taken, given_back),
                "{less}"
            );
        }
    }

    #[tokio::test]
    async fn an_event_that_holds_no_messages_fails_whole() {
        let no_id = json!({"Records": [message(0, &signal("good")), {"body": signal("good")}]});
        for event in ["{}", "7", r#"{"source": "aws.events"}"#, &no_id.to_string()] {
            let (batch, processed) = process(event, WHOLE).await;
            assert_eq!(batch.unwrap_err().error_type, "NotMessages", "{event}");
            assert!(processed.is_empty(), "{event}");
        }
    }
}
