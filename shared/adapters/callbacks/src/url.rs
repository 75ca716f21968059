//! Validation of callback URLs.

use std::fmt;
use std::net::SocketAddr;

use ureq::http::Uri;
use ureq::http::uri::Authority;

use crate::address::ReservedRange;
use crate::allowlist::Allowlist;
use crate::host::{Host, HostError, port_of};

/// The maximum length of a URL, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// How much of a host a message repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 100;

/// Suffixes of names that differ between networks: reserved for local use (RFC 6761, 6762, 8375;
/// ICANN's `internal`), or commonly used for it.
const LOCAL_SUFFIXES: [&str; 10] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
];

/// A permitted callback URL: `https`, a public host or one in the allowlist, and nothing that two
/// parsers could interpret differently. The addresses of its host are validated with each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackUrl(String);

/// The error of a URL that is not permitted. Its message says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackUrlError {
    /// The URL is longer than [`URL_BYTES_MAX`].
    #[error("the URL has {bytes} bytes; give one of at most {URL_BYTES_MAX}")]
    TooLong {
        /// The length of the URL, in bytes.
        bytes: usize,
    },
    /// The URL contains a space, a control character, a character that is not ASCII, or a
    /// backslash.
    #[error("`{found}` has no place in a URL; write it with `%`, or a host in its `xn--` form")]
    Character {
        /// The first such character, escaped as in Rust.
        found: String,
    },
    /// The URL has a fragment, which is never sent.
    #[error("the URL has a `#`, and what follows is never sent; leave it out")]
    Fragment,
    /// The text is not a URL, or has no host.
    #[error("that is no URL; expected one such as `https://hooks.example.com/jobs`")]
    Malformed,
    /// The scheme is neither `https` nor `http`.
    #[error("`{scheme}` is not called; expected `https://`")]
    Scheme {
        /// The scheme of the URL.
        scheme: String,
    },
    /// The URL contains credentials, which would be stored and returned with the job.
    #[error(
        "a name or password has no place in the URL; leave out what stands before the `@`, and \
         check the signature instead"
    )]
    Credentials,
    /// The port is not a number from 1 to 65535.
    #[error("`{port}` is no port; expected 1 to 65535")]
    Port {
        /// The port of the URL.
        port: String,
    },
    /// The host is invalid or ambiguous.
    #[error("`{host}` {reason}")]
    Host {
        /// The host of the URL.
        host: String,
        /// The problem of the host.
        #[source]
        reason: HostError,
    },
    /// The host is a name of the local network, or of the machine itself.
    #[error(
        "`{host}` is a name of a local network; give a public host, or ask the operator to allow it"
    )]
    LocalName {
        /// The host of the URL.
        host: String,
    },
    /// The host is an address that is not public.
    #[error(
        "`{host}` is {reserved_range}; give a public host, or ask the operator to allow its network"
    )]
    Address {
        /// The host of the URL.
        host: String,
        /// The reserved range of the address.
        reserved_range: ReservedRange,
    },
    /// The address and port are those of the platform itself.
    #[error("`{host}` with this port is this platform itself, which is never called back")]
    OwnListener {
        /// The host of the URL.
        host: String,
    },
    /// The scheme is `http`, and the host is not in the allowlist.
    #[error("`http://` is in clear text; use `https://`, or ask the operator to allow `{host}`")]
    ClearText {
        /// The host of the URL.
        host: String,
    },
}

