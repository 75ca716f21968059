//! The AWS SDK's clients as a Lambda function finds them: region, credentials and endpoint from
//! its environment, connections that are open before the first event.
//!
//! Lambda hands a function its credentials in three variables that stay valid as long as the
//! process; nothing else of the SDK's configuration chain (profiles, instance metadata, single
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
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.sdk_config());
        config.set_endpoint_url(self.environment.dynamodb_endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// Where the endpoints of the services are.
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

    /// Opens a connection to DynamoDB, so that the first call finds it. What it costs is paid while
    /// Lambda starts the function, with more processor than a call has; its failure is no error,
    /// for the call itself will tell.
    pub async fn warm(&self) {
        self.network.warm(&self.environment.dynamodb_url()).await;
    }
}
