//! The AWS SDK's clients for a Lambda function: region, credentials and endpoint from its
//! environment variables, and connections that are open before the first event.
//!
//! Lambda passes the credentials in three environment variables that stay valid as long as the
//! process. Nothing else of the SDK's configuration chain (profiles, instance metadata, single
//! sign-on) can apply there, so none of it is linked.

mod environment;
mod network;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_types::SdkConfig;

pub use environment::{Environment, EnvironmentError};
use network::Network;

/// Attempts of one call, the first included. The SDK waits between them with exponential backoff
/// and jitter.
const ATTEMPTS_MAX: u32 = 3;

/// Makes the clients of AWS's services for one function. Cheap to clone; the clones share their
/// connections.
#[derive(Clone, Debug)]
pub struct Aws {
    environment: Environment,
    network: Network,
}

impl Aws {
    /// Makes the clients' common parts. No connection is opened yet.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self { environment, network: Network::new() }
    }

    /// A DynamoDB client with the shared configuration and the endpoint of the environment.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.sdk_config());
        config.set_endpoint_url(self.environment.dynamodb_endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// The region and the endpoints that the clients use.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The configuration that the clients of all services share: region, credentials, connections,
    /// timeouts and retries.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
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

    /// Opens a connection to DynamoDB for the first call to use. This happens while Lambda
    /// initialises the function, when it has more CPU than during an invocation. Takes at most 2
    /// seconds. A failure is logged and not returned: the first call reports it.
    pub async fn warm(&self) {
        self.network.warm(&self.environment.dynamodb_url()).await;
    }
}
