//! The claims of a JWT: issuer, audience, validity period and identity.

use serde_json::{Map, Value};
use writ_model::{Error, ErrorKind, Identity, Role, Timestamp, Workspace};

use crate::Issuer;
use crate::jwt::invalid_jwt;
use crate::token::check_subject;

/// The rule that denies a valid JWT without a workspace or role.
pub const JWT_CLAIMS: &str = "jwt-claims-name-workspace-and-role";

/// The tolerated difference between the issuer's clock and this one, in milliseconds.
const LEEWAY_MS: i64 = 60_000;

/// The last second of the year 9999, since the Unix epoch: the upper bound of a time in a token.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// The payload of a JWT. Its values are untrusted, so messages do not repeat them.
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// Checks that the token names exactly this issuer.
    pub(crate) fn check_issuer(&self, issuer: &str) -> Result<(), String> {
        if self.0.get("iss").and_then(Value::as_str) == Some(issuer) {
            Ok(())
        } else {
            Err(format!("its `iss` is not `{issuer}`"))
        }
    }

    /// Checks that the token names this audience.
    pub(crate) fn check_audience(&self, audience: &str) -> Result<(), String> {
        let is_meant = match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        };
        if is_meant { Ok(()) } else { Err(format!("its `aud` does not name `{audience}`")) }
    }

    /// Checks that the token is valid at `now`, within [`LEEWAY_MS`].
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), String> {
        let now_ms = now.as_ms();
        let expires_ms = self.time_ms("exp")?.ok_or("it has no `exp`, so it would never expire")?;
        if now_ms >= expires_ms + LEEWAY_MS {
            return Err("it expired; ask the identity provider for another".to_owned());
        }
        for claim in ["nbf", "iat"] {
            if self.time_ms(claim)?.is_some_and(|start_ms| start_ms > now_ms + LEEWAY_MS) {
                return Err(format!("its `{claim}` lies in the future"));
            }
        }
        Ok(())
    }

    /// Parses a `NumericDate` (RFC 7519, 2), seconds since the Unix epoch with an optional
    /// fraction, to milliseconds.
    fn time_ms(&self, claim: &str) -> Result<Option<i64>, String> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
        let seconds = seconds.ok_or_else(|| format!("its `{claim}` is no time in seconds"))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within the bound it fits, and a part of a millisecond does not matter"
        )]
        Ok(Some((seconds * 1_000.0) as i64))
    }

    /// Returns the identity of the bearer.
    pub(crate) fn identity<K>(&self, issuer: &Issuer<K>) -> Result<Identity, Error> {
        let subject = self.0.get("sub").and_then(Value::as_str);
        let subject = subject.ok_or_else(|| invalid_jwt("it says no subject in `sub`"))?;
        check_subject(subject)
            .map_err(|error| invalid_jwt(format!("its `sub`: {}", error.message)))?;
        let workspace: Workspace = self.parse_claim(
            &issuer.workspace_claim,
            "a workspace: 1 to 64 of a-z, 0-9, `-` and `_`, starting with a letter or digit",
        )?;
        let role: Role = self
            .parse_claim(&issuer.role_claim, "a role: `reader`, `operator`, `author` or `admin`")?;
        Ok(Identity { subject: subject.to_owned(), workspace, role })
    }

    /// Parses a claim of the platform, the workspace or the role.
    fn parse_claim<T: std::str::FromStr>(&self, claim: &str, what: &str) -> Result<T, Error> {
        let why = match self.text(claim) {
            Some(text) => match text.parse() {
                Ok(value) => return Ok(value),
                Err(_) => "is not",
            },
            None if self.0.contains_key(claim) => "is not one text that is",
            None => "is missing; expected",
        };
        let message = format!(
            "this JWT is genuine, but gives no access: its claim `{claim}` {why} {what}; the \
             operator of the identity provider can set it"
        );
        let error = Error::new(ErrorKind::Forbidden, message).at("Authorization");
        Err(Error { rule: Some(JWT_CLAIMS.to_owned()), ..error })
    }

    /// Returns a claim as a string, or as a list of one string: some issuers can only produce
    /// lists.
    fn text(&self, claim: &str) -> Option<&str> {
        match self.0.get(claim)? {
            Value::String(text) => Some(text),
            Value::Array(list) => match list.as_slice() {
                [Value::String(text)] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}
