//! A fake SQS that returns prepared responses and records the requests.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use writ_model::{JobSignal, SignalKind};

use super::{QueueUrls, Sqs};

pub(crate) const JOBS: &str = "https://sqs.us-east-1.amazonaws.com/1/writ-jobs";
pub(crate) const DEAD: &str = "https://sqs.us-east-1.amazonaws.com/1/writ-jobs-dead";

/// The name of an operation and its parameters.
type Call = (String, Value);

#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    calls: Arc<Mutex<Vec<Call>>>,
    replies: Arc<Mutex<Vec<Value>>>,
}

impl Recorder {
    /// Sets the responses of the next calls in order; the last one repeats. A response with a
    /// `__type` is an error.
    pub(crate) fn answers(&self, replies: impl IntoIterator<Item = Value>) {
        *self.replies.lock().unwrap() = replies.into_iter().collect();
    }

    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(crate) fn queue(&self) -> Sqs {
        self.queue_of(QueueUrls { jobs: Some(JOBS.to_owned()), dead: Some(DEAD.to_owned()) })
    }

    pub(crate) fn queue_of(&self, urls: QueueUrls) -> Sqs {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        Sqs::new(aws_sdk_sqs::Client::from_conf(config.build()), urls)
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let name = target.strip_prefix("AmazonSQS.").unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.calls.lock().unwrap().push((name, body));
        let mut replies = self.replies.lock().unwrap();
        let reply = match replies.len() {
            0 => json!({}),
            1 => replies[0].clone(),
            _ => replies.remove(0),
        };
        let status = if reply["__type"].is_null() { 200 } else { 400 };
        let body = SdkBody::from(with_lists(reply).to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}

/// Adds the lists that every response of a batch request has.
fn with_lists(mut reply: Value) -> Value {
    for name in ["Successful", "Failed"] {
        if reply[name].is_null() {
            reply[name] = json!([]);
        }
    }
    reply
}

/// Signals of the jobs `j0`, `j1`, ... of two workspaces in turn.
pub(crate) fn signals(count: usize) -> Vec<JobSignal> {
    let signal = |number: usize| JobSignal {
        workspace: if number.is_multiple_of(2) { "even" } else { "odd" }.parse().unwrap(),
        job_id: format!("j{number}"),
        kind: SignalKind::Queue,
    };
    (0..count).map(signal).collect()
}
