//! Tokens and the secrets of callbacks.

use writ_model::ErrorKind;
use writ_ports::{
    CallbackSecret, CallbackSecretStore, CallbackSecrets, GetToken, ListTokens, PutToken,
    RevokeToken, Token,
};

use crate::at;
use crate::builders::{token, workspace};

/// A token is found by its id alone, listed and revoked in its workspace alone.
pub async fn a_token_lives_from_put_to_revoke<P>(ports: &P)
where
    P: GetToken + ListTokens + PutToken + RevokeToken,
{
    let (own, other) = (workspace("own"), workspace("other"));
    let young = Token { created_at: at(2_000), expires_at: Some(at(9_000)), ..token(&own, "a") };
    let old = Token { created_at: at(1_000), ..token(&own, "b") };
    for token in [&young, &old, &token(&other, "c")] {
        ports.put_token(token).await.unwrap();
    }
    assert_eq!(ports.get_token("a").await, Ok(Some(young.clone())));
    assert_eq!(ports.get_token("c").await.unwrap().unwrap().workspace, other);
    assert_eq!(ports.list_tokens(&own).await, Ok(vec![old.clone(), young]));
    let stolen = token(&other, "a");
    assert_eq!(ports.put_token(&stolen).await.unwrap_err().kind, ErrorKind::Conflict);
    for (workspace, is_revoked) in [(&other, false), (&own, true), (&own, false)] {
        assert_eq!(ports.revoke_token(workspace, "a").await, Ok(is_revoked), "{workspace}");
    }
    assert_eq!(ports.get_token("a").await, Ok(None));
    assert_eq!(ports.list_tokens(&own).await, Ok(vec![old]));
    for absent in ["", &"x".repeat(5_000)] {
        assert_eq!(ports.get_token(absent).await, Ok(None));
        assert_eq!(ports.revoke_token(&own, absent).await, Ok(false));
    }
}

/// Secrets are written over the version before them and no other.
pub async fn callback_secrets_change_one_version_at_a_time<P: CallbackSecretStore>(ports: &P) {
    let (own, other) = (workspace("own"), workspace("other"));
    let secret = |secret: &str| CallbackSecret {
        secret: secret.to_owned(),
        made_at: at(0),
        ends_at: None,
        request_id: None,
    };
    assert_eq!(ports.get_callback_secrets(&own).await, Ok(CallbackSecrets::default()));
    let first = CallbackSecrets { version: 1, secrets: vec![secret("a")] };
    let second = CallbackSecrets { version: 2, secrets: vec![secret("b"), secret("a")] };
    for (secrets, is_written) in [
        (&second, false),
        (&first, true),
        (&first, false),
        (&second, true),
        (&second, false),
        (&first, false),
    ] {
        assert_eq!(ports.put_callback_secrets(&own, secrets).await, Ok(is_written), "{secrets:?}");
    }
    assert_eq!(ports.get_callback_secrets(&own).await, Ok(second));
    assert_eq!(ports.get_callback_secrets(&other).await, Ok(CallbackSecrets::default()));
}
