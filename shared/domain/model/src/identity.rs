//! Identities: workspaces, roles and callers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The tenant that owns an object; every stored key starts with one.
///
/// 1 to 64 characters of `a-z 0-9 - _`, starting with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workspace(String);

impl Workspace {
    /// Returns the name of the workspace.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Workspace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if text.len() <= 64 && text.starts_with(first) && text.chars().all(inner) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is no workspace name: 1 to 64 of a-z, 0-9, `-` and `_`, \
                 starting with a letter or digit"
            ))
        }
    }
}

impl Serialize for Workspace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Workspace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The role of a caller, ordered from least to most permissions. The platform's Cedar policy
/// defines the permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read everything in its workspace.
    Reader,
    /// May read, and run policies.
    Operator,
    /// May read, run and change policies.
    Author,
    /// May do everything, including the management of tokens.
    Admin,
}

impl Role {
    /// All roles, from least to most permissions.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Operator, Self::Author, Self::Admin];

    /// Returns the name that tokens and JWTs use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Author => "author",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            format!("`{text}` is no role; there are `reader`, `operator`, `author` and `admin`")
        })
    }
}

/// The identity of an authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The subject: that of a token, the `sub` of a JWT, or `local-admin` for callers on loopback.
    pub subject: String,
    /// The workspace of the caller: resources of other workspaces are not visible.
    pub workspace: Workspace,
    /// The role of the caller.
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_name_cannot_hold_a_key_separator() {
        for name in ["default", "team-a", "0_x"] {
            assert_eq!(name.parse::<Workspace>().unwrap().as_str(), name);
        }
        for name in ["", "a#b", "-a", "A", "a/b", &"a".repeat(65)] {
            assert!(name.parse::<Workspace>().is_err(), "{name}");
        }
    }
}
