//! Authentication of the `Authorization` header.

use std::hint::black_box;

use writ_model::{Digest, Error, ErrorKind, Identity, PrincipalKind, Timestamp};
use writ_ports::{GetToken, SigningKeys};

use crate::token::{PREFIX, split};
use crate::{Issuer, jwt};

/// An authenticated caller, with the kind of its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The identity of the caller.
    pub identity: Identity,
    /// The kind of the credentials: `token` or `jwt`.
    pub kind: PrincipalKind,
}

/// Authenticates an `Authorization` header: an opaque token, or a JWT of the issuer where one is
/// configured (otherwise pass [`crate::NO_ISSUER`]).
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] for missing or invalid credentials, never with any part of the
/// header; [`ErrorKind::Forbidden`] with the rule [`crate::JWT_CLAIMS`] for a valid JWT that grants
/// no access; errors of the token store; [`ErrorKind::Unavailable`] while the issuer's keys cannot
/// be fetched.
pub async fn authenticate(
    tokens: &impl GetToken,
    issuer: Option<&Issuer<impl SigningKeys>>,
    authorization: Option<&str>,
    now: Timestamp,
) -> Result<Principal, Error> {
    let credentials = AcceptedCredentials { takes_jwts: issuer.is_some() };
    let text = authorization.map_or_else(
        || Err(credentials.missing()),
        |header| bearer(header).ok_or_else(|| credentials.malformed()),
    )?;
    if text.starts_with(PREFIX) {
        let identity =
            authenticate_token(tokens, split(text).ok_or_else(|| credentials.malformed())?, now)
                .await?;
        return Ok(Principal { identity, kind: PrincipalKind::Token });
    }
    let issuer = issuer.ok_or_else(|| credentials.malformed())?;
    let parts = jwt::split(text).ok_or_else(|| credentials.malformed())?;
    let identity = jwt::authenticate(issuer, parts, now).await?;
    Ok(Principal { identity, kind: PrincipalKind::Jwt })
}

/// Authenticates an opaque token.
///
/// An unknown id, a wrong secret and a revoked token get the same error, so that a caller cannot
/// learn which ids exist. The expiry of a token is only reported after its secret was verified.
async fn authenticate_token(
    tokens: &impl GetToken,
    (token_id, secret): (&str, &str),
    now: Timestamp,
) -> Result<Identity, Error> {
    let sent = Digest::of(secret.as_bytes());
    let found = tokens.get_token(token_id).await?;
    let token =
        found.filter(|token| constant_time_eq(&token.secret_hash, &sent)).ok_or_else(|| {
            unauthenticated(
                "this token is unknown or was revoked; ask an admin of the workspace for another",
            )
        })?;
    if let Some(end) = token.expires_at.filter(|end| *end <= now) {
        return Err(unauthenticated(format!(
            "this token expired at {end}; ask an admin of the workspace for another"
        )));
    }
    Ok(Identity { subject: token.subject, workspace: token.workspace, role: token.role })
}

/// Returns the credentials of the `Bearer` scheme, which is case-insensitive (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, text) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_start())
}

/// Compares in constant time.
fn constant_time_eq(stored: &Digest, sent: &Digest) -> bool {
    let (stored, sent) = (stored.as_str().as_bytes(), sent.as_str().as_bytes());
    let difference =
        stored.iter().zip(sent).fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
    stored.len() == sent.len() && difference == 0
}

/// The credentials that are accepted, for error messages.
struct AcceptedCredentials {
    takes_jwts: bool,
}

impl AcceptedCredentials {
    fn missing(&self) -> Error {
        unauthenticated(format!("no token was sent; {}", self.expected()))
    }

    fn malformed(&self) -> Error {
        unauthenticated(format!("this is not one of our tokens; {}", self.expected()))
    }

    fn expected(&self) -> &'static str {
        if self.takes_jwts {
            "expected `Authorization: Bearer` and a token `writ_...` or a JWT of the identity provider"
        } else {
            "expected `Authorization: Bearer writ_...`"
        }
    }
}

