//! Serves one route: handles an event and makes its response.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use serde_json::Value;
use writ_edge::{Reply, Request, Route};
use writ_model::{Error, Timestamp};
use writ_ports::{Clock, EngineMetrics, Idempotency};
use writ_store::Store;

use crate::authorizer_context::{AuthorizerContext, missing_decision};
use crate::event::ProxyRequest;
use crate::function::{Function, StartError};
use crate::metrics::RequestMetrics;
use crate::response::ProxyResponse;
use crate::run::run;

/// Time for a synchronous call, waiting included: API Gateway stops at 30 seconds.
const DEADLINE: Duration = Duration::from_secs(25);

/// Time before Lambda's own deadline that is reserved for the response to a request that timed out.
const RESPONSE_MARGIN: Duration = Duration::from_millis(500);

/// Serves the route that `_HANDLER` names, over the ports that `ports` makes.
pub fn serve<P: Idempotency + Clock + EngineMetrics>(
    routes: Vec<Route<P>>,
    ports: impl FnOnce(Store, &Function) -> Result<P, StartError>,
) -> ExitCode {
    run(|function| {
        let served: Vec<String> = routes.iter().map(|route| route.spec.name.to_owned()).collect();
        let route = routes.into_iter().find(|route| route.spec.name == function.handler);
        let Some(route) = route else {
            return Err(StartError::Handler { handler: function.handler.clone(), served });
        };
        let ports = ports(function.store(), function)?;
        let service = Service { route, ports, has_served: AtomicBool::new(false) };
        Ok(async move |event: &str, context: Context| Ok(service.handle(event, &context).await))
    })
}

/// A route and its ports, as a Lambda function.
struct Service<P> {
    route: Route<P>,
    ports: P,
    has_served: AtomicBool,
}

impl<P: Idempotency + Clock + EngineMetrics> Service<P> {
    async fn handle(&self, event: &str, context: &Context) -> ProxyResponse {
        let started = Instant::now();
        let engines = self.ports.engine_use();
        let request_id = context.request_id.as_str();
        let route = self.route.spec.name;
        let reply = match self.request(event, context) {
            Ok(request) => {
                let limit = time_limit(self.ports.now(), context);
                writ_edge::serve(&self.ports, &self.route, request, tokio::time::sleep(limit)).await
            }
            // The request ends here, so the span of `writ_edge::serve` does not exist for its log.
            Err(error) => {
                tracing::info_span!("event", request_id, trace_id = trace_id(context), route)
                    .in_scope(|| Reply::problem(&error, request_id, None))
            }
        };
        let reply = reply.with_common_headers(request_id);
        let metrics = RequestMetrics {
            now: self.ports.now(),
            route,
            request_id,
            reply: &reply,
            duration: started.elapsed(),
            engines: self.ports.engine_use().since(engines),
            is_cold: !self.has_served.swap(true, Ordering::Relaxed),
        };
        println!("{}", metrics.log_line());
        ProxyResponse::from(reply)
    }

    fn request(&self, event: &str, context: &Context) -> Result<Request, Error> {
        let spec = &self.route.spec;
        let mut request = ProxyRequest::parse(event)?;
        if request.method != spec.method {
            let message = format!("this function serves `{} {}`", spec.method, spec.path);
            return Err(Error::invalid(message).at("the event's method"));
        }
        let authorizer = std::mem::take(&mut request.authorizer);
        if authorizer.is_empty() {
            return Err(missing_decision());
        }
        let authorizer: AuthorizerContext =
            serde_json::from_value(Value::Object(authorizer.into_iter().collect()))
                .map_err(Error::internal)?;
        let (caller, rule) = authorizer.into_caller(spec)?;
        let (params, path) = request.match_template(spec.path)?;
        let ProxyRequest { method, query, mut headers, body, .. } = request;
        if let Some(traceparent) = traceparent(context)
            && !headers.contains_key(TRACEPARENT)
        {
            headers.insert(TRACEPARENT, traceparent);
        }
        Ok(Request {
            method,
            path,
            params,
            query,
            headers,
            body,
            caller,
            rule,
            request_id: context.request_id.clone(),
            derived_id: None,
        })
    }
}

const TRACEPARENT: &str = "traceparent";

/// A field of X-Ray's header (AWS X-Ray Developer Guide, "Tracing header").
fn xray_field<'c>(context: &'c Context, name: &str) -> Option<&'c str> {
    let header = context.xray_trace_id.as_deref()?;
    header.split(';').find_map(|part| part.trim().strip_prefix(name))
}

/// X-Ray's trace id in the W3C's format: `Root=1-{8 digits}-{24 digits}` holds the same 32 digits.
fn trace_id(context: &Context) -> Option<String> {
    Some(xray_field(context, "Root=1-")?.split('-').collect())
}

/// The `traceparent` header (W3C Trace Context) of X-Ray's header, so that a record names the
/// trace.
fn traceparent(context: &Context) -> Option<http::HeaderValue> {
    let trace_id = trace_id(context)?;
    let parent = xray_field(context, "Parent=").unwrap_or("0000000000000001");
    let sampled = if xray_field(context, "Sampled=") == Some("1") { "01" } else { "00" };
    http::HeaderValue::from_str(&format!("00-{trace_id}-{parent}-{sampled}")).ok()
}

