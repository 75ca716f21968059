//! Whether the bridge plays API Gateway's part: seen from both of its sides, with a Lambda API that
//! writes down what it is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::bridge::Bridge;
use crate::lambda::Lambda;
use crate::server::{Answer, send};
use crate::{Check, fail};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("gateway::the_authorizer_and_then_the_function_get_their_events", both_get_their_events),
    ("gateway::a_body_that_is_no_text_arrives_in_base64", a_body_arrives_in_base64),
    ("gateway::what_no_function_answers_is_answered_without_one", answered_without_a_function),
];

/// One invocation, as the Lambda API saw it.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    authorization: String,
    event: Value,
}

/// A Lambda API whose functions say what is to be said of them.
struct Recorder {
    bridge: Bridge,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorder {
    fn start() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&asked);
        // Ends with the process: nothing else tells it to.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A request that cannot be read is one that the check misses.
                let _ = answer(stream, &written);
            }
        });
        let credentials = Credentials::builder()
            .access_key_id("AKID")
            .secret_access_key("secret")
            .provider_name("test")
            .build();
        let lambda = Lambda::at(&endpoint, "eu-central-1".to_owned(), credentials);
        Ok(Self { bridge: Bridge::start(lambda, "p-".to_owned())?, asked })
    }

    fn send(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(Answer, Vec<Asked>), Failed> {
        let (method, path) = request.split_once(' ').ok_or("a request is a method and a path")?;
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let answer = send(&self.bridge.url, method, path, &headers, body)?;
        let asked = std::mem::take(&mut *self.asked.lock().unwrap_or_else(|e| e.into_inner()));
        Ok((answer, asked))
    }
}

fn answer(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>) -> Result<(), Failed> {
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
    asked.lock().unwrap_or_else(|e| e.into_inner()).push(Asked { line, authorization, event });
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
    let (answer, asked) = recorder.send("GET /policy/a%3A1%3F%25?x=1&x=2&y=%2B+", &headers, b"")?;
    if (answer.status, answer.body.as_str(), answer.header("x-made-by"))
        != (207, "said", Some("it"))
    {
        return fail(format!("{answer:?}"));
    }
    let [authorizer, function] = asked.as_slice() else { return fail(format!("{asked:?}")) };
    for (asked, name) in [(authorizer, "p-authorizer"), (function, "p-policy-get")] {
        let line = format!("POST /2015-03-31/functions/{name}/invocations HTTP/1.1");
        let is_signed = asked.authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/")
            && asked.authorization.contains("/eu-central-1/lambda/aws4_request");
        if asked.line.trim_end() != line || !is_signed {
            return fail(format!("{asked:?}"));
        }
        expect(
            &asked.event,
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
        let (_, asked) = recorder.send("POST /policy", &headers, body)?;
        let [authorizer, function] = asked.as_slice() else { return fail(format!("{asked:?}")) };
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
    for (request, headers, status, invocations) in [
        ("GET /whoami", [].as_slice(), 401, 0),
        ("GET /polcy", &known, 404, 0),
        ("GET /polcy", &[], 404, 0),
        ("PATCH /policy", &known, 404, 0),
        ("GET /whoami/", &known, 404, 0),
        ("GET /policy/a%2Fb", &known, 404, 0),
        ("GET /policy/", &known, 404, 0),
        ("DELETE /policy/a", &known, 500, 2),
    ] {
        let (answer, asked) = recorder.send(request, headers, b"")?;
        if (answer.status, asked.len()) != (status, invocations) {
            return fail(format!("{request}: {answer:?} after {asked:?}"));
        }
    }
    let large = vec![b' '; (10 << 20) + 1];
    let (answer, asked) = recorder.send("POST /policy", &known, &large)?;
    if (answer.status, asked.len()) == (413, 0) { Ok(()) } else { fail(format!("{answer:?}")) }
}
