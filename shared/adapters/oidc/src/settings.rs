//! The settings of the identity provider.

use writ_ports::{Clock, Issuer, ROLE_CLAIM, WORKSPACE_CLAIM};

use crate::{Endpoint, JwksCache, Provider, SettingsError};

const ISSUER: &str = "WRIT_OIDC_ISSUER";
const AUDIENCE: &str = "WRIT_OIDC_AUDIENCE";
const WORKSPACE_CLAIM_SETTING: &str = "WRIT_OIDC_WORKSPACE_CLAIM";
const ROLE_CLAIM_SETTING: &str = "WRIT_OIDC_ROLE_CLAIM";
const JWKS_URL: &str = "WRIT_OIDC_JWKS_URL";

/// The issuer and audience of trusted JWTs, and the location of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The `iss` of its tokens, and the base URL of its configuration (OpenID Connect Discovery
    /// 1.0, 4).
    issuer: Endpoint,
    audience: String,
    workspace_claim: String,
    role_claim: String,
    /// The URL of the keys; `None` to find it by discovery.
    jwks_url: Option<Endpoint>,
}

impl Settings {
    /// Reads the settings by the names of their environment variables: `WRIT_OIDC_ISSUER`,
    /// `WRIT_OIDC_AUDIENCE`, `WRIT_OIDC_WORKSPACE_CLAIM`, `WRIT_OIDC_ROLE_CLAIM` and
    /// `WRIT_OIDC_JWKS_URL`. An empty value counts as missing. Returns `None` where no issuer is
    /// set.
    ///
    /// # Errors
    /// Returns a [`SettingsError`] for an issuer without an audience, an audience or URL of keys
    /// without an issuer, and an invalid URL.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingsError> {
        let setting = |name| get(name).filter(|text| !text.is_empty());
        let Some(issuer) = setting(ISSUER) else {
            let others = [AUDIENCE, JWKS_URL];
            return match others.into_iter().find(|name| setting(name).is_some()) {
                Some(present) => Err(SettingsError::Missing { present, missing: ISSUER }),
                None => Ok(None),
            };
        };
        let audience = setting(AUDIENCE)
            .ok_or(SettingsError::Missing { present: ISSUER, missing: AUDIENCE })?;
        let chosen = |name, default: &str| setting(name).unwrap_or_else(|| default.to_owned());
        Ok(Some(Self {
            issuer: issuer_url(issuer)?,
            audience,
            workspace_claim: chosen(WORKSPACE_CLAIM_SETTING, WORKSPACE_CLAIM),
            role_claim: chosen(ROLE_CLAIM_SETTING, ROLE_CLAIM),
            jwks_url: setting(JWKS_URL).map(|url| endpoint(JWKS_URL, url)).transpose()?,
        }))
    }

    /// Returns the URL of the issuer.
    #[must_use]
    pub fn url(&self) -> &str {
        self.issuer.as_str()
    }

    /// Creates the issuer, with its keys behind a cache. Nothing is fetched yet.
    #[must_use]
    pub fn issuer<C: Clock + 'static>(self, clock: C) -> Issuer<JwksCache<Provider, C>> {
        let url = self.issuer.as_str().to_owned();
        Issuer {
            url,
            audience: self.audience,
            workspace_claim: self.workspace_claim,
            role_claim: self.role_claim,
            keys: JwksCache::new(Provider::new(self.issuer, self.jwks_url), clock),
        }
    }
}

fn endpoint(setting: &'static str, url: String) -> Result<Endpoint, SettingsError> {
    Endpoint::new(&url).map_err(|why| SettingsError::Url { setting, url, why })
}

/// Parses the URL of an issuer, which has no query (OpenID Connect Discovery 1.0, 3).
fn issuer_url(url: String) -> Result<Endpoint, SettingsError> {
    if url.contains('?') {
        return Err(SettingsError::Url { setting: ISSUER, url, why: "a `?` has no place in it" });
    }
    endpoint(ISSUER, url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, SettingsError> {
        Settings::read(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_issuer_and_an_audience_are_enough() {
        let settings = read(&[(ISSUER, "https://issuer.example/"), (AUDIENCE, "writ")]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.url(), "https://issuer.example/", "the last slash counts");
        assert_eq!(
            (settings.workspace_claim.as_str(), settings.role_claim.as_str(), settings.jwks_url),
            ("writ_workspace", "writ_role", None)
        );
    }

    #[test]
    fn without_an_issuer_there_are_no_settings() {
        assert_eq!(read(&[]).unwrap(), None);
        let empty = [(ISSUER, ""), (AUDIENCE, ""), (ROLE_CLAIM_SETTING, "role"), (JWKS_URL, "")];
        assert_eq!(read(&empty).unwrap(), None);
    }

    #[test]
    fn half_a_configuration_is_refused_and_says_what_is_missing() {
        for (variables, says) in [
            (&[(ISSUER, "https://issuer.example")][..], "`WRIT_OIDC_AUDIENCE` is not"),
            (&[(AUDIENCE, "writ")], "`WRIT_OIDC_ISSUER` is not"),
            (&[(JWKS_URL, "https://issuer.example/keys")], "`WRIT_OIDC_ISSUER` is not"),
            (&[(ISSUER, "http://issuer.example"), (AUDIENCE, "writ")], "this machine alone"),
            (&[(ISSUER, "https://issuer.example?a=b"), (AUDIENCE, "writ")], "`?` has no place"),
            (
                &[
                    (ISSUER, "https://issuer.example"),
                    (AUDIENCE, "writ"),
                    (JWKS_URL, "http://keys.example"),
                ],
                "`WRIT_OIDC_JWKS_URL` is `http://keys.example`",
            ),
        ] {
            let error = read(variables).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
