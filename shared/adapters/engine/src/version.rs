//! Names and versions of the interpreters, for the records of executions.

use writ_model::Language;

/// The interpreter of a language and its version, as in an execution's record: `NAME VERSION`.
#[must_use]
pub fn engine_version(language: Language) -> &'static str {
    match language {
        Language::Python => "rustpython 0.5.0",
        Language::Rego => "writ-rego 0.1.0",
        Language::Cedar => "cedar-policy 4.14.1",
        Language::Cel => "cel 0.15.0",
        Language::Wasm => "wasmi 2.0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_in_the_lock_file() {
        let lock = include_str!("../../../../Cargo.lock");
        for (language, package) in [
            (Language::Python, "rustpython-vm"),
            (Language::Rego, "writ-rego"),
            (Language::Cedar, "cedar-policy"),
            (Language::Cel, "cel"),
            (Language::Wasm, "wasmi"),
        ] {
            let (_, version) = engine_version(language).split_once(' ').unwrap();
            let entry = format!("name = \"{package}\"\nversion = \"{version}\"");
            assert!(lock.contains(&entry), "{entry}");
        }
    }
}
