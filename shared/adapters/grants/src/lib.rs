//! What each port does to the services of a deployment, as data: the deployment's roles are made
//! from it, and the adapters' tests record what the ports really ask for and hold it against this.
//!
//! In DynamoDB a transaction needs the actions of its items, and reading an index needs `Query` on
//! the index and nothing on its table. In SQS a batch takes the same permission as one message.

mod table;

use writ_ports::PortSet;

pub use table::GRANTS;

/// A queue of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// The queue of job signals.
    Jobs,
    /// The dead letters: job signals that no runner could process.
    Dead,
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A table of DynamoDB, or one of its indexes.
    Table {
        /// The table's name without the prefix of the deployment.
        name: &'static str,
        /// The index; `None` for the table itself.
        index: Option<&'static str>,
    },
    /// A queue of SQS.
    Queue(Queue),
    /// The timers of schedules: a group of EventBridge Scheduler.
    Timers,
    /// The role that EventBridge Scheduler calls a function in.
    TimerRole,
}

impl Resource {
    /// The prefix of the service's actions, as IAM names it.
    #[must_use]
    pub fn service(self) -> &'static str {
        match self {
            Self::Table { .. } => "dynamodb",
            Self::Queue(_) => "sqs",
            Self::Timers => "scheduler",
            Self::TimerRole => "iam",
        }
    }
}

/// An action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// What the action is done to.
    pub resource: Resource,
    /// The action, as IAM names it, without its service.
    pub action: &'static str,
}

impl Grant {
    /// The action with its service, as `dynamodb:GetItem`.
    #[must_use]
    pub fn action_name(&self) -> String {
        format!("{}:{}", self.resource.service(), self.action)
    }
}

const fn on_jobs(action: &'static str) -> Grant {
    Grant { resource: Resource::Queue(Queue::Jobs), action }
}

/// What Lambda asks for with the role of a function that the queue of job signals feeds (AWS Lambda
/// Developer Guide, "Using Lambda with Amazon SQS").
pub const EVENT_SOURCE: [Grant; 3] =
    [on_jobs("ReceiveMessage"), on_jobs("DeleteMessage"), on_jobs("GetQueueAttributes")];

/// What a function asks for that sets when a message of its own is delivered again
/// (`Sqs::change_visibility`).
pub const REDELIVERY: [Grant; 1] = [on_jobs("ChangeMessageVisibility")];

/// What the port needs; `None` where the table has no row for it.
#[must_use]
pub fn of(port: &str) -> Option<&'static [Grant]> {
    GRANTS.iter().find(|(known, _)| known.name == port).map(|(_, grants)| *grants)
}

/// A row of the table: a port, and what it needs.
pub type Row = (&'static PortSet, &'static [Grant]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use writ_ports::PortKind;

    use super::*;

    #[test]
    fn every_row_is_about_another_port_that_calls_a_service() {
        let names: BTreeSet<_> = GRANTS.iter().map(|(port, _)| port.name).collect();
        assert_eq!(names.len(), GRANTS.len());
        for (port, grants) in GRANTS {
            assert!(matches!(port.kind, PortKind::Remote), "{}", port.name);
            assert!(!grants.is_empty(), "{}", port.name);
        }
    }

    #[test]
    fn a_row_is_found_by_the_name_of_its_port() {
        let [grant] = of("GetPolicy").unwrap() else { panic!("one grant") };
        assert_eq!(grant.action_name(), "dynamodb:GetItem");
        assert_eq!(of("Clock"), None);
    }
}
