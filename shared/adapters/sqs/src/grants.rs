//! What each port does to the queues, as data: the deployment's roles are made from it, and this
//! room's tests record what the ports really ask for and hold it against this.

/// A queue of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Hints to look at a job.
    Jobs,
    /// Hints that nobody could work on.
    Dead,
}

/// An action of SQS, as IAM names it: a batch takes the same permission as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Says when a message is seen again.
    ChangeMessageVisibility,
    /// Takes a message out.
    DeleteMessage,
    /// Reads how a queue is set up.
    GetQueueAttributes,
    /// Takes messages for a while.
    ReceiveMessage,
    /// Puts a message in.
    SendMessage,
}

impl Action {
    /// Every action that anything here needs.
    pub const ALL: [Self; 5] = [
        Self::ChangeMessageVisibility,
        Self::DeleteMessage,
        Self::GetQueueAttributes,
        Self::ReceiveMessage,
        Self::SendMessage,
    ];

    /// The name without its service.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangeMessageVisibility => "ChangeMessageVisibility",
            Self::DeleteMessage => "DeleteMessage",
            Self::GetQueueAttributes => "GetQueueAttributes",
            Self::ReceiveMessage => "ReceiveMessage",
            Self::SendMessage => "SendMessage",
        }
    }
}

/// An action on a queue.
pub type Grant = (Queue, Action);

/// What Lambda itself asks for as the function whose events come from the queue (AWS Lambda
/// Developer Guide, "Using Lambda with Amazon SQS").
pub const EVENT_SOURCE: [Grant; 3] = [
    (Queue::Jobs, Action::ReceiveMessage),
    (Queue::Jobs, Action::DeleteMessage),
    (Queue::Jobs, Action::GetQueueAttributes),
];

/// What a function asks for that says when a message of its own comes again
/// ([`crate::Sqs::change_visibility`]).
pub const AGAIN: [Grant; 1] = [(Queue::Jobs, Action::ChangeMessageVisibility)];

/// What a port needs, by the name of its trait; `None` where it touches no queue.
#[must_use]
pub fn of(port: &str) -> Option<&'static [Grant]> {
    match port {
        "JobNotifier" => Some(&[(Queue::Jobs, Action::SendMessage)]),
        "Redrive" => Some(&[
            (Queue::Dead, Action::ReceiveMessage),
            (Queue::Dead, Action::DeleteMessage),
            (Queue::Jobs, Action::SendMessage),
        ]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use serde_json::json;
    use writ_ports::{JobNotifier as _, Redrive as _};

    use super::*;
    use crate::recorder::{DEAD, Recorder, signals};
    use crate::{Sqs, VisibilityChange};

    /// What the calls ask for: a batch takes the permission of one.
    fn asked(sqs: &Recorder) -> BTreeSet<Grant> {
        let action = |name: &str| {
            let name = name.strip_suffix("Batch").unwrap_or(name);
            *Action::ALL.iter().find(|action| action.name() == name).unwrap()
        };
        let queue = |url: &serde_json::Value| if url == DEAD { Queue::Dead } else { Queue::Jobs };
        let calls = sqs.take();
        calls.iter().map(|(name, call)| (queue(&call["QueueUrl"]), action(name))).collect()
    }

    fn recorder() -> (Recorder, Sqs) {
        let sqs = Recorder::default();
        let queue = sqs.queue();
        (sqs, queue)
    }

    #[tokio::test]
    async fn ports_ask_for_what_is_listed_and_for_all_of_it() {
        let listed = |port| of(port).unwrap().iter().copied().collect::<BTreeSet<_>>();
        let (sqs, queue) = recorder();
        queue.notify(&signals(1), Duration::ZERO).await.unwrap();
        assert_eq!(asked(&sqs), listed("JobNotifier"));

        let body = serde_json::to_string(&signals(1)[0]).unwrap();
        sqs.answers([json!({"Messages": [{"ReceiptHandle": "r", "Body": body}]}), json!({})]);
        queue.redrive().await.unwrap();
        assert_eq!(asked(&sqs), listed("Redrive"));

        let change = VisibilityChange { receipt_handle: "r".to_owned(), timeout: Duration::ZERO };
        queue.change_visibility(&[change]).await;
        assert_eq!(asked(&sqs), BTreeSet::from(AGAIN));
        assert_eq!(of("GetJob"), None);
    }
}
