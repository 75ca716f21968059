//! An HTTP client for the SDK that passes requests to the database in this process.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::queue::{Request, RequestQueue, Response};

/// The header that holds the API's version and the operation, as in `DynamoDB_20120810.PutItem`.
const TARGET_HEADER: &str = "x-amz-target";

#[derive(Clone, Debug)]
pub(super) struct Connector {
    queue: Arc<RequestQueue>,
}

impl Connector {
    pub(super) fn new(queue: Arc<RequestQueue>) -> Self {
        Self { queue }
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let accepted = parse(&request).and_then(|request| {
            self.queue
                .push(request)
                .ok_or_else(|| ConnectorError::io("the embedded database is closed".into()))
        });
        match accepted {
            Err(error) => HttpConnectorFuture::ready(Err(error)),
            Ok(receiver) => HttpConnectorFuture::new(async {
                let response = receiver.await.map_err(|error| ConnectorError::io(error.into()))?;
                http_response(response)
            }),
        }
    }
}

fn parse(request: &HttpRequest) -> Result<Request, ConnectorError> {
    let target = request.headers().get(TARGET_HEADER).unwrap_or_default();
    let Some((_, operation)) = target.split_once('.') else {
        return Err(ConnectorError::user(format!("`{target}` names no operation").into()));
    };
    let Some(body) = request.body().bytes() else {
        return Err(ConnectorError::user("a request to DynamoDB does not stream".into()));
    };
    Ok(Request { operation: operation.to_owned(), body: body.to_vec() })
}

fn http_response(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status =
        response.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(response.body)))
}
