//! Errors of settings, and of the responses of a provider.

use std::io;

/// The error of invalid settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Of issuer and audience, one is set and the other is missing.
    #[error("`{present}` is set and `{missing}` is not; JWTs need both, or neither")]
    Missing {
        /// The name of the setting that is present.
        present: &'static str,
        /// The name of the setting that is missing.
        missing: &'static str,
    },
    /// The setting is not a valid endpoint.
    #[error("`{setting}` is `{url}`, and {why}; expected `https://...`")]
    Url {
        /// The name of the setting.
        setting: &'static str,
        /// The value of the setting.
        url: String,
        /// The problem, as the second half of a sentence.
        why: &'static str,
    },
}

/// The error of a fetch of keys. For the log only: callers get a generic message.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The provider did not respond.
    #[error("`{url}` did not answer")]
    Unreachable {
        /// The URL of the request.
        url: String,
        /// The error of the HTTP client.
        source: Box<ureq::Error>,
    },
    /// The response has another status than 200. Redirects are not followed.
    #[error("`{url}` answered {status}; expected 200")]
    Status {
        /// The URL of the request.
        url: String,
        /// The HTTP status of the response.
        status: u16,
    },
    /// The body is incomplete, too long, or not text.
    #[error("the answer of `{url}` could not be read")]
    Body {
        /// The URL of the request.
        url: String,
        /// The error of the HTTP client.
        source: Box<ureq::Error>,
    },
    /// The body is not the expected document.
    #[error("the answer of `{url}` is not {what}")]
    Form {
        /// The URL of the request.
        url: String,
        /// The description of the expected document.
        what: &'static str,
        /// The error of the parser.
        source: serde_json::Error,
    },
    /// The document names another issuer.
    #[error(
        "`{url}` describes another issuer than `{issuer}`; both must be equal to the last character"
    )]
    Issuer {
        /// The URL of the request.
        url: String,
        /// The issuer that was expected.
        issuer: String,
    },
    /// The document refers to keys at a URL that is not a valid endpoint.
    #[error("`{url}` says that its keys are at `{keys}`, and {why}")]
    KeysUrl {
        /// The URL of the request.
        url: String,
        /// The URL of the keys in the document.
        keys: String,
        /// The problem of that URL, as the second half of a sentence.
        why: &'static str,
    },
    /// The time limit of the whole fetch was exceeded.
    #[error("the identity provider took too long")]
    Late(#[source] io::Error),
}
