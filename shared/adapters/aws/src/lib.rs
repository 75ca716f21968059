//! The AWS SDK's clients as a Lambda function finds them: region, credentials and endpoint from
//! its environment, connections that are open before the first event; and the queue of hints over
//! SQS.
//!
//! Lambda hands a function its credentials in three variables that stay valid as long as the
//! process; nothing else of the SDK's configuration chain (profiles, instance metadata, single
//! sign-on) can apply there, so none of it is linked.

mod environment;
pub mod grants;
mod network;
mod planned;
mod queue;
mod scheduler;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_types::SdkConfig;

pub use environment::{Environment, EnvironmentError};
use network::Network;
pub use planned::Planned;
pub use queue::{Received, Sqs, SqsUrls};
pub use scheduler::{FirePlans, FireTarget, Scheduler};

/// Tries of one call. The waits between them are the SDK's: exponential, with jitter.
const ATTEMPTS_MAX: u32 = 3;

/// What a function reaches AWS with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aws {
    environment: Environment,
    network: Network,
}

impl Aws {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self { environment, network: Network::new() }
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.shared());
        config.set_endpoint_url(self.environment.dynamodb_endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// The queue of hints.
    #[must_use]
    pub fn sqs(&self, urls: SqsUrls) -> Sqs {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.shared());
        config.set_endpoint_url(self.environment.sqs_endpoint.clone());
        Sqs::new(aws_sdk_sqs::Client::from_conf(config.build()), urls)
    }

    /// The planner of fires.
    #[must_use]
    pub fn scheduler(&self, plans: FirePlans) -> Scheduler {
        let mut config = aws_sdk_scheduler::config::Builder::from(&self.shared());
        config.set_endpoint_url(self.environment.scheduler_endpoint.clone());
        Scheduler::new(aws_sdk_scheduler::Client::from_conf(config.build()), plans)
    }

    /// What the clients of all services have in common.
    fn shared(&self) -> SdkConfig {
        let Environment { region, access_key_id, secret_access_key, session_token, .. } =
            &self.environment;
        let credentials = Credentials::new(
            access_key_id,
            secret_access_key,
            session_token.clone(),
            None,
            "environment",
        );
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.network.http_client())
            .timeout_config(network::timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            // Replies are small and bounded by the timeouts above.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// Opens a connection to DynamoDB, so that the first call finds it. What it costs is paid while
    /// Lambda starts the function, with more processor than a call has; its failure is no error,
    /// for the call itself will tell.
    pub async fn warm(&self) {
        self.network.warm(&self.environment.dynamodb_url()).await;
    }
}
