//! Opaque tokens: `writ_<token id>_<secret>`.
//!
//! The id is 16 lowercase hexadecimal digits. It is not secret: lists contain it. The secret is 32
//! random bytes as 64 such digits. Only its SHA-256 is stored. A slow, salted hash would add no
//! security, because 256 random bits cannot be guessed, unlike a password; it would only make each
//! request slower.

use std::fmt;
use std::time::Duration;

use writ_model::{Digest, Error, Identity, Timestamp};
use writ_ports::{Ids, Token};

/// The subject of the local admin, a process of the server's own user. No token may have it.
pub const LOCAL_ADMIN: &str = "local-admin";

/// The maximum lifetime of a token that expires: ten years of 365 days, far below the overflow of
/// timestamps.
pub const EXPIRES_IN_SECONDS_MAX: u64 = 10 * 365 * 24 * 60 * 60;

/// The maximum length of a subject, in characters.
const SUBJECT_CHARS_MAX: usize = 128;

/// The prefix of every token, by which secret scanners recognise it.
pub(crate) const PREFIX: &str = "writ_";

const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// The text of a token, which its holder sends. It exists only in the response to its creation.
pub struct TokenText(String);

impl TokenText {
    /// Returns the text. Not for logs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}

/// Creates a token for its holder. Without `expires_in_seconds` it is valid until it is revoked.
///
/// # Errors
/// Returns an error for a subject that is empty, longer than 128 characters, contains white space
/// or control characters, or is [`LOCAL_ADMIN`]; for a lifetime of zero or beyond
/// [`EXPIRES_IN_SECONDS_MAX`]; and where the operating system provides no random numbers.
pub fn mint(
    ids: &impl Ids,
    now: Timestamp,
    holder: Identity,
    expires_in_seconds: Option<u64>,
) -> Result<(Token, TokenText), Error> {
    let token_id = first_digits(hex::encode(ids.secret()?));
    mint_with_id(ids, token_id, now, holder, expires_in_seconds)
}

/// As [`mint`], with this id, from [`token_id`].
///
/// # Errors
/// As [`mint`].
pub fn mint_with_id(
    ids: &impl Ids,
    token_id: String,
    now: Timestamp,
    holder: Identity,
    expires_in_seconds: Option<u64>,
) -> Result<(Token, TokenText), Error> {
    check_subject(&holder.subject).map_err(|error| error.at("/subject"))?;
    let expires_at = expires_in_seconds.map(|seconds| expiry(now, seconds)).transpose()?;
    let secret = hex::encode(ids.secret()?);
    let text = TokenText(format!("{PREFIX}{token_id}_{secret}"));
    let Identity { subject, workspace, role } = holder;
    let secret_hash = Digest::of(secret.as_bytes());
    Ok((
        Token { token_id, secret_hash, subject, workspace, role, created_at: now, expires_at },
        text,
    ))
}

/// The id of the token that a request makes, from the request's id by its idempotency key.
#[must_use]
pub fn token_id(derived_id: &str) -> String {
    first_digits(Digest::of(derived_id.as_bytes()).as_str().to_owned())
}

fn first_digits(mut digits: String) -> String {
    digits.truncate(ID_DIGITS);
    digits
}

/// Returns the expiry of a token with this lifetime, in seconds.
fn expiry(now: Timestamp, seconds: u64) -> Result<Timestamp, Error> {
    let is_allowed = (1..=EXPIRES_IN_SECONDS_MAX).contains(&seconds);
    let end = is_allowed.then(|| now.checked_add(Duration::from_secs(seconds))).flatten();
    end.ok_or_else(|| {
        Error::invalid(format!(
            "`{seconds}` is no life of a token: 1 to {EXPIRES_IN_SECONDS_MAX} seconds; leave it out for one \
             that lives until it is revoked"
        ))
        .at("/expires_in_seconds")
    })
}

/// Checks the subject of a token or JWT, which is part of every record of its holder's requests.
pub(crate) fn check_subject(subject: &str) -> Result<(), Error> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if subject == LOCAL_ADMIN {
        return Err(Error::invalid(format!(
            "`{LOCAL_ADMIN}` is the server's own user on its machine; choose another subject"
        )));
    }
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX || subject.contains(odd) {
        return Err(Error::invalid(format!(
            "a subject is 1 to {SUBJECT_CHARS_MAX} characters, none of them white space or a control character"
        )));
    }
    Ok(())
}

