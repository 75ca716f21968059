//! Paths and query strings, percent-decoded (RFC 3986).

use percent_encoding::percent_decode_str;
use writ_model::Error;

/// A path with its segments decoded one by one, so that `%3A` is `:` while `%2F` separates
/// nothing. One slash at its end is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    segments: Vec<String>,
}

impl Path {
    /// A path of decoded segments.
    #[must_use]
    pub fn of(segments: Vec<String>) -> Self {
        Self { segments }
    }

    /// Reads a path as it is on the wire.
    ///
    /// # Errors
    /// A `%` that encodes nothing, and bytes that are no UTF-8.
    pub fn parse(path: &str) -> Result<Self, Error> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = path.split('/').map(|segment| decoded(segment, "path"));
        Ok(Self { segments: segments.collect::<Result<_, _>>()? })
    }

    /// The path with only `/` and `%` inside a segment encoded: equal for all spellings of one
    /// path, different for different ones.
    #[must_use]
    pub fn canonical(&self) -> String {
        let encoded: Vec<_> = self
            .segments
            .iter()
            .map(|segment| segment.replace('%', "%25").replace('/', "%2F"))
            .collect();
        format!("/{}", encoded.join("/"))
    }

    /// A segment of a canonical path, decoded.
    #[must_use]
    pub fn segment_of(canonical: &str) -> String {
        canonical.replace("%2F", "/").replace("%25", "%")
    }
}

/// A query string's parameters in order; `+` is a space, as forms write it.
///
/// # Errors
/// As [`Path::parse`].
pub fn query(text: &str) -> Result<Vec<(String, String)>, Error> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let part = |part: &str| decoded(&part.replace('+', " "), "query string");
            Ok((part(name)?, part(value)?))
        })
        .collect()
}

/// Percent-decoded text; `location` says where it stood.
///
/// # Errors
/// As [`Path::parse`].
pub fn decoded(text: &str, location: &str) -> Result<String, Error> {
    // The decoder keeps such a `%` as it is, and then two spellings would mean one thing.
    let is_whole =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_whole) {
        return Err(Error::invalid(
            "a `%` is not followed by two hexadecimal digits; write `%25` for it",
        )
        .at(location));
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| Error::invalid("the percent-encoded bytes are not UTF-8").at(location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_is_one_path() {
        for (spelling, canonical) in [
            ("/policy/a:1-b", "/policy/a:1-b"),
            ("/policy/a%3A1-b", "/policy/a:1-b"),
            ("/policy/a%3a1%2Db/", "/policy/a:1-b"),
            ("/%70olicy/a:1-b", "/policy/a:1-b"),
            ("/policy/a%2Fb", "/policy/a%2Fb"),
            ("/policy/a%252Fb", "/policy/a%252Fb"),
            ("/policy/%C3%A9", "/policy/é"),
            ("/policy//", "/policy/"),
            ("/", "/"),
        ] {
            assert_eq!(Path::parse(spelling).unwrap().canonical(), canonical, "{spelling}");
        }
        for broken in ["/a%", "/a%2", "/a%zz", "/%ff"] {
            assert!(Path::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_canonical_segment_reads_back() {
        for (canonical, segment) in
            [("a%2Fb", "a/b"), ("a%252Fb", "a%2Fb"), ("%25", "%"), ("a:b", "a:b")]
        {
            assert_eq!(Path::segment_of(canonical), segment);
        }
    }

    #[test]
    fn a_query_string_keeps_its_order_and_its_doubles() {
        let pairs = |text| query(text).unwrap();
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(
            pairs("b=2&a=1&b=%7B%22x%22%3A+1%7D&c&&d=x=y"),
            owned(&[("b", "2"), ("a", "1"), ("b", r#"{"x": 1}"#), ("c", ""), ("d", "x=y"),])
        );
        assert_eq!(pairs(""), []);
        assert!(query("a=%f").is_err());
    }
}
