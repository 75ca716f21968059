//! A fake EventBridge Scheduler that returns prepared responses and records the requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_scheduler::config::retry::RetryConfig;
use aws_sdk_scheduler::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::{Scheduler, TimerConfig, TimerTarget};

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Value,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Recorder {
    /// Sets the responses of the next calls: a status and, for an error, its code.
    pub(super) fn answers(&self, answers: impl IntoIterator<Item = (u16, &'static str)>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }

    pub(super) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(super) fn methods(&self) -> Vec<String> {
        self.take().into_iter().map(|call| call.method).collect()
    }

    pub(super) fn scheduler(&self) -> Scheduler {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_scheduler::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        let target = TimerTarget { function_arn: "f".to_owned(), role_arn: "r".to_owned() };
        let timers = TimerConfig { group: Some("writ".to_owned()), target: Some(target) };
        Scheduler::new(aws_sdk_scheduler::Client::from_conf(config.build()), timers)
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: http::Uri = request.uri().parse().unwrap();
        let sent = request.body().bytes().unwrap_or_default();
        self.calls.lock().unwrap().push(Call {
            method: request.method().to_owned(),
            path: uri.path().to_owned(),
            body: serde_json::from_slice(sent).unwrap_or_default(),
        });
        let (status, name) = self.answers.lock().unwrap().pop_front().unwrap_or((200, ""));
        let body = match name {
            "" => json!({"ScheduleArn": "arn"}),
            name => json!({"__type": name, "Message": name}),
        };
        let body = SdkBody::from(body.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}