/// Splits a token into id and secret; `None` where the text does not have the form of a token.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let (token_id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let digits = |part: &str, count| {
        part.len() == count && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (digits(token_id, ID_DIGITS) && digits(secret, SECRET_DIGITS)).then_some((token_id, secret))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use writ_model::Role;
    use writ_testing::{START, SeededIds};

    use super::*;

    pub(crate) fn holder(subject: &str) -> Identity {
        Identity {
            subject: subject.to_owned(),
            workspace: "a".parse().unwrap(),
            role: Role::Author,
        }
    }

    #[test]
    fn a_token_at_rest_does_not_hold_its_secret() {
        let (token, text) = mint(&SeededIds::default(), START, holder("alice"), Some(60)).unwrap();
        let (token_id, secret) = split(text.reveal()).unwrap();
        assert_eq!(token.token_id, token_id);
        assert_eq!(token.secret_hash, Digest::of(secret.as_bytes()));
        assert_eq!(token.expires_at, Some(Timestamp::from_ms(START.as_ms() + 60_000)));
        assert!(!format!("{token:?} {text:?}").contains(secret));
        assert!(!secret.contains(token_id));
    }

    #[test]
    fn two_tokens_share_neither_id_nor_secret() {
        let ids = SeededIds::default();
        let (one, _) = mint(&ids, START, holder("alice"), None).unwrap();
        let (other, _) = mint(&ids, START, holder("alice"), None).unwrap();
        assert_ne!(one.token_id, other.token_id);
        assert_ne!(one.secret_hash, other.secret_hash);
    }

    #[test]
    fn an_odd_subject_is_refused() {
        for subject in ["", " ", "a b", "a\n", "a\u{0}", "a\u{85}", LOCAL_ADMIN, &"é".repeat(129)]
        {
            let error = mint(&SeededIds::default(), START, holder(subject), None).unwrap_err();
            assert_eq!(error.location.as_deref(), Some("/subject"), "{subject:?}");
        }
        for subject in ["a", "ci@example.org", "地球", &"é".repeat(128)] {
            assert!(
                mint(&SeededIds::default(), START, holder(subject), None).is_ok(),
                "{subject:?}"
            );
        }
    }

    #[test]
    fn a_life_has_bounds() {
        for seconds in [0, EXPIRES_IN_SECONDS_MAX + 1, u64::MAX] {
            let error =
                mint(&SeededIds::default(), START, holder("alice"), Some(seconds)).unwrap_err();
            assert_eq!(error.location.as_deref(), Some("/expires_in_seconds"), "{seconds}");
        }
        for seconds in [1, EXPIRES_IN_SECONDS_MAX] {
            let (token, _) =
                mint(&SeededIds::default(), START, holder("alice"), Some(seconds)).unwrap();
            assert!(token.expires_at.unwrap() > START, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn only_the_exact_form_is_a_token(id in "[0-9a-f]{16}", secret in "[0-9a-f]{64}", at in 0usize..86, c in "\\PC") {
            let text = format!("writ_{id}_{secret}");
            prop_assert_eq!(split(&text), Some((id.as_str(), secret.as_str())));
            prop_assert_eq!(split(&text[..at]), None);
            let longer = format!("{}{c}{}", &text[..at], &text[at..]);
            prop_assert_eq!(split(&longer), None);
        }
    }
}
