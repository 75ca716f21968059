//! The ports in memory, and requests, for the tests of this room.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use writ_authz::mint;
use writ_edge::{Caller, Reply, Request};
use writ_model::{Error, Identity, Role, Timestamp, Workspace};
use writ_ports::{
    ClaimId, Clock, GetToken, Idempotency, IdempotencyKey, Ids, KeyState, ListTokens, PutToken,
    RevokeToken, StoredReply, Token,
};

/// A platform's tokens; its time stands still, its chance counts.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) tokens: Mutex<Vec<Token>>,
    /// What stands under the one idempotency key that a test uses.
    pub(crate) reply: Mutex<Option<StoredReply>>,
    count: AtomicU64,
}

impl Memory {
    /// Keeps a new reader's token and gives it with its text.
    pub(crate) async fn with(&self, subject: &str, workspace: &str) -> (Token, String) {
        let workspace = workspace.parse().unwrap();
        let holder = Identity { subject: subject.to_owned(), workspace, role: Role::Reader };
        let (token, text) = mint(self, self.now(), holder, None).unwrap();
        self.put_token(&token).await.unwrap();
        (token, text.reveal().to_owned())
    }
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_790_000_000_000)
    }
}

impl Ids for Memory {
    fn id(&self, now: Timestamp) -> String {
        format!("{}-{}", now.as_ms(), self.seed())
    }

    fn seed(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        // Spread over all bytes, so that ids, the first of them, differ too.
        let seed = self.seed().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        Ok(std::array::from_fn(|at| seed[at % seed.len()] ^ at as u8))
    }
}

impl GetToken for Memory {
    async fn get_token(&self, token_id: &str) -> Result<Option<Token>, Error> {
        Ok(self.tokens.lock().unwrap().iter().find(|token| token.token_id == token_id).cloned())
    }
}

impl PutToken for Memory {
    async fn put_token(&self, token: &Token) -> Result<(), Error> {
        self.tokens.lock().unwrap().push(token.clone());
        Ok(())
    }
}

impl ListTokens for Memory {
    async fn list_tokens(&self, workspace: &Workspace) -> Result<Vec<Token>, Error> {
        Ok(self
            .tokens
            .lock()
            .unwrap()
            .iter()
            .filter(|token| token.workspace == *workspace)
            .cloned()
            .collect())
    }
}

impl RevokeToken for Memory {
    async fn revoke_token(&self, workspace: &Workspace, token_id: &str) -> Result<bool, Error> {
        let mut tokens = self.tokens.lock().unwrap();
        let before = tokens.len();
        tokens.retain(|token| token.workspace != *workspace || token.token_id != token_id);
        Ok(tokens.len() < before)
    }
}

/// For one key and one request.
impl Idempotency for Memory {
    async fn begin(&self, _: &IdempotencyKey, _: Timestamp) -> Result<KeyState, Error> {
        let kept = self.reply.lock().unwrap().clone();
        Ok(kept.map_or_else(|| KeyState::Acquired(ClaimId("c1".to_owned())), KeyState::Completed))
    }

    async fn finish(
        &self,
        _: &IdempotencyKey,
        _: &ClaimId,
        reply: &StoredReply,
        _: Timestamp,
    ) -> Result<(), Error> {
        *self.reply.lock().unwrap() = Some(reply.clone());
        Ok(())
    }

    async fn abandon(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
        Ok(())
    }
}

/// Alice of workspace `a`.
pub(crate) fn caller(principal_kind: &'static str, role: Role) -> Caller {
    let identity = Identity { subject: "alice".to_owned(), workspace: "a".parse().unwrap(), role };
    Caller { identity, principal_kind: principal_kind.parse().unwrap() }
}

/// A request with this body; the handlers read neither method nor path.
pub(crate) fn request(caller: Caller, body: &str) -> Request {
    Request {
        method: Method::POST,
        path: "/".to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        caller,
        rule: "the-rule".to_owned(),
        request_id: "r1".to_owned(),
    }
}

/// The `data` of a reply of success.
pub(crate) fn data(reply: &Reply) -> Value {
    let mut body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["success"], true);
    body["data"].take()
}
