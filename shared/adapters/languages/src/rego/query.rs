//! The query of a policy: the document of its modules that is the output.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Module, Ref};
use serde_json::Value;
use writ_model::Diagnostic;

use super::recursion::Definition;
use super::scope::{Scope, dotted_path};
use super::{diagnose, inspect};

/// The package of the rule that holds the output; no policy may use it.
pub(super) const ANSWER_PACKAGE: &str = "writ_answer";
/// The path of that rule.
pub(super) const ANSWER: &str = "data.writ_answer.result";
/// The roots of `data` that the platform fills.
pub(super) const RESERVED: [&str; 4] = ["context", "parameters", "settings", ANSWER_PACKAGE];

/// The answer's path, as `data.authz.allow`, checked against the modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// From the root of `data`.
    path: Vec<String>,
    /// Whether it is the document of a package, which always exists.
    pub(super) is_document: bool,
}

impl Query {
    /// A module with the output in one rule, so that both evaluators run the same query.
    pub(super) fn module(&self) -> String {
        let parts = self.path.get(1..).unwrap_or_default().iter();
        let parts: String = parts.map(|part| format!("[{}]", Value::from(part.as_str()))).collect();
        format!("package {ANSWER_PACKAGE}\nresult := data{parts}\n")
    }

    /// The path in Rego syntax, as `data.authz.allow`.
    pub(super) fn text(&self) -> String {
        dotted_path(&self.path)
    }
}

/// Refuses packages that hide the platform's documents under `data`, or rules of other packages.
pub(super) fn check_packages(
    modules: &[Ref<Module>],
    scopes: &[Scope],
    definitions: &[Definition],
) -> Result<(), Diagnostic> {
    for (module, scope) in modules.iter().zip(scopes) {
        let root = scope.package.get(1).map(String::as_str).unwrap_or_default();
        if RESERVED.contains(&root) {
            let message =
                format!("the package `{}` hides `data.{root}`", package_name(&scope.package));
            let problem = Diagnostic::error("rego.reserved-package", message);
            let span = module.package.refr.span();
            return Err(diagnose::at(problem.help("choose another package"), span));
        }
    }
    let packages: BTreeSet<&[String]> =
        scopes.iter().map(|scope| scope.package.as_slice()).collect();
    for definition in definitions {
        let hidden = packages.iter().find(|package| package.starts_with(&definition.head));
        if let Some(package) = hidden {
            let message = format!(
                "the rule `{}` and the package `{}` have one name",
                definition.name,
                package_name(package)
            );
            let problem = Diagnostic::error("rego.package-conflict", message);
            return Err(diagnose::at(problem.help("rename one of them"), &definition.span));
        }
    }
    Ok(())
}

fn package_name(package: &[String]) -> String {
    dotted_path(package.get(1..).unwrap_or_default())
}

/// The query of a policy; without one, the document of its own package.
pub(super) fn choose(
    text: Option<&str>,
    modules: &[Ref<Module>],
    scopes: &[Scope],
) -> Result<Query, Diagnostic> {
    let Some(own) = scopes.first() else { return Err(invalid("the policy has no module")) };
    let Some(text) = text else {
        return Ok(Query { path: own.package.clone(), is_document: true });
    };
    let path = parse(text).ok_or_else(|| invalid(format!("`{text}` is no path to a rule")))?;
    let path = match path.first().is_some_and(|first| first == "data") {
        true => path,
        false => own.own(&path),
    };
    if path.len() > 1 && scopes.iter().any(|scope| scope.package.starts_with(&path)) {
        return Ok(Query { path, is_document: true });
    }
    let mut rules = BTreeSet::new();
    let mut is_in_package = false;
    for (module, scope) in modules.iter().zip(scopes) {
        let Some(rest) = path.strip_prefix(scope.package.as_slice()) else { continue };
        is_in_package = true;
        let names = module.policy.iter().filter_map(|rule| inspect::head(rule).into_iter().next());
        rules.extend(names);
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
        scopes.iter().map(|scope| package_name(&scope.package)).collect();
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
