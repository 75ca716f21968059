//! Tests that the bridge behaves as API Gateway, from both of its sides, with a Lambda API that
//! records its invocations.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::bridge::Bridge;
use crate::lambda::Lambda;
use crate::{Check, fail};
use writ_tests::server::{HttpResponse, send};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("gateway::the_authorizer_and_then_the_function_get_their_events", both_get_their_events),
    ("gateway::a_body_that_is_no_text_arrives_in_base64", a_body_arrives_in_base64),
    ("gateway::what_no_function_answers_is_answered_without_one", answered_without_a_function),
];

/// One invocation, as the Lambda API received it.
#[derive(Clone, Debug)]
struct Invocation {
    line: String,
    authorization: String,
    event: Value,
}

/// A bridge over a Lambda API with scripted replies.
struct Recorder {
    bridge: Bridge,
    invocations: Arc<Mutex<Vec<Invocation>>>,
}

impl Recorder {
    fn start() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let invocations = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&invocations);
        // The thread runs until the process ends.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // The check fails for lack of a request that cannot be read.
                let _ = serve(stream, &recorded);
            }
        });
        let credentials = Credentials::builder()
            .access_key_id("AKID")
            .secret_access_key("secret")
            .provider_name("test")
            .build();
        let lambda = Lambda::at(&endpoint, "eu-central-1".to_owned(), credentials);
        Ok(Self { bridge: Bridge::start(lambda, "p-".to_owned())?, invocations })
    }

    fn send(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(HttpResponse, Vec<Invocation>), Failed> {
        let (method, path) = request.split_once(' ').ok_or("a request is a method and a path")?;
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let response = send(&self.bridge.url, method, path, &headers, body)?;
        let invocations =
            std::mem::take(&mut *self.invocations.lock().unwrap_or_else(|e| e.into_inner()));
        Ok((response, invocations))
    }
}

fn serve(mut stream: TcpStream, invocations: &Mutex<Vec<Invocation>>) -> Result<(), Failed> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut authorization, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut line)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                value.clone_into(&mut authorization);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse()?;
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let event = serde_json::from_slice(&body)?;
    let (head, reply) = if line.contains("authorizer") {
        ("", json!({"isAuthorized": true, "context": {"subject": "ria"}}))
    } else if line.contains("policy-delete") {
        ("x-amz-function-error: Unhandled\r\n", json!({"errorMessage": "it crashed"}))
    } else {
        ("", json!({"statusCode": 207, "headers": {"X-Made-By": "it"}, "body": "said"}))
    };
    let invocation = Invocation { line, authorization, event };
    invocations.lock().unwrap_or_else(|e| e.into_inner()).push(invocation);
    let reply = reply.to_string();
    let length = reply.len();
    let head = format!("HTTP/1.1 200 OK\r\n{head}connection: close\r\ncontent-length: {length}");
    stream.write_all(format!("{head}\r\n\r\n{reply}").as_bytes())?;
    Ok(())
}

fn expect(event: &Value, members: &[(&str, Value)]) -> Result<(), Failed> {
    for (pointer, expected) in members {
        let found = event.pointer(pointer).unwrap_or(&Value::Null);
        if found != expected {
            return fail(format!("{pointer} is {found} instead of {expected}: {event}"));
        }
    }
    Ok(())
}

fn both_get_their_events() -> Result<(), Failed> {
    let recorder = Recorder::start()?;
    let headers = [("authorization", "Bearer t"), ("x-odd", "1"), ("X-ODD", "2")];
    let target = "GET /policy/a%3A1%3F%25?x=1&x=2&y=%2B+";
    let (response, invocations) = recorder.send(target, &headers, b"")?;
    if (response.status, response.body.as_str(), response.header("x-made-by"))
        != (207, "said", Some("it"))
    {
        return fail(format!("{response:?}"));
    }
    let [authorizer, function] = invocations.as_slice() else {
        return fail(format!("{invocations:?}"));
    };
    for (invocation, name) in [(authorizer, "p-authorizer"), (function, "p-policy-get")] {
        let line = format!("POST /2015-03-31/functions/{name}/invocations HTTP/1.1");
        let authorization = &invocation.authorization;
        let is_signed = authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/")
            && authorization.contains("/eu-central-1/lambda/aws4_request");
        if invocation.line.trim_end() != line || !is_signed {
            return fail(format!("{invocation:?}"));
        }
        expect(
            &invocation.event,
            &[
                ("/version", json!("2.0")),
                ("/routeKey", json!("GET /policy/{uri}")),
                ("/rawPath", json!("/policy/a:1?%")),
                ("/rawQueryString", json!("x=1&x=2&y=%2B+")),
                ("/queryStringParameters", json!({"x": "1,2", "y": "+ "})),
                ("/pathParameters", json!({"uri": "a:1?%"})),
                ("/headers/x-odd", json!("1,2")),
                ("/requestContext/http/method", json!("GET")),
            ],
        )?;
    }
    let sources = json!(["Bearer t", "GET /policy/{uri}"]);
    expect(&authorizer.event, &[("/type", json!("REQUEST")), ("/identitySource", sources)])?;
    expect(
        &function.event,
        &[
            ("/requestContext/authorizer/lambda", json!({"subject": "ria"})),
            ("/body", Value::Null),
            ("/isBase64Encoded", json!(false)),
        ],
    )
}

fn a_body_arrives_in_base64() -> Result<(), Failed> {
    let recorder = Recorder::start()?;
    for (kind, body, arrives, is_encoded) in [
        ("application/json", b"{}".as_slice(), "{}", false),
        ("Application/JSON; charset=utf-8", b"{}", "{}", false),
        ("text/plain", b"{}", "{}", false),
        ("application/octet-stream", b"{}", "e30=", true),
        ("application/x-www-form-urlencoded", b"a=b", "YT1i", true),
        ("application/json", b"\xff", "/w==", true),
    ] {
        let headers = [("authorization", "Bearer t"), ("content-type", kind)];
        let (_, invocations) = recorder.send("POST /policy", &headers, body)?;
        let [authorizer, function] = invocations.as_slice() else {
            return fail(format!("{invocations:?}"));
        };
        expect(&authorizer.event, &[("/body", Value::Null)])?;
        expect(
            &function.event,
            &[("/body", json!(arrives)), ("/isBase64Encoded", json!(is_encoded))],
        )?;
    }
    Ok(())
}

fn answered_without_a_function() -> Result<(), Failed> {
    let recorder = Recorder::start()?;
    let known = [("authorization", "Bearer t")];
    for (request, headers, status, count) in [
        ("GET /whoami", [].as_slice(), 401, 0),
        ("GET /polcy", &known, 404, 0),
        ("GET /polcy", &[], 404, 0),
        ("PATCH /policy", &known, 404, 0),
        ("GET /whoami/", &known, 404, 0),
        ("GET /policy/a%2Fb", &known, 404, 0),
        ("GET /policy/", &known, 404, 0),
        ("DELETE /policy/a", &known, 500, 2),
    ] {
        let (response, invocations) = recorder.send(request, headers, b"")?;
        if (response.status, invocations.len()) != (status, count) {
            return fail(format!("{request}: {response:?} after {invocations:?}"));
        }
    }
    let large = vec![b' '; (10 << 20) + 1];
    let (response, invocations) = recorder.send("POST /policy", &known, &large)?;
    let is_refused = (response.status, invocations.len()) == (413, 0);
    if is_refused { Ok(()) } else { fail(format!("{response:?}")) }
}