impl CallbackUrl {
    /// Parses and validates a URL.
    ///
    /// # Errors
    /// Returns the first rule that the URL violates.
    pub fn parse(text: &str, allowlist: &Allowlist) -> Result<Self, CallbackUrlError> {
        let uri = parse_uri(text)?;
        let is_clear_text = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            scheme => {
                let scheme = excerpt(scheme.unwrap_or_default());
                return Err(CallbackUrlError::Scheme { scheme });
            }
        };
        let authority = uri.authority().ok_or(CallbackUrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(CallbackUrlError::Credentials);
        }
        let host = Host::parse(authority.host())
            .map_err(|reason| CallbackUrlError::Host { host: excerpt(authority.host()), reason })?;
        check_port(authority)?;
        check_host(&host, authority.host(), allowlist)?;
        if let Host::Address(address) = host
            && allowlist.is_own_listener(SocketAddr::new(address, port_of(&uri)))
        {
            return Err(CallbackUrlError::OwnListener { host: excerpt(authority.host()) });
        }
        if is_clear_text && !allowlist.contains_host(&host) {
            return Err(CallbackUrlError::ClearText { host: excerpt(authority.host()) });
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parse_uri(text: &str) -> Result<Uri, CallbackUrlError> {
    let bytes = text.len();
    if bytes > URL_BYTES_MAX {
        return Err(CallbackUrlError::TooLong { bytes });
    }
    if let Some(found) = text.chars().find(|c| !c.is_ascii_graphic() || *c == '\\') {
        return Err(CallbackUrlError::Character { found: found.escape_default().to_string() });
    }
    if text.contains('#') {
        return Err(CallbackUrlError::Fragment);
    }
    text.parse().map_err(|_| CallbackUrlError::Malformed)
}

/// Checks the port, because the parser treats an invalid one as absent.
fn check_port(authority: &Authority) -> Result<(), CallbackUrlError> {
    let rest = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if rest.is_empty() {
        return Ok(());
    }
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if is_number => Ok(()),
        _ => Err(CallbackUrlError::Port { port: excerpt(port) }),
    }
}

fn check_host(host: &Host, text: &str, allowlist: &Allowlist) -> Result<(), CallbackUrlError> {
    match host {
        Host::Address(address) => match allowlist.blocking_range(host, *address) {
            Some(reserved_range) => {
                Err(CallbackUrlError::Address { host: excerpt(text), reserved_range })
            }
            None => Ok(()),
        },
        Host::Name(name) if is_local(name) && !allowlist.contains_host(host) => {
            Err(CallbackUrlError::LocalName { host: excerpt(text) })
        }
        Host::Name(_) => Ok(()),
    }
}

/// Whether a name is local to a network. A name without a dot is.
fn is_local(name: &str) -> bool {
    let is_below = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || LOCAL_SUFFIXES.iter().any(|end| name == *end || is_below(end))
}

/// Returns the start of a text from the caller, for a message.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line that starts with `allowed:` sets the allowlist for the lines after it.
    #[test]
    fn every_url_of_the_table_is_called_or_refused_as_it_says() {
        let mut allowlist = Allowlist::default();
        let mut wrong = Vec::new();
        let lines = include_str!("url/cases.txt").lines();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            if let Some(list) = line.strip_prefix("allowed:") {
                allowlist = list.parse().unwrap();
                continue;
            }
            let (expected, url) = line.split_once("| ").unwrap();
            let found = match CallbackUrl::parse(url, &allowlist) {
                Ok(parsed) if parsed.as_str() == url => "called".to_owned(),
                Ok(parsed) => format!("other text: {parsed}"),
                Err(error) => error.to_string(),
            };
            let is_right = match expected.trim() {
                "called" => found == "called",
                rule => found.contains(rule),
            };
            if !is_right {
                wrong.push(format!("{line}: {found}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_url_has_a_length() {
        let fits = format!("https://hooks.example.com/{}", "a".repeat(URL_BYTES_MAX - 26));
        assert!(CallbackUrl::parse(&fits, &Allowlist::default()).is_ok());
        let error = CallbackUrl::parse(&format!("{fits}a"), &Allowlist::default()).unwrap_err();
        assert_eq!(error, CallbackUrlError::TooLong { bytes: URL_BYTES_MAX + 1 });
        assert_eq!(CallbackUrl::parse("", &Allowlist::default()), Err(CallbackUrlError::Malformed));
    }

    #[test]
    fn a_message_shows_the_beginning_of_a_long_host_and_no_password() {
        let long = format!("https://{}/", "a-".repeat(900));
        let error = CallbackUrl::parse(&long, &Allowlist::default()).unwrap_err();
        assert!(error.to_string().chars().count() < 300, "{error}");
        let error = CallbackUrl::parse("https://me:hush@hooks.example.com", &Allowlist::default());
        assert!(!error.unwrap_err().to_string().contains("hush"));
    }

    proptest! {
        /// Whatever the text of a host, a permitted address is a public one.
        #[test]
        fn no_text_is_a_way_to_an_address_that_is_not_public(
            host in "(\\[[0-9a-f:.%]{2,24}\\]|[0-9a-fx.]{1,16})", port in "(:[0-9]{0,5})?",
        ) {
            let url = format!("https://{host}{port}/");
            if CallbackUrl::parse(&url, &Allowlist::default()).is_ok() {
                let uri: Uri = url.parse().unwrap();
                match Host::parse(uri.host().unwrap()).unwrap() {
                    Host::Address(address) => {
                        prop_assert_eq!(crate::address::reserved_range(address), None, "{}", url);
                    }
                    Host::Name(name) => prop_assert!(
                        name.contains(|c: char| c.is_ascii_alphabetic()), "{}", url
                    ),
                }
            }
        }

        /// Whatever the text is: what is called is that text, in a form that HTTP takes, over TLS
        /// and without a password or a fragment; a refusal is short and says why.
        #[test]
        fn any_text_is_called_as_it_is_or_refused(
            text in prop_oneof![
                "\\PC{0,60}",
                "https?://[ -~]{0,40}",
                "https?://([a-z]{1,5}@)?[a-z]{1,5}\\.(com|local)(:[0-9]{0,5})?(/[a-z#?]{0,5})?",
            ],
        ) {
            match CallbackUrl::parse(&text, &Allowlist::default()) {
                Ok(url) => {
                    prop_assert_eq!(url.as_str(), text.as_str());
                    let uri: Uri = text.parse().unwrap();
                    prop_assert_eq!(uri.scheme_str(), Some("https"));
                    prop_assert!(uri.host().is_some_and(|host| !host.is_empty()), "{}", text);
                    let authority = uri.authority().map_or("", Authority::as_str);
                    prop_assert!(!authority.contains('@') && !text.contains('#'), "{}", text);
                    prop_assert!(uri.port_u16() != Some(0), "{}", text);
                }
                Err(error) => {
                    let length = error.to_string().chars().count();
                    prop_assert!((10..400).contains(&length), "{}", error);
                }
            }
        }
    }
}
