//! Hints over SQS: a standard queue, so that they may arrive late, twice and in any order, which
//! hints are allowed to.
//!
//! Messages are grouped by workspace, which makes the queue a fair one (Amazon SQS Developer
//! Guide, "Amazon SQS fair queues"): who submits ten thousand jobs delays his own.

mod again;
mod errors;
pub mod grants;
mod notify;
#[cfg(test)]
mod recorder;
mod redrive;

pub use again::Received;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use writ_aws::Aws;
use writ_model::Error;

/// Messages of one call: SQS's limit.
const BATCH: usize = 10;

/// Where a function finds its queues; its template names those that its ports need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqsUrls {
    /// Of the queue of hints.
    pub jobs: Option<String>,
    /// Of the queue of those that nobody could work on.
    pub dead: Option<String>,
}

/// The queue of hints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sqs {
    client: Client,
    urls: SqsUrls,
}

impl Sqs {
    /// A queue behind a client.
    #[must_use]
    pub fn new(client: Client, urls: SqsUrls) -> Self {
        Self { client, urls }
    }

    /// A queue of the deployment that the function belongs to.
    #[must_use]
    pub fn of(aws: &Aws, urls: SqsUrls) -> Self {
        let mut config = Builder::from(&aws.sdk_config());
        config.set_endpoint_url(aws.environment().sqs_endpoint().map(str::to_owned));
        Self::new(Client::from_conf(config.build()), urls)
    }

    fn jobs_url(&self) -> Result<&str, Error> {
        self.urls.jobs.as_deref().ok_or_else(|| unnamed("jobs"))
    }

    fn dead_url(&self) -> Result<&str, Error> {
        self.urls.dead.as_deref().ok_or_else(|| unnamed("dead letters"))
    }
}

fn unnamed(queue: &str) -> Error {
    Error::internal(format!("no variable names the queue of {queue} for this function"))
}