/// The time that a request may take.
fn time_limit(now: Timestamp, context: &Context) -> Duration {
    let now_ms = u64::try_from(now.as_ms()).unwrap_or(0);
    let left = Duration::from_millis(context.deadline.saturating_sub(now_ms));
    left.saturating_sub(RESPONSE_MARGIN).min(DEADLINE)
}

#[cfg(test)]
pub(crate) mod tests {
    use http::Method;
    use serde_json::json;
    use writ_edge::{AccessLevel, RouteSpec};
    use writ_ports::{ClaimId, EngineUsage, IdempotencyKey, KeyState, StoredReply};

    use super::*;
    use crate::authorizer_context::tests::allowed;

    pub(crate) const SPEC: RouteSpec = RouteSpec {
        name: "thing.do",
        method: Method::POST,
        path: "/thing/{id}",
        access_level: AccessLevel::Read,
        summary: "Does the thing.",
        data: "Output",
        ..RouteSpec::DEFAULT
    };

    /// Ports without a store: the route of these tests takes no idempotency key.
    struct EmptyPorts;

    impl Clock for EmptyPorts {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(1_000_000)
        }
    }

    impl EngineMetrics for EmptyPorts {
        fn engine_use(&self) -> EngineUsage {
            EngineUsage::default()
        }
    }

    impl Idempotency for EmptyPorts {
        async fn begin(&self, _: &IdempotencyKey, _: Timestamp) -> Result<KeyState, Error> {
            Ok(KeyState::InProgress)
        }

        async fn finish(
            &self,
            _: &IdempotencyKey,
            _: &ClaimId,
            _: &StoredReply,
            _: Timestamp,
        ) -> Result<(), Error> {
            Ok(())
        }

        async fn release(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
            Ok(())
        }

        async fn abandon(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
            Ok(())
        }
    }

    fn service() -> Service<EmptyPorts> {
        let route = Route::<EmptyPorts> {
            spec: SPEC,
            handle: |_, request| {
                Box::pin(async move {
                    assert_ne!(request.param("id"), "panic", "the handler's secret");
                    let reply = json!({
                        "id": request.param("id"), "path": request.path,
                        "who": request.caller.identity.subject, "trace": request.trace_id(),
                    });
                    Ok(Reply::data(&reply.to_string()))
                })
            },
        };
        Service { route, ports: EmptyPorts, has_served: AtomicBool::new(false) }
    }

    fn context() -> Context {
        let mut context = Context::default();
        context.request_id = "r1".to_owned();
        context.deadline = 1_030_000;
        context.xray_trace_id = Some(
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned(),
        );
        context
    }

    fn event(method: &str, id: &str, authorizer: Value) -> Value {
        json!({
            "version": "2.0", "rawPath": format!("/thing/{id}"), "pathParameters": {"id": id},
            "headers": {"content-type": "application/json"}, "body": "{}",
            "requestContext": {"http": {"method": method}, "authorizer": authorizer},
        })
    }

    fn admitted() -> Value {
        json!({"lambda": serde_json::to_value(allowed("thing.do")).unwrap()})
    }

    async fn call(event: &str) -> (u16, Value) {
        let answer = service().handle(event, &context()).await;
        let answer = serde_json::to_value(answer).unwrap();
        assert_eq!(answer["headers"]["x-request-id"], "r1", "{answer}");
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer["statusCode"].as_u64().unwrap().try_into().unwrap(), body)
    }

    #[tokio::test]
    async fn an_event_reaches_the_route_with_its_caller_and_its_trace() {
        let (status, body) = call(&event("POST", "a:1-b", admitted()).to_string()).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(
            body["data"],
            json!({
                "id": "a:1-b", "path": "/thing/a:1-b", "who": "alice",
                "trace": "5759e988bd862e3fe1be46a994272793",
            })
        );
    }

    #[tokio::test]
    async fn whatever_comes_is_answered() {
        let denied = json!({"lambda": {"decision": "deny", "route": "thing.do", "rule": "no-way", "message": "no"}});
        let elsewhere = json!({"lambda": serde_json::to_value(allowed("token.create")).unwrap()});
        for (event, want) in [
            (event("POST", "a", json!(null)).to_string(), 401),
            (event("POST", "a", json!({})).to_string(), 401),
            (event("POST", "a", denied).to_string(), 403),
            (event("POST", "a", elsewhere).to_string(), 500),
            (event("POST", "a", json!({"lambda": {"decision": "perhaps"}})).to_string(), 500),
            (event("GET", "a", admitted()).to_string(), 400),
            (event("POST", "panic", admitted()).to_string(), 500),
            (json!({"detail-type": "Scheduled Event"}).to_string(), 400),
            ("7".to_owned(), 400),
        ] {
            let (status, body) = call(&event).await;
            assert_eq!(status, want, "{event}: {body}");
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }

    #[test]
    fn a_request_ends_before_lambda_ends_it() {
        let mut context = context();
        for (deadline, want_ms) in [(1_030_000, 25_000), (1_010_000, 9_500), (1_000_100, 0), (0, 0)]
        {
            context.deadline = deadline;
            let limit = time_limit(Timestamp::from_ms(1_000_000), &context);
            assert_eq!(limit, Duration::from_millis(want_ms), "{deadline}");
        }
    }
}
