//! Requests with a key, from their claim to their reply.

use http::{HeaderValue, Method};

use writ_ports::Redrive;
use writ_testing::MemoryPlatform;

use super::*;
use crate::Route;
use crate::request::fixture;
use crate::route::fixture::{route, serve};

fn request(key: &str, body: &'static str) -> Request {
    let mut request = fixture();
    request.method = Method::POST;
    request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers.insert(KEY, HeaderValue::from_str(key).unwrap());
    request.body = body.into();
    request
}

/// Has an effect, a step of a redrive, which the platform counts; the body says how it ends.
fn counting() -> Route<MemoryPlatform> {
    route(Method::POST, |memory, request| {
        Box::pin(async move {
            memory.redrive(&request.caller.identity.workspace).await?;
            let run = runs(memory);
            let kind = match request.text()? {
                "raise" => ErrorKind::PolicyRaised,
                "lost" => ErrorKind::ExecutorFault,
                "invalid" => return Err(Error::invalid("no")),
                "panic" => panic!("no"),
                "hang" => std::future::pending().await,
                "secret" => {
                    let secret = Reply::data("\"hunter2\"").created("/thing/7".to_owned());
                    return Ok(secret.header(header::CACHE_CONTROL, "no-store".to_owned()));
                }
                "secret run" => {
                    let secret = Reply::data("\"hunter2\"");
                    return Ok(secret
                        .header(EXECUTION_ID, "e1".to_owned())
                        .header(header::CACHE_CONTROL, "no-store".to_owned()));
                }
                _ => return Ok(Reply::data(&run.to_string()).created("/thing/1".to_owned())),
            };
            Ok(Reply::problem(&Error::new(kind, "no"), &request.request_id, Some("e1")))
        })
    })
}

/// How often the handler ran.
fn runs(memory: &MemoryPlatform) -> usize {
    memory.calls("redrive")
}

fn is_replayed(reply: &Reply) -> bool {
    reply.headers.contains(&(REPLAYED, "true".to_owned()))
}

#[tokio::test]
async fn what_did_something_is_done_once_and_the_rest_may_be_tried_again() {
    for (body, is_once) in
        [("create", true), ("raise", true), ("lost", false), ("invalid", false), ("panic", false)]
    {
        let (memory, route) = (MemoryPlatform::default(), counting());
        let first = serve(&memory, &route, request("k", body)).await;
        let second = serve(&memory, &route, request("k", body)).await;
        assert_eq!(runs(&memory), if is_once { 1 } else { 2 }, "{body}");
        assert_eq!((is_replayed(&first), is_replayed(&second)), (false, is_once), "{body}");
        if is_once {
            assert_eq!((first.status, &first.body), (second.status, &second.body));
            assert_eq!(first.content_type, second.content_type);
            let location =
                |reply: &Reply| reply.headers.iter().find(|(name, _)| name == "location").cloned();
            assert_eq!(location(&first), location(&second));
        }
    }
}

#[tokio::test]
async fn all_requests_with_a_key_get_one_id_and_others_get_their_own() {
    let memory = MemoryPlatform::default();
    let route = route(Method::POST, |_, request| {
        Box::pin(async move {
            let derived = request.derived_id.clone().unwrap();
            Err(Error::new(ErrorKind::Unavailable, format!("{} {}", derived.id, derived.is_retry)))
        })
    });
    let mut seen = Vec::new();
    for (key, subject) in [("k", "ada"), ("k", "ada"), ("k2", "ada"), ("k", "ben")] {
        let mut request = request(key, "create");
        request.caller.identity.subject = subject.to_owned();
        let reply = serve(&memory, &route, request).await;
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        let detail = body["detail"].as_str().unwrap().to_owned();
        let (id, is_retry) = detail.split_once(' ').unwrap();
        seen.push((id.to_owned(), is_retry == "true"));
    }
    assert_eq!((&seen[0].0, seen[0].1, seen[1].1), (&seen[1].0, false, true));
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 3, "{seen:?}");
}

