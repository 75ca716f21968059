//! One message of a batch.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use writ_model::JobSignal;

/// How often SQS says that it has handed the message out, this time among them.
const RECEIVED: &str = "ApproximateReceiveCount";

/// The wait before a message comes a second time; each further one is twice as long. With five
/// deliveries a message is among the dead letters within eight minutes.
const AGAIN: Duration = Duration::from_secs(30);

/// Doublings at most: deliveries are the queue's to count.
const DOUBLINGS_MAX: u32 = 4;

/// A message that can be answered for.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) message_id: String,
    pub(crate) receipt: Option<String>,
    body: String,
    received: u32,
}

impl Message {
    /// The message; `None` without the id that it would be given back by.
    pub(crate) fn read(message: SqsMessage) -> Option<Self> {
        let received = message.attributes.get(RECEIVED);
        Some(Self {
            message_id: message.message_id?,
            receipt: message.receipt_handle,
            body: message.body.unwrap_or_default(),
            received: received.and_then(|count| count.parse().ok()).unwrap_or(1),
        })
    }

    /// The job signal in the message.
    ///
    /// # Errors
    /// A body that is no job signal.
    pub(crate) fn signal(&self) -> Result<JobSignal, serde_json::Error> {
        serde_json::from_str(&self.body)
    }

    /// The pause until it is delivered again after a failure.
    pub(crate) fn pause(&self) -> Duration {
        AGAIN * 2_u32.pow(self.received.saturating_sub(1).min(DOUBLINGS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(count: &str) -> Message {
        let mut message = SqsMessage::default();
        message.message_id = Some("m".to_owned());
        message.attributes.insert(RECEIVED.to_owned(), count.to_owned());
        Message::read(message).unwrap()
    }

    #[test]
    fn each_delivery_waits_twice_as_long_as_the_one_before_up_to_a_bound() {
        let counts = ["1", "2", "3", "4", "5", "6", "4000000000", "many", "0"];
        let pauses = counts.map(|count| received(count).pause().as_secs());
        assert_eq!(pauses, [30, 60, 120, 240, 480, 480, 480, 30, 30]);
    }

    #[test]
    fn a_message_without_an_id_is_none() {
        assert!(Message::read(SqsMessage::default()).is_none());
    }
}
