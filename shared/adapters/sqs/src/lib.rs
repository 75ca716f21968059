//! Job signals over SQS. The queue is a standard one, so signals may arrive late, twice and in any
//! order, which the runners permit.
//!
//! Messages are grouped by workspace, which makes the queue a fair one (Amazon SQS Developer Guide,
//! "Amazon SQS fair queues"): a workspace that submits ten thousand jobs delays its own jobs.

mod errors;
#[cfg(test)]
mod grants;
mod notify;
#[cfg(test)]
mod recorder;
mod redrive;
mod visibility;

pub use visibility::VisibilityChange;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use writ_aws::Aws;
use writ_model::Error;

/// Messages of one batch request: SQS's limit.
const BATCH: usize = 10;

/// The URLs of a function's queues. The deployment's template sets those that the function's ports
/// need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueUrls {
    /// The URL of the queue of job signals.
    pub jobs: Option<String>,
    /// The URL of the dead-letter queue, which holds the signals that could not be processed.
    pub dead: Option<String>,
}

/// The queue of job signals and its dead-letter queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sqs {
    client: Client,
    urls: QueueUrls,
}

impl Sqs {
    /// Uses the queues of these URLs through this client.
    #[must_use]
    pub fn new(client: Client, urls: QueueUrls) -> Self {
        Self { client, urls }
    }

    /// Uses the queues of the deployment that the function belongs to.
    #[must_use]
    pub fn of(aws: &Aws, urls: QueueUrls) -> Self {
        let mut config = Builder::from(&aws.sdk_config());
        config.set_endpoint_url(aws.environment().sqs_endpoint().map(str::to_owned));
        Self::new(Client::from_conf(config.build()), urls)
    }

    fn jobs_url(&self) -> Result<&str, Error> {
        self.urls.jobs.as_deref().ok_or_else(|| missing_url("jobs"))
    }

    fn dead_url(&self) -> Result<&str, Error> {
        self.urls.dead.as_deref().ok_or_else(|| missing_url("dead-letter"))
    }
}

fn missing_url(queue: &str) -> Error {
    Error::internal(format!("the URL of the {queue} queue is not configured for this function"))
}
