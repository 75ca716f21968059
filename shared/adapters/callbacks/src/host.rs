//! The host of a URL: an address or a name. Ambiguous forms are rejected.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;

/// The maximum length of a name, in bytes of text (RFC 1035, 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// The maximum length of a label of a name, in bytes.
const LABEL_BYTES_MAX: usize = 63;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A host name, in lower case.
    Name(String),
    Address(IpAddr),
}

/// The error of an invalid host. Its message is the second half of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// An obsolete form of an IPv4 address (`127.1`, `0x7f.1`, `017700000001`, `2130706433`), which
    /// some programs take for an address and others for a name.
    #[error("is neither a name nor four decimal numbers; write the address as in `198.51.100.7`")]
    Number,
    /// The brackets do not contain an IPv6 address without a zone.
    #[error("is no IPv6 address in brackets; write it as in `[2001:db8::7]`, without a zone")]
    Brackets,
    /// The name ends with a dot (the root label), which names in certificates do not.
    #[error("ends with a dot; leave it out")]
    LastDot,
    /// The name contains invalid bytes, or is too long.
    #[error(
        "is no host name; names have letters, digits, hyphens and underscores between dots, and \
         others are written in their `xn--` form"
    )]
    Name,
}

impl Host {
    /// Parses the host of a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, HostError> {
        if text.starts_with('[') {
            let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            let address = inside.and_then(|inside| inside.parse::<Ipv6Addr>().ok());
            return address.map(|v6| Self::Address(v6.into())).ok_or(HostError::Brackets);
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        if ends_in_a_number(text) {
            return Err(HostError::Number);
        }
        if text.ends_with('.') {
            return Err(HostError::LastDot);
        }
        if text.len() > NAME_BYTES_MAX || !text.split('.').all(is_label) {
            return Err(HostError::Name);
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

/// Returns the port of a URL, or the default port of its scheme.
pub(crate) fn port_of(uri: &Uri) -> u16 {
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(default)
}

/// Whether browsers and the C library parse the text as an IPv4 address (URL Standard, "ends in a
/// number checker").
fn ends_in_a_number(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let last = text.rsplit('.').next().unwrap_or(text);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_label(label: &str) -> bool {
    let is_in_alphabet =
        label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let has_good_length = (1..=LABEL_BYTES_MAX).contains(&label.len());
    has_good_length && is_in_alphabet && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_in_one_way() {
        for (text, expected) in [
            ("hooks.example.com", "hooks.example.com"),
            ("Hooks.EXAMPLE.com", "hooks.example.com"),
            ("_hooks.my-site.example", "_hooks.my-site.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("1.example", "1.example"),
            ("0x7f.example", "0x7f.example"),
            ("a", "a"),
        ] {
            assert_eq!(Host::parse(text), Ok(Host::Name(expected.to_owned())), "{text}");
        }
        for (text, expected) in [
            ("8.8.8.8", "8.8.8.8"),
            ("[2606:4700::1111]", "2606:4700::1111"),
            ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ] {
            assert_eq!(Host::parse(text), Ok(Host::Address(expected.parse().unwrap())), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_host() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long = "a.".repeat(127);
        for (text, expected) in [
            ("2130706433", HostError::Number),
            ("017700000001", HostError::Number),
            ("0x7f000001", HostError::Number),
            ("0x7f.1", HostError::Number),
            ("0x", HostError::Number),
            ("127.1", HostError::Number),
            ("127.0.0.01", HostError::Number),
            ("127.0.0.0x1", HostError::Number),
            ("127.0.0.0X1", HostError::Number),
            ("127.0.0.1.", HostError::Number),
            ("256.256.256.256", HostError::Number),
            ("1.2.3.4.5", HostError::Number),
            ("a.09", HostError::Number),
            ("[127.0.0.1]", HostError::Brackets),
            ("[fe80::1%25eth0]", HostError::Brackets),
            ("[fe80::1%eth0]", HostError::Brackets),
            ("[::1", HostError::Brackets),
            ("[]", HostError::Brackets),
            ("[v1.a]", HostError::Brackets),
            ("localhost.", HostError::LastDot),
            ("hooks.example.com.", HostError::LastDot),
            ("", HostError::Name),
            ("hooks..example", HostError::Name),
            (".example", HostError::Name),
            ("-a.example", HostError::Name),
            ("a-.example", HostError::Name),
            ("::1", HostError::Name),
            ("b\u{fc}cher.example", HostError::Name),
            ("\u{2460}.example", HostError::Name),
            ("127%2e0%2e0%2e1", HostError::Name),
            ("a b", HostError::Name),
            (&long_label, HostError::Name),
            (&format!("{long}a"), HostError::Name),
        ] {
            assert_eq!(Host::parse(text), Err(expected), "{text}");
        }
    }
}
