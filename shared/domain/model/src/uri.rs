//! Policy URIs: `{name}:{version}-{release_tag}`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The maximum length of a URI, in bytes. A sort key of DynamoDB holds 1,024 bytes, which leaves
/// space for a suffix.
const URI_BYTES_MAX: usize = 512;

/// The name under which a policy is registered, always derived from its three parts.
///
/// No part contains `:` or `/`. The version contains no `-` either: the first `-` after the colon
/// ends it. No part is empty or contains white space or a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyUri {
    name: String,
    version: String,
    release_tag: String,
}

impl PolicyUri {
    /// Derives the URI from its parts.
    ///
    /// # Errors
    /// Returns an error that names the invalid part and the problem.
    pub fn derive(name: &str, version: &str, release_tag: &str) -> Result<Self, UriError> {
        check("name", name, &[':', '/'])?;
        check("version", version, &[':', '/', '-'])?;
        check("release_tag", release_tag, &[':', '/'])?;
        let bytes = name.len() + version.len() + release_tag.len() + 2;
        if bytes > URI_BYTES_MAX {
            return Err(UriError {
                field: "name",
                problem: format!(
                    "makes a URI of {bytes} bytes; at most {URI_BYTES_MAX} are allowed"
                ),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
            release_tag: release_tag.to_owned(),
        })
    }

    /// Returns the name: the part before the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version: the part between the colon and the first `-` after it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the release tag: everything after that `-`. It may contain further ones.
    #[must_use]
    pub fn release_tag(&self) -> &str {
        &self.release_tag
    }
}

fn check(field: &'static str, text: &str, forbidden: &[char]) -> Result<(), UriError> {
    let problem = if text.is_empty() {
        "is empty".to_owned()
    } else if let Some(c) = text.chars().find(|c| c.is_control() || c.is_whitespace()) {
        format!("holds {c:?}; white space and control characters are not allowed")
    } else if let Some(c) = text.chars().find(|c| forbidden.contains(c)) {
        format!("holds `{c}`, which separates the parts of a policy URI")
    } else {
        return Ok(());
    };
    Err(UriError { field, problem })
}

/// The error of an invalid policy URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct UriError {
    field: &'static str,
    problem: String,
}

impl UriError {
    /// Returns the invalid part: `name`, `version`, `release_tag` or `policy_rule_uri`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the problem, as the second half of a sentence.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for PolicyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}-{}", self.name, self.version, self.release_tag)
    }
}

impl FromStr for PolicyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let parts = text.split_once(':').and_then(|(name, rest)| {
            rest.split_once('-').map(|(version, release_tag)| (name, version, release_tag))
        });
        let Some((name, version, release_tag)) = parts else {
            return Err(UriError {
                field: "policy_rule_uri",
                problem: format!(
                    "is `{text}`, which is not of the form `name:version-release_tag`, \
                     as in `ip_allowlist:1.0-beta`"
                ),
            });
        };
        Self::derive(name, version, release_tag)
    }
}

impl Serialize for PolicyUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PolicyUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_hyphens_and_underscores_are_common_in_names_and_tags() {
        for (text, name, version, tag) in [
            ("ip_allowlist:1.0-beta", "ip_allowlist", "1.0", "beta"),
            (
                "policies.load_balancer.gateway.x:v0.0.1-beta-2",
                "policies.load_balancer.gateway.x",
                "v0.0.1",
                "beta-2",
            ),
            ("a-b:1-x", "a-b", "1", "x"),
        ] {
            let uri: PolicyUri = text.parse().unwrap();
            assert_eq!((uri.name(), uri.version(), uri.release_tag()), (name, version, tag));
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn another_form_is_refused_with_its_part() {
        for (text, field) in [
            ("ip_allowlist", "policy_rule_uri"),
            ("ip_allowlist:1.0", "policy_rule_uri"),
            (":1.0-beta", "name"),
            ("a:-beta", "version"),
            ("a:1-", "release_tag"),
            ("a:1:2-b", "version"),
            ("a/b:1-c", "name"),
            ("a b:1-c", "name"),
        ] {
            assert_eq!(text.parse::<PolicyUri>().unwrap_err().field(), field, "{text}");
        }
        assert!(PolicyUri::derive("a", "1-2", "x").is_err());
    }
}
