//! What a zygote has loaded.

use std::fmt;

use writ_model::Language;

/// The name of a zygote that has loaded no language.
const SCHEMAS: &str = "schemas";

/// What a zygote has loaded, and so what its workers can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ZygoteKind {
    /// A language: its workers compile and run policies, and apply their schemas.
    Language(Language),
    /// No language: its workers apply schemas alone.
    Schemas,
}

impl ZygoteKind {
    /// All kinds of zygotes.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Language::ALL.into_iter().map(Self::Language).chain([Self::Schemas])
    }

    /// The name, as the command line of a zygote has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Language(language) => language.name(),
            Self::Schemas => SCHEMAS,
        }
    }

    /// The kind of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            SCHEMAS => Some(Self::Schemas),
            name => Language::from_name(name).map(Self::Language),
        }
    }
}

impl fmt::Display for ZygoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in ZygoteKind::all() {
            assert_eq!(ZygoteKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ZygoteKind::from_name("cobol"), None);
    }
}