#[tokio::test]
async fn after_a_failure_that_may_have_had_effects_no_other_request_gets_the_key() {
    for (body, status) in [("panic", 400), ("invalid", 201), ("lost", 201)] {
        let (memory, route) = (MemoryPlatform::default(), counting());
        serve(&memory, &route, request("k", body)).await;
        let reply = serve(&memory, &route, request("k", "create")).await;
        assert_eq!(reply.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_secret_is_given_once_and_kept_nowhere() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    assert!(serve(&memory, &route, request("k", "secret")).await.body.contains("hunter2"));
    let second = serve(&memory, &route, request("k", "secret")).await;
    assert_eq!((second.status.as_u16(), runs(&memory)), (409, 1));
    assert!(!second.body.contains("hunter2"), "{}", second.body);
}

#[tokio::test]
async fn who_repeats_a_secret_request_is_told_what_it_did() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    serve(&memory, &route, request("k", "secret run")).await;
    let second = serve(&memory, &route, request("k", "secret run")).await;
    let body: serde_json::Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!((second.status.as_u16(), &body["execution_id"]), (409, &"e1".into()));
    assert!(body["detail"].as_str().unwrap().contains("GET /executions/e1"), "{body}");
    assert!(is_replayed(&second));

    let (memory, route) = (MemoryPlatform::default(), counting());
    serve(&memory, &route, request("k", "secret")).await;
    let second = serve(&memory, &route, request("k", "secret")).await;
    assert!(second.body.contains("`/thing/7`"), "{}", second.body);
}

#[tokio::test]
async fn a_replay_has_an_id_of_its_own() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    serve(&memory, &route, request("k", "create")).await;
    let mut again = request("k", "create");
    again.request_id = "r2".to_owned();
    let reply = serve(&memory, &route, again).await;
    let ids: Vec<_> = reply.headers.iter().filter(|(name, _)| name == "x-request-id").collect();
    assert_eq!(ids, [&(HeaderName::from_static("x-request-id"), "r2".to_owned())]);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_caller() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    assert_eq!(serve(&memory, &route, request("k", "create")).await.status, 201);
    let other = serve(&memory, &route, request("k", "create another")).await;
    assert_eq!(other.status, 400);
    assert!(other.body.contains("used with another request"), "{}", other.body);
    let mut others = [(); 4].map(|()| request("k", "create"));
    others[0].path = "/other".to_owned();
    others[1].method = Method::PUT;
    others[2].query.push(("dry".to_owned(), "1".to_owned()));
    others[3].headers.insert(ON_BEHALF_OF.name, HeaderValue::from_static("ben"));
    for other in others {
        let other = key_of(&other).unwrap().unwrap();
        let state = memory.begin(&other, memory.now()).await.unwrap();
        assert_eq!(state, KeyState::Mismatch);
    }
    let mut neighbour = request("k", "create another");
    neighbour.caller.identity.subject = "somebody".to_owned();
    assert_eq!(serve(&memory, &route, neighbour).await.status, 201);
}

/// Serves a request that is stopped at its deadline.
async fn serve_until_stopped(memory: &MemoryPlatform, route: &Route<MemoryPlatform>) {
    let deadline = std::future::ready(());
    let reply = crate::serve(memory, route, request("k", "hang"), deadline).await;
    assert_eq!((reply.status.as_u16(), is_replayed(&reply)), (504, false));
}

#[tokio::test]
async fn a_request_that_was_stopped_at_its_deadline_may_follow_at_once_and_no_other_one() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    serve_until_stopped(&memory, &route).await;
    serve_until_stopped(&memory, &route).await;
    assert_eq!(runs(&memory), 2);
    assert_eq!(serve(&memory, &route, request("k", "create")).await.status, 400);
}

#[tokio::test]
async fn a_refused_retry_does_not_forget_when_its_key_was_claimed_first() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    let key = key_of(&request("k", "invalid")).unwrap().unwrap();
    let first = memory.begin(&key, memory.now()).await.unwrap();
    let KeyState::Acquired(first) = first else { panic!("{first:?}") };
    memory.clock().advance_s(60);
    assert_eq!(serve(&memory, &route, request("k", "invalid")).await.status, 400);
    // The first request is late, and what it commits has the id that a third one looks for.
    let third = memory.begin(&key, memory.now()).await.unwrap();
    let KeyState::Acquired(third) = third else { panic!("{third:?}") };
    assert_eq!((third.first_claimed_at, third.is_retry), (first.first_claimed_at, true));
}

#[tokio::test]
async fn a_second_request_does_not_overtake_the_first() {
    let (memory, route) = (MemoryPlatform::default(), counting());
    let key = key_of(&request("k", "create")).unwrap().unwrap();
    memory.begin(&key, memory.now()).await.unwrap();
    let reply = serve(&memory, &route, request("k", "create")).await;
    assert_eq!(reply.status, 409);
    assert!(reply.headers.contains(&(header::RETRY_AFTER, "1".to_owned())));
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_happens() {
    for key in ["", "two words", "é", &"k".repeat(256)] {
        let (memory, route) = (MemoryPlatform::default(), counting());
        assert_eq!(serve(&memory, &route, request(key, "create")).await.status, 400, "{key}");
        assert_eq!(runs(&memory), 0);
    }
}

#[tokio::test]
async fn a_route_that_reads_takes_no_notice_of_a_key() {
    let memory = MemoryPlatform::default();
    let mut route = counting();
    route.spec.access_level = crate::AccessLevel::Read;
    for want in ["1", "2"] {
        assert!(serve(&memory, &route, request("k", "create")).await.body.contains(want));
    }
}
