//! Changes the visibility timeout of messages after their processing failed.
//!
//! A received message is invisible for as long as the function may run, and a little longer: an
//! event source mapping accepts no shorter timeout, so that no timeout has to be extended while a
//! job runs. A message that failed early would stay invisible as long, so its timeout
//! is shortened here. Nothing depends on it: the sweep sends signals for the due jobs of the table
//! again.

use std::time::Duration;

use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use writ_model::Error;

use super::errors::queue_error;
use super::{BATCH, Sqs};

/// A received message, and its new visibility timeout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityChange {
    /// The receipt handle, which SQS makes for each delivery of a message.
    pub receipt_handle: String,
    /// Time until the message is visible again; fractions of a second are dropped.
    pub timeout: Duration,
}

impl Sqs {
    /// Sets the visibility timeout of messages after their processing failed. Errors are logged and
    /// not returned: the messages then become visible later.
    pub async fn change_visibility(&self, messages: &[VisibilityChange]) {
        for batch in messages.chunks(BATCH) {
            if let Err(error) = self.change_batch(batch).await {
                tracing::warn!(%error, log = error.log, "the visibility of failed messages was not changed; they are received later than they could be");
            }
        }
    }

    async fn change_batch(&self, messages: &[VisibilityChange]) -> Result<(), Error> {
        let entry = |(number, message): (usize, &VisibilityChange)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(&message.receipt_handle)
                .visibility_timeout(i32::try_from(message.timeout.as_secs()).unwrap_or(i32::MAX))
                .build()
                .map_err(Error::internal)
        };
        let entries = messages.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.change_message_visibility_batch().queue_url(self.jobs_url()?);
        let reply = request.set_entries(Some(entries)).send().await.map_err(queue_error)?;
        match reply.failed().first() {
            Some(entry) => Err(Error::internal(format!("{}: {:?}", entry.code(), entry.message()))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::recorder::{JOBS, Recorder};

    #[tokio::test]
    async fn each_message_gets_its_own_time() {
        let sqs = Recorder::default();
        let change = |receipt: &str, s| VisibilityChange {
            receipt_handle: receipt.to_owned(),
            timeout: Duration::from_secs(s),
        };
        sqs.queue().change_visibility(&[change("a", 0), change("b", 60)]).await;
        let calls = sqs.take();
        let [(name, call)] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!(name, "ChangeMessageVisibilityBatch");
        assert_eq!(call["QueueUrl"], JOBS);
        let entries = call["Entries"].as_array().unwrap().iter();
        let entries: Vec<_> =
            entries.map(|it| json!([it["ReceiptHandle"], it["VisibilityTimeout"]])).collect();
        assert_eq!(entries, [json!(["a", 0]), json!(["b", 60])]);
    }
}
