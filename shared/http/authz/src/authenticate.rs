//! From an `Authorization` header to an identity.

use std::hint::black_box;

use writ_model::{Digest, Error, ErrorKind, Identity, Timestamp};
use writ_ports::{GetToken, SigningKeys};

use crate::token::{PREFIX, split};
use crate::{Issuer, jwt};

/// Somebody known, and how they proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub identity: Identity,
    /// By what: `token` or `jwt`.
    pub kind: &'static str,
}

/// Who sent this `Authorization` header: the holder of an opaque token, or the bearer of a JWT of
/// the issuer, where there is one ([`crate::NO_ISSUER`] else).
///
/// # Errors
/// [`ErrorKind::Unauthenticated`], never with any part of the header; [`ErrorKind::Forbidden`]
/// under the rule [`crate::JWT_CLAIMS`] for a genuine JWT that gives no access; the store's;
/// [`ErrorKind::Unavailable`] while the issuer's keys are not to be had.
pub async fn authenticate(
    tokens: &impl GetToken,
    issuer: Option<&Issuer<impl SigningKeys>>,
    authorization: Option<&str>,
    now: Timestamp,
) -> Result<Principal, Error> {
    let form = Form { takes_jwts: issuer.is_some() };
    let text = authorization.map_or_else(
        || Err(form.absent()),
        |header| bearer(header).ok_or_else(|| form.malformed()),
    )?;
    if text.starts_with(PREFIX) {
        let identity = holder(tokens, split(text).ok_or_else(|| form.malformed())?, now).await?;
        return Ok(Principal { identity, kind: "token" });
    }
    let issuer = issuer.ok_or_else(|| form.malformed())?;
    let parts = jwt::split(text).ok_or_else(|| form.malformed())?;
    let identity = jwt::authenticate(issuer, parts, now).await?;
    Ok(Principal { identity, kind: "jwt" })
}

/// Who holds an opaque token.
///
/// An unknown id, a wrong secret and a revoked token get one answer, so that nobody learns which
/// ids exist. That a token expired is said to its holder alone: after the secret was found right.
async fn holder(
    tokens: &impl GetToken,
    (token_id, secret): (&str, &str),
    now: Timestamp,
) -> Result<Identity, Error> {
    let sent = Digest::of(secret.as_bytes());
    let found = tokens.get_token(token_id).await?;
    let token = found.filter(|token| is_same(&token.secret_hash, &sent)).ok_or_else(|| {
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

/// What follows `Bearer`. The scheme's case does not matter (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, text) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_start())
}

/// Compares in a time that does not tell how much was right.
fn is_same(stored: &Digest, sent: &Digest) -> bool {
    let (stored, sent) = (stored.as_str().as_bytes(), sent.as_str().as_bytes());
    let difference =
        stored.iter().zip(sent).fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
    stored.len() == sent.len() && difference == 0
}

/// What may be sent.
struct Form {
    takes_jwts: bool,
}

impl Form {
    fn absent(&self) -> Error {
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
    use std::collections::HashMap;

    use writ_ports::Token;

    use super::*;
    use crate::NO_ISSUER;
    use crate::token::mint;
    use crate::token::tests::{Counted, holder};

    const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    /// The tokens of a platform, by id.
    #[derive(Default)]
    struct Tokens(HashMap<String, Token>);

    impl GetToken for Tokens {
        async fn get_token(&self, token_id: &str) -> Result<Option<Token>, Error> {
            Ok(self.0.get(token_id).cloned())
        }
    }

    impl Tokens {
        /// Keeps a new token and gives its text.
        fn with(&mut self, ids: &Counted, expires_in_seconds: Option<u64>) -> String {
            let (token, text) = mint(ids, NOW, holder("alice"), expires_in_seconds).unwrap();
            self.0.insert(token.token_id.clone(), token);
            text.reveal().to_owned()
        }
    }

    #[tokio::test]
    async fn a_good_token_is_its_holder() {
        let mut tokens = Tokens::default();
        let text = tokens.with(&Counted::default(), None);
        for header in
            [format!("Bearer {text}"), format!("bearer  {text} "), format!("BEARER {text}")]
        {
            let principal = authenticate(&tokens, NO_ISSUER, Some(&header), NOW).await.unwrap();
            assert_eq!((principal.identity, principal.kind), (holder("alice"), "token"));
        }
    }

    #[tokio::test]
    async fn an_unknown_a_wrong_and_a_revoked_token_look_alike() {
        let (ids, mut tokens) = (Counted::default(), Tokens::default());
        let (one, other) = (tokens.with(&ids, None), tokens.with(&ids, None));
        // One's id with the other's secret.
        let wrong = format!("{}{}", &one[..22], &other[22..]);
        let unknown = format!("writ_{}_{}", "0".repeat(16), &one[22..]);
        let revoked = tokens.with(&ids, None);
        tokens.0.remove(&revoked[5..21]).unwrap();
        let mut answers = Vec::new();
        for text in [wrong, unknown, revoked] {
            let error = authenticate(&tokens, NO_ISSUER, Some(&format!("Bearer {text}")), NOW)
                .await
                .unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthenticated);
            answers.push(error);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }

    #[tokio::test]
    async fn a_token_works_until_the_moment_of_its_expiry() {
        let mut tokens = Tokens::default();
        let header = format!("Bearer {}", tokens.with(&Counted::default(), Some(60)));
        let end = Timestamp::from_ms(NOW.as_ms() + 60_000);
        assert!(
            authenticate(&tokens, NO_ISSUER, Some(&header), Timestamp::from_ms(end.as_ms() - 1))
                .await
                .is_ok()
        );
        let error = authenticate(&tokens, NO_ISSUER, Some(&header), end).await.unwrap_err();
        assert!(error.message.starts_with(&format!("this token expired at {end}")), "{error}");
    }

    #[tokio::test]
    async fn only_who_knows_the_secret_learns_of_an_expiry() {
        let mut tokens = Tokens::default();
        let text = tokens.with(&Counted::default(), Some(60));
        let header = format!("Bearer {}{}", &text[..22], "0".repeat(64));
        let later = Timestamp::from_ms(NOW.as_ms() + 3_600_000);
        let error = authenticate(&tokens, NO_ISSUER, Some(&header), later).await.unwrap_err();
        assert!(error.message.contains("unknown or was revoked"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_token_is_told_the_form_and_never_repeated() {
        let mut tokens = Tokens::default();
        let text = tokens.with(&Counted::default(), None);
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
            let error = authenticate(&tokens, NO_ISSUER, header.as_deref(), NOW).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthenticated, "{header:?}");
            assert!(
                error.message.ends_with("expected `Authorization: Bearer writ_...`"),
                "{error}"
            );
            assert_eq!((error.location.as_deref(), error.log), (Some("Authorization"), None));
        }
    }
}
