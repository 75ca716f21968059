//! The query of a policy: the document of its modules that is the output.

use std::collections::BTreeSet;

use writ_model::Diagnostic;
use writ_rego::Policy;

use super::diagnose;
use super::form::File;

/// The roots of `data` that the platform fills.
pub(super) const RESERVED: [&str; 3] = ["context", "parameters", "settings"];
/// The longest path, in bytes.
const PATH_BYTES_MAX: usize = 1_000;

/// The answer's path, as `data.authz.allow`, checked against the modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Below the root of `data`.
    path: Vec<String>,
    /// Whether it is the document of a package, which always exists.
    pub(super) is_document: bool,
}

impl Query {
    /// The parts below `data`.
    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    /// The path in Rego syntax, as `data.authz.allow`.
    pub(super) fn text(&self) -> String {
        let mut path = vec!["data".to_owned()];
        path.extend_from_slice(&self.path);
        dotted_path(&path)
    }
}

/// Refuses packages that hide the platform's documents under `data`.
pub(super) fn check_packages(policy: &Policy, files: &[File]) -> Result<(), Diagnostic> {
    for (package, file) in policy.packages().iter().zip(files) {
        let root = package.first().map(String::as_str).unwrap_or_default();
        if RESERVED.contains(&root) {
            let message = format!("the package `{}` hides `data.{root}`", dotted_path(package));
            let problem = Diagnostic::error("rego.reserved-package", message);
            let at = package_location(&file.code);
            return Err(diagnose::with_location(
                problem.help("choose another package"),
                &file.name,
                at,
            ));
        }
    }
    Ok(())
}

/// The line and the column, from 1, of a package's name.
fn package_location(code: &str) -> (u32, u32) {
    const KEYWORD: &str = "package ";
    let found = code.lines().zip(1..).find(|(line, _)| line.trim_start().starts_with(KEYWORD));
    let Some((line, number)) = found else { return (1, 1) };
    let indent = line.chars().take_while(|letter| letter.is_whitespace()).count();
    (number, u32::try_from(indent + KEYWORD.len() + 1).unwrap_or(1))
}

/// The query of a policy; without one, the document of its own package.
pub(super) fn choose(text: Option<&str>, policy: &Policy) -> Result<Query, Diagnostic> {
    let Some(own) = policy.packages().first() else {
        return Err(invalid("the policy has no module"));
    };
    let Some(text) = text else { return Ok(Query { path: own.clone(), is_document: true }) };
    let path = parse(text).ok_or_else(|| invalid(format!("`{text}` is no path to a rule")))?;
    let path = match path.split_first() {
        Some((first, rest)) if first == "data" => rest.to_vec(),
        _ => [own.as_slice(), &path].concat(),
    };
    if !path.is_empty() && policy.packages().iter().any(|package| package.starts_with(&path)) {
        return Ok(Query { path, is_document: true });
    }
    let mut rules = BTreeSet::new();
    let mut is_in_package = false;
    for package in policy.packages() {
        let Some(rest) = path.strip_prefix(package.as_slice()) else { continue };
        is_in_package = true;
        let own = policy.rules().into_iter().filter_map(|rule| {
            rule.path.strip_prefix(package.as_slice()).and_then(|name| name.first().cloned())
        });
        rules.extend(own);
        if rest.first().is_some_and(|rule| rules.contains(rule)) {
            return Ok(Query { path, is_document: false });
        }
    }
    if is_in_package {
        let rules: Vec<String> = rules.into_iter().collect();
        let help = format!("the rules are `{}`", rules.join("`, `"));
        return Err(invalid(format!("`{text}` names no rule")).help(help));
    }
    let packages: BTreeSet<String> =
        policy.packages().iter().map(|package| dotted_path(package)).collect();
    let packages: Vec<String> = packages.into_iter().collect();
    let message = format!("`{text}` names nothing in the package `{}`", packages.join("`, `"));
    Err(invalid(message))
}

fn invalid(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("rego.query", message)
        .help("write a path as `data.authz.allow`, or `allow` alone, in `functionality_data.query`")
}

/// The parts of a path; `None` if the text is no path of constant parts.
fn parse(text: &str) -> Option<Vec<String>> {
    if text.len() > PATH_BYTES_MAX {
        return None;
    }
    let (first, mut rest) = name(text)?;
    let mut parts = vec![first];
    while !rest.is_empty() {
        let part;
        (part, rest) = match rest.strip_prefix('.') {
            Some(rest) => name(rest)?,
            None => bracketed(rest)?,
        };
        parts.push(part);
    }
    Some(parts)
}

/// A name at the start of a text, and what follows it.
fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|letter: char| !is_name_letter(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let is_name = name.starts_with(|letter: char| !letter.is_ascii_digit());
    is_name.then(|| (name.to_owned(), rest))
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// A text in brackets at the start of a text, and what follows them.
fn bracketed(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('[')?;
    let mut strings = serde_json::Deserializer::from_str(inner).into_iter::<String>();
    let part = strings.next()?.ok()?;
    let rest = inner.get(strings.byte_offset()..)?.strip_prefix(']')?;
    Some((part, rest))
}

/// A path in Rego syntax: `data.lib["net-1"].allow`.
pub(super) fn dotted_path(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        let is_name = name(part).is_some_and(|(_, rest)| rest.is_empty());
        match (is_name, text.is_empty()) {
            (true, true) => text.push_str(part),
            (true, false) => {
                text.push('.');
                text.push_str(part);
            }
            (false, _) => text.push_str(&format!("[{}]", serde_json::Value::from(part.as_str()))),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_constant_paths_are_queries() {
        let cases = [
            ("data.authz.allow", Some("data/authz/allow")),
            ("data.authz[\"allow-all\"]", Some("data/authz/allow-all")),
            ("data[\"a]\"].b[\"\\\"\"].c", Some("data/a]/b/\"/c")),
            ("data.authz[x]", None),
            ("data.authz[\"x\"", None),
            ("data.authz[\"x\"]y", None),
            ("data..x", None),
            ("data.1x", None),
            ("data.authz.allow == true", None),
            ("data.authz.allow\nother := 1", None),
            ("data.authz.allow if true", None),
            ("data.authz.allow # x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).map(|parts| parts.join("/")).as_deref(), expected, "{text}");
        }
    }
}
