//! Moves job signals from the dead-letter queue back to the queue.

use std::time::Duration;

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use writ_model::{Error, JobSignal, Workspace};
use writ_ports::{JobNotifier, Redrive, RedriveReport};

use super::errors::queue_error;
use super::{BATCH, Sqs};

/// Seconds of a long poll. It asks all of SQS's servers; a short poll may miss the servers that
/// hold the few messages.
const WAIT_S: i32 = 1;

/// Seconds for which a received message is invisible to other receivers.
const VISIBILITY_TIMEOUT_S: i32 = 30;

impl Redrive for Sqs {
    async fn redrive(&self, workspace: &Workspace) -> Result<RedriveReport, Error> {
        let url = self.dead_url()?;
        let batch = i32::try_from(BATCH).map_err(Error::internal)?;
        let request = self.client.receive_message().queue_url(url).max_number_of_messages(batch);
        let request = request.wait_time_seconds(WAIT_S).visibility_timeout(VISIBILITY_TIMEOUT_S);
        let received = request.send().await.map_err(queue_error)?;
        // Messages of other workspaces stay in their queue, and are invisible for a while: the next
        // step receives others.
        let own: Vec<(JobSignal, &Message)> = received
            .messages()
            .iter()
            .filter_map(|message| Some((parse_signal(message)?, message)))
            .filter(|(signal, _)| signal.workspace == *workspace)
            .collect();
        let more = !received.messages().is_empty();
        if own.is_empty() {
            return Ok(RedriveReport { signals: 0, more });
        }
        let signals: Vec<JobSignal> = own.iter().map(|(signal, _)| signal.clone()).collect();
        // Sent before it is deleted: after a failure in between the signal is in both queues and
        // not lost.
        self.notify(&signals, Duration::ZERO).await?;
        self.delete_messages(url, own.iter().map(|(_, message)| *message)).await?;
        Ok(RedriveReport { signals: signals.len() as u64, more })
    }
}

/// Parses the signal of a message. A message without one stays in the dead-letter queue for an
/// operator to inspect.
fn parse_signal(message: &Message) -> Option<JobSignal> {
    let body = message.body().unwrap_or_default();
    serde_json::from_str(body)
        .inspect_err(|error| {
            let message_id = message.message_id();
            tracing::warn!(message_id, %error, "a dead letter holds no job signal and stays in its queue");
        })
        .ok()
}

impl Sqs {
    /// Deletes messages from the dead-letter queue.
    async fn delete_messages(
        &self,
        url: &str,
        messages: impl Iterator<Item = &Message> + Send,
    ) -> Result<(), Error> {
        let entry = |(number, message): (usize, &Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .build()
                .map_err(Error::internal)
        };
        let entries = messages.enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.delete_message_batch().queue_url(url);
        let reply = request.set_entries(Some(entries)).send().await.map_err(queue_error)?;
        for entry in reply.failed() {
            // It is received again, and its signal is sent twice, which is harmless.
            tracing::warn!(code = entry.code(), "a redriven dead letter was not deleted");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_ports::Redrive as _;

    use super::*;
    use crate::recorder::{DEAD, JOBS, Recorder, signals};

    fn dead(bodies: &[String]) -> Value {
        let message = |(number, body): (usize, &String)| json!({"MessageId": format!("m{number}"), "ReceiptHandle": format!("r{number}"), "Body": body});
        json!({"Messages": bodies.iter().enumerate().map(message).collect::<Vec<_>>()})
    }

    #[tokio::test]
    async fn signals_are_sent_again_before_they_are_deleted_and_other_messages_stay() {
        let sqs = Recorder::default();
        let mut signals = signals(2);
        signals[1].workspace = signals[0].workspace.clone();
        let bodies: Vec<String> =
            signals.iter().map(|signal| serde_json::to_string(signal).unwrap()).collect();
        let bodies = [&bodies[..1], &["no signal".to_owned()], &bodies[1..]].concat();
        sqs.answers([dead(&bodies), json!({})]);
        let redriven = sqs.queue().redrive(&signals[0].workspace).await.unwrap();
        assert_eq!(redriven, RedriveReport { signals: 2, more: true });
        let calls = sqs.take();
        let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"]);
        let urls: Vec<_> = calls.iter().map(|(_, call)| call["QueueUrl"].as_str()).collect();
        assert_eq!(urls, [Some(DEAD), Some(JOBS), Some(DEAD)]);
        let handles = calls[2].1["Entries"].as_array().unwrap().iter();
        let handles: Vec<_> = handles.map(|entry| &entry["ReceiptHandle"]).collect();
        assert_eq!(handles, ["r0", "r2"]);
    }

    #[tokio::test]
    async fn dead_letters_of_another_workspace_stay_where_they_are() {
        let sqs = Recorder::default();
        let own = signals(1);
        let foreign = JobSignal { workspace: "other".parse().unwrap(), ..own[0].clone() };
        let bodies = [&foreign, &own[0], &foreign].map(|it| serde_json::to_string(it).unwrap());
        sqs.answers([dead(&bodies), json!({})]);
        let report = sqs.queue().redrive(&own[0].workspace).await.unwrap();
        assert_eq!(report, RedriveReport { signals: 1, more: true });
        let calls = sqs.take();
        let sent = calls[1].1["Entries"].as_array().unwrap();
        assert_eq!((sent.len(), &sent[0]["MessageBody"]), (1, &Value::from(bodies[1].as_str())));
        let deleted = calls[2].1["Entries"].as_array().unwrap();
        assert_eq!((deleted.len(), &deleted[0]["ReceiptHandle"]), (1, &Value::from("r1")));

        // A batch of theirs alone: nothing is sent, and the next step may find own ones.
        sqs.answers([dead(&bodies[..1])]);
        let report = sqs.queue().redrive(&own[0].workspace).await.unwrap();
        assert_eq!(report, RedriveReport { signals: 0, more: true });
        assert_eq!(sqs.take().len(), 1);
    }

    #[tokio::test]
    async fn no_dead_letters_and_only_foreign_ones_are_nothing_to_do() {
        let own = &signals(1)[0].workspace;
        for (bodies, more) in [(vec![], false), (vec!["no signal".to_owned()], true)] {
            let sqs = Recorder::default();
            sqs.answers([dead(&bodies)]);
            let report = sqs.queue().redrive(own).await.unwrap();
            assert_eq!(report, RedriveReport { signals: 0, more });
            assert_eq!(sqs.take().len(), 1);
        }
    }

    #[tokio::test]
    async fn what_could_not_be_sent_stays_among_the_dead() {
        let sqs = Recorder::default();
        let body = serde_json::to_string(&signals(1)[0]).unwrap();
        sqs.answers([dead(&[body]), json!({"__type": "QueueDoesNotExist"})]);
        sqs.queue().redrive(&signals(1)[0].workspace).await.unwrap_err();
        let names: Vec<String> = sqs.take().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ReceiveMessage", "SendMessageBatch"]);
    }
}
