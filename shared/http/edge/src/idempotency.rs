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

pub(crate) fn key_of(request: &Request) -> Result<Option<IdempotencyKey>, Error> {
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
mod tests;
