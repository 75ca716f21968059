//! How requests reach AWS.

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

/// Within a region a connection is there in milliseconds, or is not coming.
const CONNECT: Duration = Duration::from_secs(1);

/// How long the first byte of a reply may take. A connection that died while Lambda had frozen the
/// function is found out by this at the latest, and the call is tried again on another.
const READ: Duration = Duration::from_secs(2);

/// One try, whole.
const ATTEMPT: Duration = Duration::from_secs(4);

/// A call with all its tries: three calls in a row fit a request's deadline.
const CALL: Duration = Duration::from_secs(8);

/// What warming may take of the ten seconds in which a function must have started.
const WARMING: Duration = Duration::from_secs(2);

/// Connections, shared by all clients of a process.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    connector: SharedHttpConnector,
}

pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build()
}

impl Network {
    pub(crate) fn new() -> Self {
        let settings =
            HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(READ).build();
        let connector = Connector::builder()
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .sleep_impl(TokioSleep::new())
            .connector_settings(settings)
            .build();
        Self { connector: SharedHttpConnector::new(connector) }
    }

    /// All clients get this connector: its settings are theirs.
    pub(crate) fn http_client(&self) -> SharedHttpClient {
        let connector = self.connector.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// Asks for nothing (DynamoDB answers `GET /` with its health, signed or not) and leaves the
    /// connection open.
    pub(crate) async fn warm(&self, url: &str) {
        let Ok(request) = http::Request::get(url).body(SdkBody::empty()) else { return };
        let Ok(request) = HttpRequest::try_from(request) else { return };
        let answered = async {
            let mut response = self.connector.call(request).await?;
            // A body that is not read to its end takes its connection with it.
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            body.collect().await.map_err(ConnectorError::io)
        };
        match tokio::time::timeout(WARMING, answered).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "no connection could be opened early"),
            Err(_) => tracing::debug!("no connection could be opened early in time"),
        }
    }
}
