//! Sends job signals in batches of ten.

use std::time::Duration;

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use writ_model::{Backoff, Error, JobSignal};
use writ_ports::{DELAY_MAX, JobNotifier};

use super::errors::{queue_error, unavailable};
use super::{BATCH, Sqs};

/// Attempts of one batch: a request may succeed and still fail for some of its messages. A request
/// that fails as a whole is retried by the SDK.
const ATTEMPTS_MAX: u32 = 3;

/// The delays before the second and the third attempt.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(100), max: Duration::from_millis(200) };

impl JobNotifier for Sqs {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        let url = self.jobs_url()?;
        let delay_s = whole_seconds(delay);
        for (number, batch) in signals.chunks(BATCH).enumerate() {
            if let Err(error) = self.send(url, batch, delay_s).await {
                let unsent = signals.len() - number * BATCH;
                tracing::warn!(%error, log = error.log, left = unsent, "some job signals were not sent");
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The delay in whole seconds, as SQS counts: rounded up, and at most [`DELAY_MAX`].
fn whole_seconds(delay: Duration) -> i32 {
    let s = delay.min(DELAY_MAX).as_millis().div_ceil(1_000);
    i32::try_from(s).unwrap_or(i32::MAX)
}

impl Sqs {
    /// Sends a batch, and sends the messages that failed again.
    async fn send(&self, url: &str, signals: &[JobSignal], delay_s: i32) -> Result<(), Error> {
        let mut entries = signals
            .iter()
            .enumerate()
            .map(|(number, signal)| entry(number, signal, delay_s))
            .collect::<Result<Vec<_>, _>>()?;
        for attempt in 1.. {
            let request = self.client.send_message_batch().queue_url(url);
            let reply =
                request.set_entries(Some(entries.clone())).send().await.map_err(queue_error)?;
            let failed = reply.failed();
            if failed.is_empty() {
                return Ok(());
            }
            if attempt == ATTEMPTS_MAX || failed.iter().all(BatchResultErrorEntry::sender_fault) {
                return Err(batch_error(failed));
            }
            entries.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
            tokio::time::sleep(RETRY.wait(attempt)).await;
        }
        Ok(())
    }
}

fn entry(
    number: usize,
    signal: &JobSignal,
    delay_s: i32,
) -> Result<SendMessageBatchRequestEntry, Error> {
    let body = serde_json::to_string(signal).map_err(Error::internal)?;
    SendMessageBatchRequestEntry::builder()
        .id(number.to_string())
        .message_body(body)
        .message_group_id(signal.workspace.as_str())
        .delay_seconds(delay_s)
        .build()
        .map_err(Error::internal)
}

/// The error of a batch in which some messages failed.
fn batch_error(failed: &[BatchResultErrorEntry]) -> Error {
    let message = |failed: &BatchResultErrorEntry| {
        format!("{}: {}", failed.code(), failed.message().unwrap_or("no reason given"))
    };
    let all: Vec<String> = failed.iter().map(message).collect();
    let log = format!("{} messages were not sent: {}", failed.len(), all.join("; "));
    match failed.iter().any(BatchResultErrorEntry::sender_fault) {
        true => Error::internal(log),
        false => unavailable(log),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_model::{ErrorKind, SignalKind};

    use super::*;
    use crate::recorder::{DEAD, JOBS, Recorder, signals};

    fn sent(called: &Value) -> Vec<(String, Value)> {
        let entries = called["Entries"].as_array().unwrap().iter();
        let group = |entry: &Value| entry["MessageGroupId"].as_str().unwrap().to_owned();
        let body = |entry: &Value| entry["MessageBody"].as_str().unwrap().to_owned();
        entries.map(|entry| (group(entry), serde_json::from_str(&body(entry)).unwrap())).collect()
    }

    fn failed_entries(ids: &[&str], is_ours: bool) -> Value {
        let entry =
            |id: &&str| json!({"Id": id, "Code": "Why", "Message": "no", "SenderFault": is_ours});
        json!({"Successful": [], "Failed": ids.iter().map(entry).collect::<Vec<_>>()})
    }

    #[tokio::test]
    async fn signals_are_sent_in_batches_of_ten_each_in_the_group_of_its_workspace() {
        let sqs = Recorder::default();
        let mut signals = signals(23);
        signals[3].kind = SignalKind::Callback;
        sqs.queue().notify(&signals, Duration::from_millis(1_001)).await.unwrap();
        let calls = sqs.take();
        let sizes: Vec<_> = calls.iter().map(|(_, call)| sent(call).len()).collect();
        assert_eq!(sizes, [10, 10, 3]);
        assert!(calls.iter().all(|(name, call)| name == "SendMessageBatch"
            && call["QueueUrl"] == JOBS
            && call["Entries"].as_array().unwrap().iter().all(|it| it["DelaySeconds"] == 2)));
        let all: Vec<_> = calls.iter().flat_map(|(_, call)| sent(call)).collect();
        for ((group, body), signal) in all.iter().zip(&signals) {
            assert_eq!(group, signal.workspace.as_str());
            assert_eq!(serde_json::from_value::<JobSignal>(body.clone()).unwrap(), *signal);
        }
        assert_eq!(all.len(), signals.len());
    }

    #[tokio::test]
    async fn without_signals_no_request_is_sent() {
        let sqs = Recorder::default();
        sqs.queue().notify(&[], Duration::ZERO).await.unwrap();
        assert_eq!(sqs.take(), []);
    }

    #[test]
    fn a_delay_is_never_shorter_than_asked_for_nor_longer_than_the_queue_keeps_to() {
        for (ms, s) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (900_000, 900), (u64::MAX, 900)] {
            assert_eq!(whole_seconds(Duration::from_millis(ms)), s, "{ms}");
        }
    }

    #[tokio::test]
    async fn what_a_call_left_out_is_sent_again_and_nothing_else() {
        let sqs = Recorder::default();
        sqs.answers([failed_entries(&["1", "3"], false), failed_entries(&["3"], false), json!({})]);
        let signals = signals(5);
        sqs.queue().notify(&signals, Duration::ZERO).await.unwrap();
        let retries: Vec<Vec<Value>> = sqs
            .take()
            .iter()
            .map(|(_, call)| {
                sent(call).into_iter().map(|(_, body)| body["job_id"].clone()).collect()
            })
            .collect();
        assert_eq!(retries[1..], [vec!["j1".into(), "j3".into()], vec![Value::from("j3")]]);
    }

    #[tokio::test]
    async fn what_is_left_out_three_times_is_an_error_that_is_worth_another_try() {
        let sqs = Recorder::default();
        sqs.answers([failed_entries(&["0"], false)]);
        let error = sqs.queue().notify(&signals(2), Duration::ZERO).await.unwrap_err();
        assert_eq!((error.kind, sqs.take().len()), (ErrorKind::Unavailable, 3));
        assert!(error.log.unwrap().contains("Why: no"));
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_message_is_not_tried_again() {
        let sqs = Recorder::default();
        sqs.answers([failed_entries(&["0"], true)]);
        let error = sqs.queue().notify(&signals(2), Duration::ZERO).await.unwrap_err();
        assert_eq!((error.kind, sqs.take().len()), (ErrorKind::Internal, 1));
    }

    #[tokio::test]
    async fn a_queue_without_a_url_is_named_in_the_log() {
        let sqs = Recorder::default();
        let queue = sqs.queue_of(crate::QueueUrls { jobs: None, dead: Some(DEAD.to_owned()) });
        let error = queue.notify(&signals(1), Duration::ZERO).await.unwrap_err();
        assert!(error.log.unwrap().contains("jobs"));
        assert_eq!(sqs.take(), []);
    }
}
