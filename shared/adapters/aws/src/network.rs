//! The HTTP connector and the timeouts of the AWS clients.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;

/// Time to open a connection. Within a region it takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time until the first byte of a response. A connection that died while Lambda had frozen the
/// function fails after this time, and the SDK retries on another one.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Time for one attempt, from its connection to its response.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);

/// Time for a call with all its attempts: three calls in a row fit a request's deadline.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// Time that [`Network::warm`] may take of the ten seconds in which a function must have started.
const WARM_TIMEOUT: Duration = Duration::from_secs(2);

/// The connection pool that all clients of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    connector: SharedHttpConnector,
}

pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

impl Network {
    pub(crate) fn new() -> Self {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let connector = Connector::builder()
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .sleep_impl(TokioSleep::new())
            .connector_settings(settings)
            .build();
        Self { connector: SharedHttpConnector::new(connector) }
    }

    /// An HTTP client for the SDK that ignores the settings of each client: the connector has its
    /// own.
    pub(crate) fn http_client(&self) -> SharedHttpClient {
        let connector = self.connector.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// Sends `GET /` and leaves the connection open. DynamoDB answers it with its health, signed or
    /// not.
    pub(crate) async fn warm(&self, url: &str) {
        let Ok(request) = http::Request::get(url).body(SdkBody::empty()) else { return };
        let Ok(request) = HttpRequest::try_from(request) else { return };
        let round_trip = async {
            let mut response = self.connector.call(request).await?;
            // The connection can be reused only after its body was read to the end.
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            body.collect().await.map_err(ConnectorError::io)
        };
        match tokio::time::timeout(WARM_TIMEOUT, round_trip).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "no connection could be opened early"),
            Err(_) => tracing::debug!("no connection could be opened early in time"),
        }
    }
}
