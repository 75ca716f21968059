//! Which document of a module is a policy's answer.

use regorus::unstable::{Expr, Module};
use serde_json::Value;
use writ_model::{Diagnostic, RawJson};

use super::{diagnose, inspect};

/// The package of the rule that holds the answer; no policy may use it.
pub(super) const ANSWER_PACKAGE: &str = "writ_answer";
/// The path of that rule.
pub(super) const ANSWER: &str = "data.writ_answer.result";
/// The roots of `data` that the platform fills.
const RESERVED: [&str; 4] = ["context", "parameters", "settings", ANSWER_PACKAGE];

/// The answer's path, as `data.authz.allow`, checked against the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// As the policy spells it.
    pub(super) text: String,
    /// Whether it is the whole package document, which always exists.
    pub(super) is_document: bool,
}

impl Query {
    /// A module that holds the answer in one rule, so that both evaluators are asked alike.
    pub(super) fn module(&self) -> String {
        format!("package {ANSWER_PACKAGE}\nresult := {}\n", self.text)
    }
}

/// Refuses a package that hides what the platform puts under `data`.
pub(super) fn check_package(module: &Module) -> Result<(), Diagnostic> {
    let package = inspect::path(&module.package.refr);
    match package.first().filter(|first| RESERVED.contains(&first.as_str())) {
        None => Ok(()),
        Some(first) => {
            let problem = Diagnostic::error(
                "rego.reserved-package",
                format!("the package `{}` hides `data.{first}`", package.join(".")),
            );
            Err(diagnose::at(problem.help("choose another package"), module.package.refr.span()))
        }
    }
}

/// The query that `functionality_data` asks for, or the package document.
pub(super) fn choose(
    functionality_data: Option<&RawJson>,
    module: &Module,
) -> Result<Query, Diagnostic> {
    let data = functionality_data.map(RawJson::value).unwrap_or_default();
    match data.get("query") {
        None | Some(Value::Null) => {
            let parts = inspect::path(&module.package.refr);
            let parts: String =
                parts.iter().map(|part| format!("[{}]", Value::from(part.as_str()))).collect();
            Ok(Query { text: format!("data{parts}"), is_document: true })
        }
        Some(Value::String(text)) => checked(text, module),
        Some(_) => Err(invalid("`functionality_data.query` is no string")),
    }
}

fn checked(text: &str, module: &Module) -> Result<Query, Diagnostic> {
    let parts = parse(text).ok_or_else(|| invalid(format!("`{text}` is no path to a rule")))?;
    let mut package = vec!["data".to_owned()];
    package.extend(inspect::path(&module.package.refr));
    let Some(rest) = parts.strip_prefix(package.as_slice()) else {
        return Err(invalid(format!(
            "`{text}` names nothing in the package `{}`",
            package.get(1..).unwrap_or_default().join(".")
        )));
    };
    let mut rules: Vec<String> =
        module.policy.iter().filter_map(|rule| inspect::head(rule).into_iter().next()).collect();
    rules.sort();
    rules.dedup();
    match rest.first() {
        Some(rule) if !rules.contains(rule) => Err(invalid(format!("`{text}` names no rule"))
            .help(format!("the rules are `{}`", rules.join("`, `")))),
        rule => Ok(Query { text: text.trim().to_owned(), is_document: rule.is_none() }),
    }
}

fn invalid(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("rego.query", message)
        .help("write a path as `data.authz.allow` in `functionality_data.query`")
}

/// The parts of a path, if the text is one, all of it constant.
fn parse(text: &str) -> Option<Vec<String>> {
    if text.chars().any(|letter| letter.is_control() || letter == '#') || text.len() > 1_000 {
        return None;
    }
    let mut engine = regorus::Engine::new();
    let module = format!("package query\nresult := {text}\n");
    engine.add_policy("query.rego".to_owned(), module).ok()?;
    let modules = engine.get_modules();
    let [rule] = modules.first()?.policy.as_slice() else { return None };
    let regorus::unstable::Rule::Spec { head, bodies, .. } = rule.as_ref() else { return None };
    let regorus::unstable::RuleHead::Compr { assign: Some(assign), .. } = head else { return None };
    if !bodies.is_empty() || !is_constant(&assign.value) {
        return None;
    }
    Some(inspect::path(&assign.value))
}

fn is_constant(reference: &Expr) -> bool {
    match reference {
        Expr::Var { .. } => true,
        Expr::RefDot { refr, .. } => is_constant(refr),
        Expr::RefBrack { refr, index, .. } => {
            matches!(index.as_ref(), Expr::String { .. }) && is_constant(refr)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_constant_paths_are_queries() {
        let cases = [
            ("data.authz.allow", Some("data/authz/allow")),
            ("data.authz[\"allow-all\"]", Some("data/authz/allow-all")),
            ("data.authz[x]", None),
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