fn unauthenticated(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthenticated, message).at("Authorization")
}

#[cfg(test)]
mod tests {
    use writ_ports::{PutToken, RevokeToken};
    use writ_testing::{MemoryPlatform, START};

    use super::*;
    use crate::NO_ISSUER;
    use crate::token::mint;
    use crate::token::tests::holder;

    /// Stores a new token and returns its text.
    async fn put_token(ports: &MemoryPlatform, expires_in_seconds: Option<u64>) -> String {
        let (token, text) = mint(ports, START, holder("alice"), expires_in_seconds).unwrap();
        ports.put_token(&token).await.unwrap();
        text.reveal().to_owned()
    }

    #[tokio::test]
    async fn a_good_token_is_its_holder() {
        let tokens = MemoryPlatform::default();
        let text = put_token(&tokens, None).await;
        for header in
            [format!("Bearer {text}"), format!("bearer  {text} "), format!("BEARER {text}")]
        {
            let principal = authenticate(&tokens, NO_ISSUER, Some(&header), START).await.unwrap();
            assert_eq!(
                (principal.identity, principal.kind),
                (holder("alice"), PrincipalKind::Token)
            );
        }
    }

    #[tokio::test]
    async fn an_unknown_a_wrong_and_a_revoked_token_look_alike() {
        let tokens = MemoryPlatform::default();
        let (one, other) = (put_token(&tokens, None).await, put_token(&tokens, None).await);
        // The id of one token with the secret of the other.
        let wrong = format!("{}{}", &one[..22], &other[22..]);
        let unknown = format!("writ_{}_{}", "0".repeat(16), &one[22..]);
        let revoked = put_token(&tokens, None).await;
        let own = holder("alice").workspace;
        assert_eq!(tokens.revoke_token(&own, &revoked[5..21]).await, Ok(true));
        let mut answers = Vec::new();
        for text in [wrong, unknown, revoked] {
            let error = authenticate(&tokens, NO_ISSUER, Some(&format!("Bearer {text}")), START)
                .await
                .unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthenticated);
            answers.push(error);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }

    #[tokio::test]
    async fn a_token_works_until_the_moment_of_its_expiry() {
        let tokens = MemoryPlatform::default();
        let header = format!("Bearer {}", put_token(&tokens, Some(60)).await);
        let end = Timestamp::from_ms(START.as_ms() + 60_000);
        assert!(
            authenticate(&tokens, NO_ISSUER, Some(&header), Timestamp::from_ms(end.as_ms() - 1))
                .await
                .is_ok()
        );
        let error = authenticate(&tokens, NO_ISSUER, Some(&header), end).await.unwrap_err();
        assert!(error.message.starts_with(&format!("this token expired at {end}")), "{error}");
    }

    #[tokio::test]
    async fn only_the_holder_of_the_secret_learns_of_an_expiry() {
        let tokens = MemoryPlatform::default();
        let text = put_token(&tokens, Some(60)).await;
        let header = format!("Bearer {}{}", &text[..22], "0".repeat(64));
        let later = Timestamp::from_ms(START.as_ms() + 3_600_000);
        let error = authenticate(&tokens, NO_ISSUER, Some(&header), later).await.unwrap_err();
        assert!(error.message.contains("unknown or was revoked"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_token_is_told_the_form_and_never_repeated() {
        let tokens = MemoryPlatform::default();
        let text = put_token(&tokens, None).await;
        let headers = [
            None,
            Some(String::new()),
            Some("Bearer".to_owned()),
            Some(text.clone()),
            Some(format!("Basic {text}")),
            Some(format!("Bearer {text}0")),
            Some(format!("Bearer {}", text.to_uppercase())),
            Some("Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln".to_owned()),
        ];
        for header in headers {
            let error =
                authenticate(&tokens, NO_ISSUER, header.as_deref(), START).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthenticated, "{header:?}");
            assert!(
                error.message.ends_with("expected `Authorization: Bearer writ_...`"),
                "{error}"
            );
            assert_eq!((error.location.as_deref(), error.log), (Some("Authorization"), None));
        }
    }
}
