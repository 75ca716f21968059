//! Policies with the ids of their `@id` annotations.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Policy, PolicyId, PolicySet, Template};
use writ_model::{Diagnostic, Severity};

use super::{diagnose, outcome};
use crate::nesting;

/// Parses the policies and templates. Each gets the id of its `@id` annotation; without one it keeps
/// Cedar's, `policy0` and so on in the order of the text.
///
/// Returns them with warnings.
///
/// # Errors
/// Every syntax error, or every empty or duplicate id, or every statement that can only err.
pub(super) fn parse(code: &str) -> Result<(PolicySet, Vec<Diagnostic>), Vec<Diagnostic>> {
    let parsed = PolicySet::from_str(code).map_err(|errors| {
        errors
            .iter()
            .map(|error| diagnose::in_code("cedar.syntax", DetailedError::from(error), code))
            .collect::<Vec<_>>()
    })?;
    let mut statements: Vec<Statement> = parsed
        .policies()
        .map(|policy| Statement::of_policy(policy, code))
        .chain(parsed.templates().map(|template| Statement::of_template(template, code)))
        .collect();
    statements.sort_by_key(|statement| statement.location);
    let findings = statements.iter().filter_map(Statement::unavoidable_error).collect();
    let set = assign_ids(statements)?;
    let (errors, warnings): (Vec<_>, Vec<_>) = Vec::into_iter(findings)
        .partition(|finding: &Diagnostic| finding.severity == Severity::Error);
    if errors.is_empty() { Ok((set, warnings)) } else { Err(errors) }
}

enum Rule {
    Policy(Policy),
    Template(Template),
}

struct Statement {
    rule: Rule,
    id: String,
    /// Whether the id comes from an annotation.
    is_named: bool,
    /// The one-based line and column in the code.
    location: (u32, u32),
}

impl Statement {
    fn of_policy(policy: &Policy, code: &str) -> Self {
        let offset = policy.as_ref().loc().map_or(0, |loc| loc.start());
        let (id, is_named) = choose_id(policy.annotation("id"), policy.id());
        let location = nesting::line_column(code, offset);
        Self { rule: Rule::Policy(policy.clone()), id, is_named, location }
    }

    fn of_template(template: &Template, code: &str) -> Self {
        let offset = template.as_ref().loc().map_or(0, |loc| loc.start());
        let (id, is_named) = choose_id(template.annotation("id"), template.id());
        let location = nesting::line_column(code, offset);
        Self { rule: Rule::Template(template.clone()), id, is_named, location }
    }

    /// The error of a statement that is never true and errs, or the warning of one that errs in a part.
    fn unavoidable_error(&self) -> Option<Diagnostic> {
        let clauses = match &self.rule {
            Rule::Policy(policy) => policy.to_pst().ok()?.body().clauses().clone(),
            Rule::Template(template) => template.to_pst().ok()?.clauses().clone(),
        };
        let found = outcome::of_clauses(&clauses);
        let fault = found.fault?;
        let (line, column) = self.location;
        let id = &self.id;
        let finding = if found.can_hold {
            Diagnostic::warning(
                "cedar.always-errs",
                format!("a part of `{id}` can only err: {fault}"),
            )
        } else {
            Diagnostic::error("cedar.only-errs", format!("`{id}` can only err: {fault}"))
        };
        Some(finding.at(line, column).help("compare values of one type; a schema in `functionality_data.schema` finds more of these"))
    }

    fn problem(&self, message: String, help: &str) -> Diagnostic {
        let (line, column) = self.location;
        Diagnostic::error("cedar.id", message).at(line, column).help(help)
    }
}

fn choose_id(annotation: Option<&str>, generated: &PolicyId) -> (String, bool) {
    match annotation {
        Some(id) => (id.to_owned(), true),
        None => (AsRef::<str>::as_ref(generated).to_owned(), false),
    }
}

fn assign_ids(statements: Vec<Statement>) -> Result<PolicySet, Vec<Diagnostic>> {
    let (mut set, mut problems) = (PolicySet::new(), Vec::new());
    let mut seen: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for statement in statements {
        if statement.is_named && statement.id.is_empty() {
            let help = "write `@id(\"a name\")`, or leave the annotation out";
            problems.push(statement.problem("`@id` names nothing".to_owned(), help));
            continue;
        }
        if let Some((line, _)) = seen.get(&statement.id) {
            let message = format!("`{}` is the policy of line {line} already", statement.id);
            problems.push(statement.problem(message, "give each policy an `@id` of its own"));
            continue;
        }
        seen.insert(statement.id.clone(), statement.location);
        let id = PolicyId::new(&statement.id);
        let added = match &statement.rule {
            Rule::Policy(policy) => set.add(policy.new_id(id)),
            Rule::Template(template) => set.add_template(template.new_id(id)),
        };
        if let Err(error) = added {
            problems.push(statement.problem(error.to_string(), "choose another name"));
        }
    }
    if problems.is_empty() { Ok(set) } else { Err(problems) }
}
