//! Discovery of case files and of the policy that each tests.
//!
//! `cases.yaml` tests the `policy.json`, `policy.yaml`, `policy.py` or another `policy.*` in its
//! directory, `NAME.cases.yaml` tests `NAME.json` and so on, and a file with a member `policy` tests
//! that policy.

use std::path::{Path, PathBuf};

use super::{CaseFile, load};
use crate::error::CliError;
use crate::exit::Exit;

const CASE_ENDINGS: [&str; 3] = ["cases.yaml", "cases.yml", "cases.json"];
/// Extensions of policies. A document comes before code alone: it has the schemas.
const POLICY_ENDINGS: [&str; 9] =
    ["json", "yaml", "yml", "py", "rego", "cedar", "cel", "wat", "wasm"];
/// The deepest nesting of directories that is walked; bounds a cycle of links.
const DEPTH_MAX: usize = 32;

/// A case file and the policy that it tests.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) cases_path: PathBuf,
    pub(crate) policy_path: PathBuf,
    pub(crate) file: CaseFile,
}

/// Finds the suites of `path`: a directory, a case file, or a policy with cases beside it.
pub(crate) fn find(path: &Path) -> Result<Vec<Suite>, CliError> {
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, 0, &mut files)?;
    } else if stem_of_cases(path).is_some() {
        files.push(path.to_owned());
    } else {
        std::fs::metadata(path).map_err(|error| CliError::file(path, "read", &error))?;
        files.extend(beside(path));
    }
    if files.is_empty() {
        return Err(CliError::new(Exit::NotFound, "no test cases were found")
            .at(path.display().to_string())
            .help("write cases into `cases.yaml` beside `policy.json`, or `NAME.cases.yaml` beside `NAME.py`"));
    }
    files.into_iter().map(suite).collect()
}

fn suite(cases_path: PathBuf) -> Result<Suite, CliError> {
    let file = load(&cases_path)?;
    let folder = cases_path.parent().unwrap_or(Path::new(""));
    let policy_path = match &file.policy {
        Some(policy) => folder.join(policy),
        None => {
            let stem = stem_of_cases(&cases_path).unwrap_or_default();
            let stem = if stem.is_empty() { "policy".to_owned() } else { stem };
            let candidates =
                POLICY_ENDINGS.iter().map(|ending| folder.join(format!("{stem}.{ending}")));
            candidates.into_iter().find(|candidate| candidate.is_file()).ok_or_else(|| {
                CliError::new(
                    Exit::NotFound,
                    format!("there is no policy `{stem}` beside the cases"),
                )
                .at(cases_path.display().to_string())
                .help("set it in the case file with `policy: FILE`")
            })?
        }
    };
    Ok(Suite { cases_path, policy_path, file })
}

/// Returns `Some("")` for `cases.yaml`, `Some("x")` for `x.cases.yaml`, and `None` for other files.
fn stem_of_cases(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let rest = CASE_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
    if rest.is_empty() { Some(String::new()) } else { rest.strip_suffix('.').map(str::to_owned) }
}

fn beside(policy: &Path) -> Option<PathBuf> {
    let folder = policy.parent().unwrap_or(Path::new(""));
    let stem = policy.file_stem()?.to_str()?;
    let own = CASE_ENDINGS.iter().map(|ending| folder.join(format!("{stem}.{ending}")));
    let shared = CASE_ENDINGS.iter().filter(|_| stem == "policy").map(|ending| folder.join(ending));
    own.chain(shared).find(|candidate| candidate.is_file())
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |error| CliError::file(folder, "read", &error);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    // Directory order differs between file systems.
    entries.sort();
    for entry in entries {
        let is_hidden =
            entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if entry.is_dir() && !is_hidden && depth < DEPTH_MAX {
            walk(&entry, depth + 1, files)?;
        } else if entry.is_file() && stem_of_cases(&entry).is_some() {
            files.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_file_is_known_by_its_name() {
        for (name, stem) in [
            ("cases.yaml", Some("")),
            ("a/cases.json", Some("")),
            ("a/b.cases.yml", Some("b")),
            ("showcases.yaml", None),
            ("policy.json", None),
        ] {
            assert_eq!(stem_of_cases(Path::new(name)).as_deref(), stem, "{name}");
        }
    }

    #[test]
    fn policies_are_found_beside_their_cases() {
        let folder = std::env::temp_dir().join(format!("writ-cli-find-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("one/.git")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("one/cases.yaml", "cases: []");
        write("one/policy.py", "");
        write("one/policy.json", "{}");
        write("one/.git/cases.yaml", "cases: []");
        write("two.cases.yaml", "cases: []");
        write("two.rego", "");
        write("z.cases.yaml", "policy: one/policy.py\ncases: []");
        let found: Vec<_> =
            find(&folder).unwrap().into_iter().map(|suite| suite.policy_path).collect();
        let expected =
            ["one/policy.json", "two.rego", "one/policy.py"].map(|name| folder.join(name));
        assert_eq!(found, expected);
        assert_eq!(find(&folder.join("two.rego")).unwrap().len(), 1);
        assert_eq!(find(&folder.join("one/policy.py")).unwrap().len(), 1);
        write("two.rego.txt", "");
        assert_eq!(find(&folder.join("two.rego.txt")).unwrap_err().exit(), Exit::NotFound);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
