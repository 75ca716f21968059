//! URLs of an identity provider.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// An `https` URL, or an `http` URL on loopback for tests and emulators. An attacker that can
/// change the keys in transit can forge tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    is_local: bool,
}

impl Endpoint {
    /// Parses and validates the URL.
    ///
    /// # Errors
    /// Returns the problem, as the second half of a sentence.
    pub fn new(url: &str) -> Result<Self, &'static str> {
        if url.contains('#') {
            return Err("a `#` has no place in it");
        }
        let uri: Uri = url.parse().map_err(|_| "that is no URL")?;
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("a name or password has no place in it");
        }
        let is_loopback = is_loopback(authority.host());
        match uri.scheme_str() {
            Some("https") => Ok(Self { url: url.to_owned(), is_local: false }),
            Some("http") if is_loopback => Ok(Self { url: url.to_owned(), is_local: true }),
            Some("http") => Err("`http` is for this machine alone"),
            _ => Err("it does not start with `https://`"),
        }
    }

    /// Returns the text of the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Whether the URL is `http` on loopback.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.is_local
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for (url, is_local) in [
            ("https://issuer.example", false),
            ("https://issuer.example:8443/realms/a?x=1", false),
            ("https://127.0.0.1/", false),
            ("http://127.0.0.1:8080", true),
            ("http://localhost/keys", true),
            ("http://[::1]:8080", true),
        ] {
            assert_eq!(Endpoint::new(url).map(|endpoint| endpoint.is_local), Ok(is_local), "{url}");
        }
        for url in [
            "",
            "issuer.example",
            "//issuer.example",
            "/keys",
            "http://issuer.example",
            "http://127.0.0.1.issuer.example",
            "http://localhost.issuer.example",
            "http://10.0.0.1",
            "http://127.0.0.1@issuer.example",
            "https://name:secret@issuer.example",
            "https://issuer.example/#keys",
            "ftp://issuer.example",
            "file:///etc/keys.json",
            "https://",
            "https://issuer example",
        ] {
            assert!(Endpoint::new(url).is_err(), "{url}");
        }
    }
}
