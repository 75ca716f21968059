//! The reference page: one HTML document that needs nothing but `/openapi.json`, so it works
//! offline and under the strictest content security policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::Reply;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

impl Reply {
    /// The reference page, for `/docs`. Only its own style and script may run, by their hashes,
    /// and it may speak to its own server alone.
    #[must_use]
    pub fn docs_page() -> Self {
        let body = PAGE.replace("/* STYLE */", STYLE).replace("/* SCRIPT */", SCRIPT);
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            source(STYLE),
            source(SCRIPT),
        );
        let reply = Self {
            status: StatusCode::OK,
            headers: Vec::new(),
            content_type: "text/html; charset=utf-8",
            body,
        };
        reply
            .header(header::CONTENT_SECURITY_POLICY, policy)
            .header(header::REFERRER_POLICY, "no-referrer".to_owned())
    }
}

/// A script or style as a content security policy names it.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = Reply::docs_page().body;
        assert!(
            page.contains("<style>:root") && page.contains("<script>\"use strict\""),
            "its parts are in it"
        );
        for foreign in ["http://", "https://", "src=", "<link rel=\"stylesheet", "@import", " url("]
        {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn nothing_in_the_page_is_against_its_own_policy() {
        let page = Reply::docs_page().body;
        for inline in [" style=", " onclick=", "javascript:", "eval(", "innerHTML"] {
            assert!(!page.contains(inline), "{inline}");
        }
        let reply = Reply::docs_page();
        let policy =
            &reply.headers.iter().find(|(name, _)| name == "content-security-policy").unwrap().1;
        for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
            let inside = page.split_once(open).unwrap().1.split_once(close).unwrap().0;
            assert!(policy.contains(&source(inside)), "{open}");
        }
    }
}
