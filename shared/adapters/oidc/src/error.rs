//! What can be wrong with settings, and with what a provider answers.

use std::io;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// JWTs are believed of an issuer, and for an audience.
    #[error("`{given}` is set and `{missing}` is not; JWTs need both, or neither")]
    Missing {
        /// The setting that is there.
        given: &'static str,
        /// The setting that is not.
        missing: &'static str,
    },
    /// No URL that keys may come from.
    #[error("`{setting}` is `{url}`, and {why}; expected `https://...`")]
    Url {
        /// Which setting.
        setting: &'static str,
        /// What it says.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Why there are no keys. For the log: callers learn that the provider could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer.
    #[error("`{url}` did not answer")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// Another answer than 200; redirects are not followed.
    #[error("`{url}` answered {status}; expected 200")]
    Status {
        /// What was asked.
        url: String,
        /// The answer.
        status: u16,
    },
    /// The body broke off or is no text.
    #[error("the answer of `{url}` could not be read")]
    Body {
        /// What was asked.
        url: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// It answered something else.
    #[error("the answer of `{url}` is not {what}")]
    Form {
        /// What was asked.
        url: String,
        /// What was expected.
        what: &'static str,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The document is somebody else's.
    #[error(
        "`{url}` describes another issuer than `{issuer}`; both must be equal to the last character"
    )]
    Issuer {
        /// What was asked.
        url: String,
        /// Whose document was expected.
        issuer: String,
    },
    /// Keys would come over a way that anybody can change.
    #[error("`{url}` says that its keys are at `{keys}`, and {why}")]
    KeysUrl {
        /// What was asked.
        url: String,
        /// What it said.
        keys: String,
        /// What is wrong with that.
        why: &'static str,
    },
    /// The whole took too long.
    #[error("the identity provider took too long")]
    Late(#[source] io::Error),
}
