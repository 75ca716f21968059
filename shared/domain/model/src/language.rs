//! Policy languages.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::enums::to_array;

/// A policy language, named by a policy's `code_type`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
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
#[strum(serialize_all = "lowercase")]
pub enum Language {
    /// Python: a class with `__init__`, `eval` and optionally `management`.
    Python,
    /// Rego, the language of Open Policy Agent.
    Rego,
    /// Cedar: rules that permit or forbid actions on resources.
    Cedar,
    /// Common Expression Language: one expression, or several named ones.
    Cel,
    /// WebAssembly: a module in the text or binary format.
    Wasm,
}

impl Language {
    /// Every language, in the order that documents list them.
    pub const ALL: [Self; Self::COUNT] = to_array(Self::VARIANTS);

    /// Returns the name that `code_type` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the language of this name; `None` where no engine runs it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Selects the language by `code_type`; without it by `policy_type` where that starts with the
    /// name of a language (`rego`, `rego_v1`, `python_class_v1`); otherwise Python.
    ///
    /// # Errors
    /// Returns the `code_type` where no engine runs it.
    pub fn choose(code_type: Option<&str>, policy_type: &str) -> Result<Self, String> {
        match code_type {
            Some(name) => Self::from_name(name).ok_or_else(|| name.to_owned()),
            None => Ok(Self::ALL
                .into_iter()
                .find(|language| policy_type.split('_').next() == Some(language.name()))
                .unwrap_or(Self::Python)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_type_wins_then_type_then_python() {
        let cases = [
            (Some("rego"), "python_class_v1", Ok(Language::Rego)),
            (None, "python_class_v1", Ok(Language::Python)),
            (None, "rego_v1", Ok(Language::Rego)),
            (None, "1", Ok(Language::Python)),
            (Some("cobol"), "", Err("cobol".to_owned())),
        ];
        for (code_type, policy_type, expected) in cases {
            assert_eq!(Language::choose(code_type, policy_type), expected);
        }
    }
}
