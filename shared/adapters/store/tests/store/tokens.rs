//! Tokens of callers.

use writ_model::{Digest, ErrorKind, Role, Timestamp, Workspace};
use writ_ports::{GetToken, ListTokens, PutToken, RevokeToken, Token};

use crate::fixture::{Fixture, workspace};

fn token(id: &str, workspace: &Workspace, created_at: i64, expires_at: Option<i64>) -> Token {
    Token {
        token_id: id.to_owned(),
        secret_hash: Digest::of(id.as_bytes()),
        subject: "ada".to_owned(),
        workspace: workspace.clone(),
        role: Role::Author,
        created_at: Timestamp::from_ms(created_at),
        expires_at: expires_at.map(Timestamp::from_ms),
    }
}

#[tokio::test]
async fn a_token_lives_from_put_to_revoke() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    let young = token("a", &home, 2_000, Some(9_000));
    let old = token("b", &home, 1_000, None);
    for token in [&young, &old, &token("c", &other, 1_500, None)] {
        store.put_token(token).await.unwrap();
    }
    assert_eq!(store.get_token("a").await.unwrap(), Some(young.clone()));
    assert_eq!(store.list_tokens(&home).await.unwrap(), [old.clone(), young.clone()]);

    let stolen = token("a", &other, 2_000, None);
    assert_eq!(store.put_token(&stolen).await.unwrap_err().kind, ErrorKind::Conflict);
    assert!(!store.revoke_token(&other, "a").await.unwrap());
    assert!(store.revoke_token(&home, "a").await.unwrap());
    assert!(!store.revoke_token(&home, "a").await.unwrap());
    assert_eq!(store.get_token("a").await.unwrap(), None);
    assert_eq!(store.list_tokens(&home).await.unwrap(), [old]);
    for unusable in ["", &"x".repeat(5_000)] {
        assert_eq!(store.get_token(unusable).await.unwrap(), None);
        assert!(!store.revoke_token(&home, unusable).await.unwrap());
    }
}
