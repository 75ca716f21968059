//! Tests with every case of `tests/jwt/cases.yaml`, and with damaged tokens.

use proptest::prelude::*;
use serde_json::json;
use writ_model::Role;
use writ_ports::{GetToken, Jwk, Token};

use super::*;
use crate::{JWT_CLAIMS, Principal, ROLE_CLAIM, WORKSPACE_CLAIM};

#[path = "../../../../../tests/jwt/mod.rs"]
mod provider;

use provider::{AUDIENCE, Case, ISSUER, Provider};

const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// A token store without tokens.
struct NoTokens;

impl GetToken for NoTokens {
    async fn get_token(&self, _token_id: &str) -> Result<Option<Token>, Error> {
        Ok(None)
    }
}

/// A source of keys in memory, which can be unreachable.
struct Keys {
    keys: Vec<Jwk>,
    are_reachable: bool,
}

impl SigningKeys for Keys {
    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        let is_it = |key: &&Jwk| key.kid.as_deref() == Some(kid) && key.is_for_signatures();
        if self.are_reachable {
            Ok(self.keys.iter().find(is_it).cloned())
        } else {
            Err(Error::new(ErrorKind::Unavailable, "the identity provider could not be reached"))
        }
    }
}

fn issuer(provider: &Provider) -> Issuer<Keys> {
    let keys = provider.jwks()["keys"].as_array().unwrap().clone();
    Issuer {
        url: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        workspace_claim: WORKSPACE_CLAIM.to_owned(),
        role_claim: ROLE_CLAIM.to_owned(),
        keys: Keys {
            keys: keys.into_iter().map(|key| serde_json::from_value(key).unwrap()).collect(),
            are_reachable: true,
        },
    }
}

/// Authenticates a token as an `Authorization` header.
fn authenticate_bearer(issuer: &Issuer<Keys>, token: &str) -> Result<Principal, Error> {
    let header = format!("Bearer {token}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(crate::authenticate(&NoTokens, Some(issuer), Some(&header), NOW))
}

fn token(provider: &Provider, case: &Case) -> String {
    provider.token(case, NOW.as_ms() / 1_000).unwrap()
}

#[test]
fn every_case_ends_as_it_says() {
    let provider = Provider::new().unwrap();
    let issuer = issuer(&provider);
    for case in provider.cases() {
        let token = token(&provider, case);
        let name = &case.name;
        match authenticate_bearer(&issuer, &token) {
            Ok(principal) => {
                let identity = serde_json::to_value(&principal.identity).unwrap();
                assert_eq!(case.accepted.as_ref(), Some(&identity), "{name}");
                assert_eq!(principal.kind.name(), "jwt", "{name}");
            }
            Err(error) => {
                let status = if error.kind == ErrorKind::Forbidden { 403 } else { 401 };
                assert_eq!(case.refused, Some(status), "{name}: {error}");
                assert!(error.message.contains(&case.says), "{name}: {error}");
                assert_eq!(
                    (error.rule.as_deref() == Some(JWT_CLAIMS), error.location.as_deref()),
                    (status == 403, Some("Authorization")),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn no_answer_repeats_a_token_or_what_it_says() {
    let provider = Provider::new().unwrap();
    let issuer = issuer(&provider);
    let marked = json!("hunter2-é");
    for location in ["iss", "aud", "sub", "exp", "nbf", "writ_workspace", "writ_role"] {
        let mut case = Case::default();
        let value = if location == "sub" { json!("hunter2 é") } else { marked.clone() };
        case.claims.insert(location.to_owned(), value);
        let error = authenticate_bearer(&issuer, &token(&provider, &case)).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    for location in ["alg", "kid", "typ", "crit"] {
        let mut case = Case::default();
        case.header.insert(location.to_owned(), marked.clone());
        let error = authenticate_bearer(&issuer, &token(&provider, &case)).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_token_with_any_bit_flipped_is_refused() {
    let provider = Provider::new().unwrap();
    let issuer = issuer(&provider);
    for (key, alg) in [
        ("rsa", "RS256"),
        ("rsa", "PS384"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("ed25519", "EdDSA"),
    ] {
        let mut case = Case { key: Some(key.to_owned()), ..Case::default() };
        case.header.insert("alg".to_owned(), json!(alg));
        let good = token(&provider, &case);
        assert!(authenticate_bearer(&issuer, &good).is_ok(), "{alg}");
        for at in 0..good.len() {
            for bit in 0..7 {
                let mut bytes = good.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let damaged = String::from_utf8(bytes).unwrap();
                let error =
                    authenticate_bearer(&issuer, &damaged).map(|principal| principal.identity);
                let kind = error.map_err(|error| error.kind);
                assert_eq!(kind, Err(ErrorKind::Unauthenticated), "{alg} {at} {bit}");
            }
        }
        // Every proper prefix of it is rejected as well.
        for end in 0..good.len() {
            assert!(authenticate_bearer(&issuer, &good[..end]).is_err(), "{alg} {end}");
        }
    }
}

#[test]
fn the_claims_of_workspace_and_role_can_be_chosen() {
    let provider = Provider::new().unwrap();
    let mut issuer = issuer(&provider);
    issuer.workspace_claim = "https://example.org/team".to_owned();
    issuer.role_claim = "roles".to_owned();
    let mut case = Case::default();
    case.claims.insert("https://example.org/team".to_owned(), json!("team-z"));
    case.claims.insert("roles".to_owned(), json!(["admin"]));
    let identity = authenticate_bearer(&issuer, &token(&provider, &case)).unwrap().identity;
    assert_eq!((identity.workspace.as_str(), identity.role), ("team-z", Role::Admin));
    let error = authenticate_bearer(&issuer, &token(&provider, &Case::default())).unwrap_err();
    assert!(error.message.contains("its claim `https://example.org/team` is missing"), "{error}");
}

#[test]
fn keys_that_cannot_be_had_are_no_fault_of_the_caller() {
    let provider = Provider::new().unwrap();
    let mut issuer = issuer(&provider);
    issuer.keys.are_reachable = false;
    let error = authenticate_bearer(&issuer, &token(&provider, &Case::default())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    // A token of another issuer does not cause a fetch of keys.
    let mut case = Case::default();
    case.claims.insert("iss".to_owned(), json!("https://evil.example"));
    let error = authenticate_bearer(&issuer, &token(&provider, &case)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
}

proptest! {
    #[test]
    fn no_made_up_token_is_accepted(
        token in prop_oneof![
            "\\PC{0,80}",
            "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}",
        ],
        header in "\\{\"alg\":\"(none|RS256|EdDSA|HS256)\",\"kid\":\"(rsa|ed25519)\"\\}",
        payload in "\\{\"iss\":\"https://issuer.example\",\"exp\":[0-9]{0,12}\\}",
    ) {
        let provider = Provider::new().unwrap();
        let issuer = issuer(&provider);
        prop_assert!(authenticate_bearer(&issuer, &token).is_err());
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let made_up = format!("{}.{}.{}", encode(&header), encode(&payload), encode(&token));
        prop_assert!(authenticate_bearer(&issuer, &made_up).is_err());
    }
}
