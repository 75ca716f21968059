//! Tests with every case of the identity provider of the test kit, and with damaged tokens.

use proptest::prelude::*;
use serde_json::json;
use writ_model::Role;
use writ_testing::oidc::{AUDIENCE, Case, ISSUER, Provider, SigningKeySet};
use writ_testing::{MemoryPlatform, START};

use super::*;
use crate::{JWT_CLAIMS, Principal, ROLE_CLAIM, WORKSPACE_CLAIM};

fn issuer(provider: &Provider) -> Issuer<SigningKeySet> {
    Issuer {
        url: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        workspace_claim: WORKSPACE_CLAIM.to_owned(),
        role_claim: ROLE_CLAIM.to_owned(),
        keys: SigningKeySet::of(provider),
    }
}

/// Authenticates a token as an `Authorization` header.
fn authenticate_bearer(issuer: &Issuer<SigningKeySet>, token: &str) -> Result<Principal, Error> {
    let header = format!("Bearer {token}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let no_tokens = MemoryPlatform::default();
    runtime.block_on(crate::authenticate(&no_tokens, Some(issuer), Some(&header), START))
}

fn token(provider: &Provider, case: &Case) -> String {
    provider.token(case, START.as_ms() / 1_000).unwrap()
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
    let issuer = issuer(&provider);
    issuer.keys.set_reachable(false);
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
    fn no_text_is_a_token(
        token in prop_oneof![
            "\\PC{0,80}",
            "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}",
        ],
    ) {
        let provider = Provider::new().unwrap();
        prop_assert!(authenticate_bearer(&issuer(&provider), &token).is_err());
    }

    /// Header and claims are those of a good token: its signature alone is made up.
    #[test]
    fn no_made_up_signature_is_accepted(
        (key, alg) in prop::sample::select(vec![
            ("rsa", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("ed25519", "EdDSA"),
            ("ed25519", "none"), ("rsa", "HS256"),
        ]),
        signature in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            prop::collection::vec(any::<u8>(), 64),
            prop::collection::vec(any::<u8>(), 96),
            prop::collection::vec(any::<u8>(), 256),
        ],
    ) {
        let provider = Provider::new().unwrap();
        let issuer = issuer(&provider);
        let good = token(&provider, &Case::default());
        prop_assert!(authenticate_bearer(&issuer, &good).is_ok());
        let parts: Vec<&str> = good.split('.').collect();
        let header = json!({ "typ": "JWT", "alg": alg, "kid": key }).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), parts[1]);
        let made_up = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let error = authenticate_bearer(&issuer, &made_up).unwrap_err();
        prop_assert_eq!(error.kind, ErrorKind::Unauthenticated);
    }
}
