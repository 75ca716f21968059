//! From text to policies that may run.

use cedar_policy::ffi::DetailedError;
use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use serde_json::Value;
use writ_model::{Diagnostic, RawJson};

use super::{diagnose, links, policies, schema};
use crate::Source;
use crate::nesting::{self, Dialect};

/// The longest source, in bytes.
const SOURCE_BYTES_MAX: usize = 1 << 20;
/// The members of `functionality_data` that mean something here.
const MEMBERS: [&str; 2] = ["links", "schema"];

/// Policies with what they were checked against.
pub(super) struct Compiled {
    pub(super) policies: PolicySet,
    pub(super) schema: Option<Schema>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Compiles, or says everything that is wrong.
pub(super) fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let code = &source.code;
    within_bounds(code).map_err(|problem| vec![problem])?;
    let data = source.functionality_data.as_ref().map(RawJson::value).unwrap_or_default();
    let mut policies = policies::parse(code)?;
    let mut warnings = unknown_members(&data);
    let schema = match data.get("schema") {
        None | Some(Value::Null) => None,
        Some(text) => {
            let (schema, found) = schema::read(text)?;
            warnings.extend(found);
            Some(schema)
        }
    };
    if let Some(asked) = data.get("links").filter(|links| !links.is_null()) {
        links::add(&mut policies, asked, "functionality_data.links")
            .map_err(|problem| vec![Diagnostic::error("cedar.links", problem)])?;
    }
    if let Some(schema) = &schema {
        warnings.extend(validated(&policies, schema, code)?);
    }
    if policies.is_empty() {
        let warning = Diagnostic::warning("cedar.no-policies", "the source holds no policy");
        warnings.push(warning.help("every request is denied: write `permit(...)`"));
    }
    Ok(Compiled { policies, schema, warnings })
}

fn within_bounds(code: &str) -> Result<(), Diagnostic> {
    if code.len() > SOURCE_BYTES_MAX {
        let message = format!("the source has {} bytes, more than {SOURCE_BYTES_MAX}", code.len());
        return Err(Diagnostic::error("cedar.too-large", message)
            .help("keep tables in entities of the parameters or the settings"));
    }
    nesting::check(code, Dialect::Cedar).map_err(|deep| {
        let (line, column) = nesting::place(code, deep.offset);
        Diagnostic::error("cedar.too-deep", deep.message).at(line, column)
    })
}

fn unknown_members(data: &Value) -> Vec<Diagnostic> {
    let names = data.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown = names.filter(|name| !MEMBERS.contains(name));
    unknown
        .map(|name| {
            Diagnostic::warning(
                "cedar.unknown-member",
                format!("`functionality_data.{name}` means nothing to cedar"),
            )
            .help("it reads `schema` and `links`")
        })
        .collect()
}

/// The validator's warnings, or its errors.
fn validated(
    policies: &PolicySet,
    schema: &Schema,
    code: &str,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    const KIND: &str = "cedar.validation";
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let by_place = |mut findings: Vec<Diagnostic>| {
        findings.sort_by(|one, other| {
            let key = |finding: &Diagnostic| (finding.line, finding.column);
            key(one).cmp(&key(other)).then_with(|| one.message.cmp(&other.message))
        });
        findings
    };
    let errors: Vec<Diagnostic> = result
        .validation_errors()
        .map(|error| diagnose::in_code(KIND, DetailedError::from(error), code))
        .collect();
    if !errors.is_empty() {
        return Err(by_place(errors));
    }
    let warnings = result.validation_warnings().map(|warning| {
        let finding = diagnose::in_code(KIND, DetailedError::from(warning), code);
        Diagnostic { severity: writ_model::Severity::Warning, ..finding }
    });
    Ok(by_place(warnings.collect()))
}

/// What is wrong with policies that a call has linked, in one line.
pub(super) fn invalid(policies: &PolicySet, schema: &Schema) -> Option<String> {
    let found = validated(policies, schema, "").err()?;
    found.into_iter().next().map(|problem| match problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message,
    })
}
