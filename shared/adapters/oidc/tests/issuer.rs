//! Tests of an issuer over HTTP during key rotation, on a manual clock.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that fails by panicking is a test that fails"
)]

use serde_json::{Value, json};
use writ_authz::Issuer;
use writ_model::ErrorKind;
use writ_oidc::{JwksCache, Provider, Settings};
use writ_ports::Clock;
use writ_testing::oidc::{self, AUDIENCE, Case, ISSUER, Server};
use writ_testing::{ManualClock, MemoryPlatform};

struct Fixture {
    keys: oidc::Provider,
    server: Server,
    clock: ManualClock,
    issuer: Issuer<JwksCache<Provider, ManualClock>>,
}

impl Fixture {
    /// Creates an issuer with discovery of its keys.
    fn new() -> Self {
        Self::with(|server| (server.url(), None))
    }

    fn with(issuer_and_keys: impl Fn(&Server) -> (String, Option<String>)) -> Self {
        let keys = oidc::Provider::new().unwrap();
        let server = Server::start(keys.jwks()).unwrap();
        let (issuer, jwks_url) = issuer_and_keys(&server);
        let settings = Settings::read(|name| match name {
            "WRIT_OIDC_ISSUER" => Some(issuer.clone()),
            "WRIT_OIDC_JWKS_URL" => jwks_url.clone(),
            "WRIT_OIDC_AUDIENCE" => Some(AUDIENCE.to_owned()),
            _ => None,
        });
        let clock = ManualClock::default();
        let issuer = settings.unwrap().unwrap().issuer(clock.clone());
        Self { keys, server, clock, issuer }
    }

    /// Returns the provider's keys without some of them.
    fn keys_without(&self, names: &[&str]) -> Value {
        let is_left = |key: &&Value| !names.contains(&key["kid"].as_str().unwrap());
        let all = self.keys.jwks();
        let left: Vec<_> = all["keys"].as_array().unwrap().iter().filter(is_left).collect();
        json!({ "keys": left })
    }

    /// Authenticates a new token that is signed with this key.
    async fn authenticate(&self, key: &str) -> Result<&'static str, ErrorKind> {
        let mut case = Case { key: Some(key.to_owned()), ..Case::default() };
        case.claims.insert("iss".to_owned(), json!(self.server.url()));
        self.authenticate_case(&case).await
    }

    async fn authenticate_case(&self, case: &Case) -> Result<&'static str, ErrorKind> {
        let now = self.clock.now();
        let token = self.keys.token(case, now.as_ms() / 1_000).unwrap();
        let header = format!("Bearer {token}");
        let no_tokens = MemoryPlatform::default();
        let result = writ_authz::authenticate(&no_tokens, Some(&self.issuer), Some(&header), now);
        result.await.map(|principal| principal.kind.name()).map_err(|error| error.kind)
    }

    fn advance_s(&self, seconds: u64) {
        self.clock.advance_s(seconds);
    }
}

#[tokio::test]
async fn what_is_good_with_keys_at_hand_is_good_with_keys_over_http() {
    let fixture =
        Fixture::with(|server| (ISSUER.to_owned(), Some(format!("{}/keys", server.url()))));
    for case in fixture.keys.cases() {
        let result = fixture.authenticate_case(case).await;
        let status = result.map_err(|kind| if kind == ErrorKind::Forbidden { 403 } else { 401 });
        assert_eq!(status.err(), case.refused, "{}", case.name);
        assert_eq!(status.is_ok(), case.accepted.is_some(), "{}", case.name);
    }
}

#[tokio::test]
async fn a_key_rotation_rejects_no_valid_token() {
    let fixture = Fixture::new();
    // Only the old key is published.
    fixture.server.publish(fixture.keys_without(&["ed25519-two"]));
    assert_eq!(fixture.authenticate("ed25519").await, Ok("jwt"));
    // Both keys are published while old tokens are valid.
    fixture.server.publish(fixture.keys.jwks());
    assert_eq!(fixture.authenticate("ed25519-two").await, Err(ErrorKind::Unauthenticated));
    fixture.advance_s(30);
    assert_eq!(fixture.authenticate("ed25519-two").await, Ok("jwt"));
    assert_eq!(fixture.authenticate("ed25519").await, Ok("jwt"));
    // Only the new key is published: the old one is no longer accepted.
    fixture.server.publish(fixture.keys_without(&["ed25519"]));
    assert_eq!(fixture.authenticate("ed25519").await, Ok("jwt"));
    fixture.advance_s(600);
    assert_eq!(fixture.authenticate("ed25519").await, Err(ErrorKind::Unauthenticated));
    assert_eq!(fixture.authenticate("ed25519-two").await, Ok("jwt"));
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_name_counts_no_more() {
    let fixture = Fixture::new();
    assert_eq!(fixture.authenticate("ed25519").await, Ok("jwt"));
    fixture.server.publish(oidc::Provider::new().unwrap().jwks());
    fixture.advance_s(600);
    assert_eq!(fixture.authenticate("ed25519").await, Err(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn while_a_provider_is_down_only_cached_keys_verify() {
    let fixture = Fixture::new();
    fixture.server.set_down(true);
    assert_eq!(fixture.authenticate("ed25519").await, Err(ErrorKind::Unavailable));
    fixture.server.set_down(false);
    fixture.advance_s(5);
    assert_eq!(fixture.authenticate("ed25519").await, Ok("jwt"));
    fixture.server.set_down(true);
    fixture.advance_s(3_599);
    assert_eq!(fixture.authenticate("ed25519").await, Ok("jwt"));
    fixture.advance_s(30);
    assert_eq!(fixture.authenticate("ed25519").await, Err(ErrorKind::Unavailable));
}
