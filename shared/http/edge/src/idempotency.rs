//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request sent twice does once
//! what it does, and its second reply is the first one's.
//!
//! A reply is kept where the request did something: it succeeded, or it left the record of a
//! run that failed by the policy's own doing. A refusal gives the key back, so that the caller may
//! correct the request. After a failure of the platform and at a deadline it is not known what was
//! done: the same request may be tried again under the key, and meets what the first one made.
//!
//! A reply may be lost although the work was committed: the process ends in between, and the claim
//! lapses. So a handler takes the id of what it makes from the key ([`Request::new_id`]), and answers
//! with what is stored where that id is in use.

use http::{HeaderName, StatusCode, header};
use writ_model::{DerivedId, Digest, Error, ErrorKind, Timestamp};
use writ_ports::{Claim, Clock, Idempotency, IdempotencyKey, Ids, KeyState, StoredReply, ports};

use crate::problem::{EXECUTION_ID, PROBLEM_JSON};
use crate::{ON_BEHALF_OF, Reply, Request, RouteSpec};

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const PLACE: &str = "header `Idempotency-Key`";
const KEY_CHARS_MAX: usize = 255;
ports! {
    /// What honours an `Idempotency-Key`.
    pub trait IdempotencyPorts = Clock + Idempotency;
}

/// What a handler says in `Cache-Control` of a reply that must not be stored.
pub(crate) const NO_STORE: &str = "no-store";
/// A running first request is answered for soon, or its claim lapses.
const RUNNING_RETRY_AFTER_S: u32 = 1;

/// What a request's key means for it.
pub(crate) enum KeyClaim {
    /// The request has no key.
    NoKey,
    /// The first request's reply.
    Replayed(Reply),
    /// This is the first request.
    Acquired(AcquiredKey),
}

/// A key that is held until its request's reply is known.
pub(crate) struct AcquiredKey(IdempotencyKey, Claim);

impl KeyClaim {
    /// Claims the request's key, if it has one.
    pub(crate) async fn of<P: IdempotencyPorts>(
        ports: &P,
        request: &Request,
    ) -> Result<Self, Error> {
        let Some(key) = key_of(request)? else { return Ok(Self::NoKey) };
        match ports.begin(&key, ports.now()).await? {
            KeyState::Acquired(claim) => Ok(Self::Acquired(AcquiredKey(key, claim))),
            KeyState::Completed(stored) => restored(stored).map(Self::Replayed),
            KeyState::InProgress => {
                let message = "the first request with this key is not answered yet; ask again \
                               with the same key: one that was lost is given up within a minute";
                Err(Error::new(ErrorKind::Conflict, message)
                    .at(PLACE)
                    .retry_after(RUNNING_RETRY_AFTER_S))
            }
            // Trying again cannot help, so this is no conflict: the request itself is wrong.
            KeyState::Mismatch => {
                let message =
                    "this key was used with another request; each new request needs a new key";
                Err(Error::invalid(message).at(PLACE))
            }
        }
    }
}

impl AcquiredKey {
    /// The id of what the request makes, the same for every request with the key.
    pub(crate) fn derived_id(&self, spec: &RouteSpec) -> DerivedId {
        let Self(key, claim) = self;
        // INVARIANT: only the subject may hold a NUL.
        let parts = [key.workspace.as_str(), &key.identity, spec.name, &key.key];
        DerivedId::new(claim.first_claimed_at, &parts, claim.is_retry)
    }

    /// Keeps the reply, or gives the key back. A store that fails here costs the caller nothing:
    /// the claim lapses by itself.
    pub(crate) async fn settle<P: IdempotencyPorts>(
        self,
        ports: &P,
        reply: &Reply,
        request_id: &str,
    ) {
        let Self(key, claim) = self;
        let settled = match Effects::of(reply) {
            // The earlier request may still be at work, however late: what it makes keeps its id.
            Effects::None if claim.is_retry => ports.release(&key, &claim.id).await,
            Effects::None | Effects::Passing => ports.abandon(&key, &claim.id).await,
            Effects::Unknown => ports.release(&key, &claim.id).await,
            Effects::Done => {
                let kept = if is_secret(reply) {
                    stored_reply(&already_done_again(reply, request_id))
                } else {
                    stored_reply(reply)
                };
                ports.finish(&key, &claim.id, &kept, ports.now()).await
            }
        };
        if let Err(error) = settled {
            let detail = error.log.as_deref().unwrap_or(&error.message);
            tracing::error!(detail, "an idempotency key was left to lapse");
        }
    }
}

/// A handler that says `no-store` itself has put a secret into its reply, as a new token is one:
/// it is at rest nowhere.
fn is_secret(reply: &Reply) -> bool {
    value_of(reply, &header::CACHE_CONTROL) == Some(NO_STORE)
}

/// What is kept in place of a secret reply: the request is still done once, and its caller learns
/// where to look.
fn already_done_again(reply: &Reply, request_id: &str) -> Reply {
    let location = value_of(reply, &header::LOCATION);
    Reply::already_done(location, value_of(reply, &EXECUTION_ID), request_id)
}

impl Reply {
    /// The reply to a request that was done before under its key, where the first reply held a secret
    /// that is stored nowhere. It names what was made, and the record of the run if there is one.
    #[must_use]
    pub fn already_done(
        location: Option<&str>,
        execution_id: Option<&str>,
        request_id: &str,
    ) -> Self {
        let done = match (execution_id, location) {
            (Some(id), _) => format!("; `GET /executions/{id}` has the record of the run"),
            (None, Some(location)) => format!("; it made `{location}`"),
            (None, None) => String::new(),
        };
        let message = format!(
            "this request was done already, and its reply was not kept, as it held what is stored \
             nowhere{done}; use a new key to do it again"
        );
        let error = Error::new(ErrorKind::Conflict, message).at(PLACE);
        let reply = Self::problem(&error, request_id, execution_id)
            .header(header::CACHE_CONTROL, NO_STORE.to_owned());
        match location {
            Some(location) => reply.header(header::LOCATION, location.to_owned()),
            None => reply,
        }
    }
}

