//! Identities: workspaces, roles and callers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strum::{Display, EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::enums::to_array;

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

/// What a caller may do, from least to most. The meaning stands in the platform's Cedar policy.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = String, parse_err_fn = unknown_role)]
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
    /// Every role, from least to most.
    pub const ALL: [Self; Self::COUNT] = to_array(Self::VARIANTS);

    /// Returns the name that tokens and JWTs use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

fn unknown_role(text: &str) -> String {
    format!("`{text}` is no role; there are `reader`, `operator`, `author` and `admin`")
}

/// How a caller was authenticated.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PrincipalKind {
    /// By its connection: it comes from the machine that the platform runs on.
    Local,
    /// By an opaque token of the platform.
    Token,
    /// By a JWT of a trusted issuer.
    Jwt,
    /// Not at all: a schedule submits its job, for the caller that wrote the schedule.
    Schedule,
}

impl PrincipalKind {
    /// Every kind that a record may hold.
    pub const ALL: [Self; Self::COUNT] = to_array(Self::VARIANTS);

    /// The name, as records and replies have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The identity of an authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The subject: that of a token, the `sub` of a JWT, or `local-admin` for the local
    /// admin.
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

    #[test]
    fn roles_and_kinds_of_principals_are_named_as_they_are_serialised() {
        assert_eq!(Role::ALL.map(Role::name), ["reader", "operator", "author", "admin"]);
        let kinds = PrincipalKind::ALL.map(PrincipalKind::name);
        assert_eq!(kinds, ["local", "token", "jwt", "schedule"]);
        for role in Role::ALL {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
            assert_eq!(role.name().parse(), Ok(role));
        }
        for kind in PrincipalKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("root".parse::<Role>().unwrap_err().contains("`admin`"));
    }
}
