//! Refuses requests that a web page may have made: a page must not reach a server that trusts its
//! own machine.
//!
//! The check of `Host` prevents DNS rebinding, where the name of a page is made to resolve to
//! 127.0.0.1. The checks of `Origin` and `Sec-Fetch-Site` refuse pages of other origins that call
//! the server's address.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Method, StatusCode};
use writ_edge::Reply;
use writ_model::{Error, ErrorKind};

/// The name of the rule in the response to a refused request of a browser.
const RULE: &str = "gateway.same-origin";

/// Checks the headers of requests against the address that the server listens on.
pub(super) struct OriginGuard {
    address: SocketAddr,
}

impl OriginGuard {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Accepts a request, or returns the response that refuses it. `is_page` marks the pages that
    /// hold no data: a link from another origin may lead to them.
    pub(super) fn check(
        &self,
        parts: &Parts,
        is_page: bool,
        request_id: &str,
    ) -> Result<(), Reply> {
        let host = self.host(parts).map_err(|(status, detail)| {
            let name = if status == StatusCode::BAD_REQUEST {
                "invalid_request"
            } else {
                "misdirected_request"
            };
            Reply::refusal(status, name, &detail, request_id)
        })?;
        same_origin(parts, &host, is_page).map_err(|message| {
            let error =
                Error { rule: Some(RULE.to_owned()), ..Error::new(ErrorKind::Forbidden, message) };
            Reply::problem(&error, request_id, None)
        })
    }

    fn host(&self, parts: &Parts) -> Result<Authority, (StatusCode, String)> {
        let mut values = parts.headers.get_all(HOST).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err((
                StatusCode::BAD_REQUEST,
                "a request has exactly one `Host` header".to_owned(),
            ));
        };
        let Some(host) = authority(value) else {
            return Err((
                StatusCode::BAD_REQUEST,
                "the `Host` header is no host and port".to_owned(),
            ));
        };
        let is_known = self.is_own_name(&host)
            && parts.uri.authority().is_none_or(|named| self.is_own_name(named));
        if is_known {
            return Ok(host);
        }
        let port = self.address.port();
        let detail = format!(
            "this server listens on this machine alone and answers to `localhost:{port}`, `127.0.0.1:{port}` \
             and `[::1]:{port}`, not to `{host}`: another name could be a web page's that was made to point here"
        );
        Err((StatusCode::MISDIRECTED_REQUEST, detail))
    }

    /// Whether the name may be this server's. Beyond loopback any name may be, and tokens protect
    /// the server there.
    fn is_own_name(&self, host: &Authority) -> bool {
        let own = self.address.ip();
        if !own.is_loopback() {
            return true;
        }
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        let is_own = name.eq_ignore_ascii_case("localhost")
            || name
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip == own || ["127.0.0.1", "::1"].contains(&name));
        is_own && host.port_u16().unwrap_or(80) == self.address.port()
    }
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    // A name and a port, without user information.
    let authority: Authority = value.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}

fn same_origin(parts: &Parts, host: &Authority, is_page: bool) -> Result<(), String> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = parts.headers.get(ORIGIN) {
        let origin =
            String::from_utf8_lossy(origin.as_bytes()).chars().take(80).collect::<String>();
        if !is_origin_of(&origin, host) {
            return Err(format!(
                "a web page of `{origin}` may not call this server; open the server's own pages"
            ));
        }
    }
    let is_link = is_page
        && parts.method == Method::GET
        && text("sec-fetch-mode") == Some("navigate")
        && text("sec-fetch-dest") == Some("document");
    match text("sec-fetch-site") {
        Some("cross-site" | "same-site") if !is_link => Err(
            "a web page of another origin may not call this server; open the server's own pages"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Whether an origin has this host and port. Its scheme does not matter: a proxy may have added
/// TLS.
fn is_origin_of(origin: &str, host: &Authority) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(named) = rest.parse::<Authority>() else { return false };
    named.host().eq_ignore_ascii_case(host.host())
        && named.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(address: &str, is_page: bool, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri("/docs");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let origin_guard = OriginGuard::at(address.parse().unwrap());
        origin_guard
            .check(&parts, is_page, "r1")
            .map_or_else(|reply| reply.status.as_u16(), |()| 200)
    }

    #[test]
    fn on_loopback_only_the_names_of_the_machine_itself_are_answered() {
        for (address, host, want) in [
            ("127.0.0.1:5000", "localhost:5000", 200),
            ("127.0.0.1:5000", "LOCALHOST:5000", 200),
            ("127.0.0.1:5000", "127.0.0.1:5000", 200),
            ("127.0.0.1:5000", "[::1]:5000", 200),
            ("[::1]:5000", "[::1]:5000", 200),
            ("127.0.0.2:5000", "127.0.0.2:5000", 200),
            ("127.0.0.1:80", "localhost", 200),
            ("127.0.0.1:5000", "localhost", 421),
            ("127.0.0.1:5000", "localhost:5001", 421),
            ("127.0.0.1:5000", "evil.example:5000", 421),
            ("127.0.0.1:5000", "localhost.evil.example:5000", 421),
            ("127.0.0.1:5000", "127.0.0.1.evil.example:5000", 421),
            ("127.0.0.1:5000", "0.0.0.0:5000", 421),
            ("127.0.0.1:5000", "user@localhost:5000", 400),
            ("127.0.0.1:5000", "a b", 400),
            ("127.0.0.1:5000", "", 400),
            ("10.0.0.5:5000", "writ.example", 200),
            ("0.0.0.0:5000", "anything:1", 200),
        ] {
            assert_eq!(check(address, false, &[("host", host)]), want, "{address} {host}");
        }
        assert_eq!(check("127.0.0.1:5000", false, &[]), 400);
        let twice = [("host", "localhost:5000"), ("host", "evil.example:5000")];
        assert_eq!(check("127.0.0.1:5000", false, &twice), 400);
    }

    #[test]
    fn a_page_of_another_origin_is_refused_and_the_servers_own_is_not() {
        for (host, origin, want) in [
            ("localhost:5000", "http://localhost:5000", 200),
            ("localhost:5000", "http://localhost:3000", 403),
            ("localhost:5000", "http://127.0.0.1:5000", 403),
            ("localhost:5000", "http://evil.example", 403),
            ("localhost:5000", "null", 403),
            ("localhost:5000", "file://", 403),
            ("localhost:5000", "", 403),
        ] {
            assert_eq!(
                check("127.0.0.1:5000", false, &[("host", host), ("origin", origin)]),
                want,
                "{origin}"
            );
        }
        for (origin, want) in [("https://writ.example", 200), ("https://evil.example", 403)] {
            assert_eq!(
                check("0.0.0.0:443", false, &[("host", "writ.example"), ("origin", origin)]),
                want
            );
        }
    }

    #[test]
    fn a_link_from_elsewhere_leads_to_the_pages_and_to_nothing_else() {
        let link = ["cross-site", "navigate", "document"];
        for (is_page, [site, mode, dest], want) in [
            (true, link, 200),
            (false, link, 403),
            (true, ["cross-site", "navigate", "iframe"], 403),
            (true, ["cross-site", "no-cors", "script"], 403),
            (false, ["same-site", "no-cors", "image"], 403),
            (false, ["same-origin", "cors", "empty"], 200),
            (false, ["none", "navigate", "document"], 200),
        ] {
            let headers = [
                ("host", "localhost:5000"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            assert_eq!(
                check("127.0.0.1:5000", is_page, &headers),
                want,
                "{is_page} {site} {mode} {dest}"
            );
        }
    }
}
