//! An HTTP client that injects faults between the SDK and the database.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{AsyncSleep, Builder, Sleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::sync::Notify;
use writ_store::Store;

use crate::fixture::tables;
use writ_dynamodb::Database;

/// Matches every operation in [`faulty`].
pub(crate) const ANY: &str = "";

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// No fault: the database executes the request and responds.
    Pass,
    /// The database does not get the request; this is the response.
    Answer(u16, Value),
    /// The connection fails before the request is sent.
    Unreachable,
    /// The request times out and does not reach the database.
    TimedOut,
    /// The database executes the request, and the response is lost.
    LostReply,
    /// The request is delayed until this notification.
    Delayed(Arc<Notify>),
}

/// The faults of the next requests of one operation.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    operation: &'static str,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    inner: SharedHttpClient,
}

impl Script {
    /// The number of faults that did not occur yet.
    pub(crate) fn left(&self) -> usize {
        self.faults.lock().unwrap().len()
    }
}

impl HttpClient for Script {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(ScriptedConnector { script: self.clone(), inner })
    }
}

#[derive(Debug)]
struct ScriptedConnector {
    script: Script,
    inner: SharedHttpConnector,
}

impl HttpConnector for ScriptedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (_, operation) = target.split_once('.').unwrap();
        let fault = (self.script.operation == ANY || self.script.operation == operation)
            .then(|| self.script.faults.lock().unwrap().pop_front())
            .flatten();
        match fault {
            None | Some(Fault::Pass) => self.inner.call(request),
            Some(Fault::Answer(status, body)) => {
                let status = status.try_into().unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::new(
                    status,
                    SdkBody::from(body.to_string()),
                )))
            }
            Some(Fault::Unreachable) => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("unreachable".into())))
            }
            Some(Fault::TimedOut) => {
                HttpConnectorFuture::ready(Err(ConnectorError::timeout("late".into())))
            }
            Some(Fault::Delayed(release)) => {
                let inner = self.inner.clone();
                HttpConnectorFuture::new(async move {
                    release.notified().await;
                    inner.call(request).await
                })
            }
            Some(Fault::LostReply) => {
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async {
                    answer.await?;
                    Err(ConnectorError::io("reset".into()))
                })
            }
        }
    }
}

/// A store that gets these faults in requests of this operation; `attempts` is the SDK's number of
/// attempts.
pub(crate) fn faulty(
    database: &Database,
    operation: &'static str,
    faults: &[Fault],
    attempts: u32,
) -> (Store, Script) {
    let (config, script) = scripted(database, operation, faults, attempts);
    (Store::new(Client::from_conf(config.build()), tables()), script)
}

/// The same, as a configuration of the SDK's client.
pub(crate) fn scripted(
    database: &Database,
    operation: &'static str,
    faults: &[Fault],
    attempts: u32,
) -> (Builder, Script) {
    let faults = Arc::new(Mutex::new(faults.iter().cloned().collect()));
    let script = Script { operation, faults, inner: database.http_client() };
    let retry = RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(1));
    let config = Database::config(SharedHttpClient::new(script.clone()))
        .to_builder()
        .retry_config(retry)
        .sleep_impl(NoSleep);
    (config, script)
}

pub(crate) fn refusal(code: &str) -> Fault {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    Fault::Answer(400, json!({"__type": code, "message": "secret detail"}))
}

/// The response to a transaction that was cancelled for these reasons: `Code` or `Code: message`.
pub(crate) fn cancelled(reasons: &[&str]) -> (u16, Value) {
    let reason = |reason: &&str| {
        let (code, message) = reason.split_once(": ").unwrap_or((*reason, "secret detail"));
        json!({"Code": code, "Message": message})
    };
    let reasons: Vec<Value> = reasons.iter().map(reason).collect();
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    (400, json!({"__type": code, "Message": "cancelled", "CancellationReasons": reasons}))
}

/// Makes every delay of the SDK and of the store end at once.
#[derive(Debug)]
pub(crate) struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}