impl Request {
    /// The id of what the request makes: that of its `Idempotency-Key`, or a new one without a key.
    #[must_use]
    pub fn new_id(&self, ids: &impl Ids, now: Timestamp) -> String {
        self.derived_id.as_ref().map_or_else(|| ids.id(now), |derived| derived.id.clone())
    }

    /// The id of what an earlier request with this key may have made. A handler looks for it before
    /// it does anything, since what the request needs may be gone by now.
    #[must_use]
    pub fn retried_id(&self) -> Option<&str> {
        self.derived_id.as_ref().filter(|derived| derived.is_retry).map(|derived| &*derived.id)
    }

    /// The id that a write may have found in use because another request with this key made the
    /// thing meanwhile; `None` where `error` says something else.
    #[must_use]
    pub fn conflicting_id(&self, error: &Error) -> Option<&str> {
        let derived = self.derived_id.as_ref().filter(|_| error.kind == ErrorKind::Conflict);
        derived.map(|derived| &*derived.id)
    }
}

fn value_of<'r>(reply: &'r Reply, name: &HeaderName) -> Option<&'r str> {
    reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What a request did, as its reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effects {
    /// It did what it was to do; the reply stands.
    Done,
    /// It refused the request and did nothing.
    None,
    /// It left the record of a failure that may pass: no other request can write one under its id.
    Passing,
    /// The platform failed or ended the request, at a point that is not known.
    Unknown,
}

impl Effects {
    fn of(reply: &Reply) -> Self {
        let is_of_a_run = value_of(reply, &EXECUTION_ID).is_some();
        let was_stopped = reply.status == StatusCode::GATEWAY_TIMEOUT && !is_of_a_run;
        let is_platform_failure = matches!(
            reply.status,
            StatusCode::INTERNAL_SERVER_ERROR
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
        );
        let is_already_done = reply.status == StatusCode::CONFLICT && is_secret(reply);
        let may_pass_later = is_platform_failure || reply.status == StatusCode::TOO_MANY_REQUESTS;
        let is_recorded = is_of_a_run && !may_pass_later;
        if reply.status.is_success() || is_recorded || is_already_done {
            Self::Done
        } else if is_of_a_run {
            Self::Passing
        } else if is_platform_failure || was_stopped {
            Self::Unknown
        } else {
            Self::None
        }
    }
}

fn key_of(request: &Request) -> Result<Option<IdempotencyKey>, Error> {
    let Some(value) = request.headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| {
        (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let Some(key) = key else {
        let message =
            format!("a key is 1 to {KEY_CHARS_MAX} visible ASCII characters, as a UUID is");
        return Err(Error::invalid(message).at(PLACE));
    };
    Ok(Some(IdempotencyKey {
        workspace: request.caller.identity.workspace.clone(),
        identity: request.caller.identity.subject.clone(),
        key: key.to_owned(),
        request: digest(request),
    }))
}

/// Everything that tells the request from another one: method, path, query, the subject that the
/// caller acts for, body.
fn digest(request: &Request) -> Digest {
    let on_behalf_of = request.headers.get(ON_BEHALF_OF.name);
    let on_behalf_of = on_behalf_of.map(|value| value.as_bytes()).unwrap_or_default();
    let mut parts = vec![request.method.as_str().as_bytes(), request.path.as_bytes(), on_behalf_of];
    for (name, value) in &request.query {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    parts.push(&request.body);
    // Each part follows its length, so that no two requests give the same bytes.
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Digest::of(&bytes)
}

fn stored_reply(reply: &Reply) -> StoredReply {
    let content_type = ("content-type".to_owned(), reply.content_type.to_owned());
    let others =
        reply.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.clone()));
    StoredReply {
        status: reply.status.as_u16(),
        headers: std::iter::once(content_type).chain(others).collect(),
        body: reply.body.clone(),
    }
}

fn restored(stored: StoredReply) -> Result<Reply, Error> {
    let mut reply = Reply::data("null");
    reply.status = StatusCode::from_u16(stored.status).map_err(Error::internal)?;
    reply.body = stored.body;
    for (name, value) in stored.headers {
        if name != "content-type" {
            reply = reply.header(name.parse().map_err(Error::internal)?, value);
        } else if value == PROBLEM_JSON {
            reply.content_type = PROBLEM_JSON;
        }
    }
    Ok(reply.header(REPLAYED, "true".to_owned()))
}

#[cfg(test)]
mod tests {
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
        for (body, is_once) in [
            ("create", true),
            ("raise", true),
            ("lost", false),
            ("invalid", false),
            ("panic", false),
        ] {
            let (memory, route) = (MemoryPlatform::default(), counting());
            let first = serve(&memory, &route, request("k", body)).await;
            let second = serve(&memory, &route, request("k", body)).await;
            assert_eq!(runs(&memory), if is_once { 1 } else { 2 }, "{body}");
            assert_eq!((is_replayed(&first), is_replayed(&second)), (false, is_once), "{body}");
            if is_once {
                assert_eq!((first.status, &first.body), (second.status, &second.body));
                assert_eq!(first.content_type, second.content_type);
                let location = |reply: &Reply| {
                    reply.headers.iter().find(|(name, _)| name == "location").cloned()
                };
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
                Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("{} {}", derived.id, derived.is_retry),
                ))
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
}
