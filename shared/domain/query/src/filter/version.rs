//! `$semver`: lenient parsing of the versions of policies.

use semver::Version;

/// Parses `1`, `1.0`, `v1.2` or `1.2-beta` as the semantic version that it abbreviates. Returns
/// `None` where the text is not a version.
pub(super) fn parse_lenient(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (core, suffix) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let mut numbers = [0_u64; 3];
    for (position, part) in core.split('.').enumerate() {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *numbers.get_mut(position)? = part.parse().ok()?;
    }
    let [major, minor, patch] = numbers;
    Version::parse(&format!("{major}.{minor}.{patch}{suffix}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_versions_are_padded_and_others_refused() {
        for (text, want) in [
            ("1", Some("1.0.0")),
            ("1.2", Some("1.2.0")),
            ("v1.2.3", Some("1.2.3")),
            (" V01.02 ", Some("1.2.0")),
            ("1.2-beta.1", Some("1.2.0-beta.1")),
            ("1.2+build-7", Some("1.2.0+build-7")),
            ("1.2.3.4", None),
            ("1..2", None),
            ("", None),
            ("latest", None),
            ("1.x", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(
                parse_lenient(text).map(|version| version.to_string()).as_deref(),
                want,
                "{text}"
            );
        }
    }
}
