//! Compilation of Cedar text to a policy set.

use cedar_policy::ffi::DetailedError;
use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use serde_json::Value;
use writ_model::{Diagnostic, RawJson};

use super::{diagnose, links, policies, schema};
use crate::Source;
use crate::nesting::{self, Dialect};

/// The longest source, in bytes.
const SOURCE_BYTES_MAX: usize = 1 << 20;
/// The members of `functionality_data` that Cedar policies use.
const MEMBERS: [&str; 3] = ["forbid_errors", "links", "schema"];

/// Policies with the schema that they were validated against.
pub(super) struct Compiled {
    pub(super) policies: PolicySet,
    pub(super) schema: Option<Schema>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) forbid_errors: ForbidErrors,
}

/// What an error in a `forbid` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForbidErrors {
    /// The `forbid` counts as one that applies.
    Deny,
    /// The `forbid` is left out, which is Cedar's own rule.
    Ignore,
}

impl ForbidErrors {
    fn parse(data: &Value) -> Result<Self, Diagnostic> {
        match data.get("forbid_errors") {
            None | Some(Value::Null) => Ok(Self::Deny),
            Some(Value::String(text)) if text == "deny" => Ok(Self::Deny),
            Some(Value::String(text)) if text == "ignore" => Ok(Self::Ignore),
            Some(_) => {
                let message =
                    "`functionality_data.forbid_errors` is neither \"deny\" nor \"ignore\"";
                Err(Diagnostic::error("cedar.forbid-errors", message).help(
                    "with \"ignore\" a `forbid` that errs does not forbid, as in Cedar itself",
                ))
            }
        }
    }
}

/// Compiles a source to a policy set.
///
/// # Errors
/// Every diagnostic of a source that does not compile.
pub(super) fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let code = &source.code;
    check_bounds(code).map_err(|problem| vec![problem])?;
    let data = source.functionality_data.as_ref().map(RawJson::value).unwrap_or_default();
    let forbid_errors = ForbidErrors::parse(&data).map_err(|problem| vec![problem])?;
    let (mut policies, mut warnings) = policies::parse(code)?;
    warnings.extend(unknown_members(&data));
    let schema = match data.get("schema") {
        None | Some(Value::Null) => None,
        Some(text) => {
            let (schema, found) = schema::parse(text)?;
            warnings.extend(found);
            Some(schema)
        }
    };
    if let Some(links_data) = data.get("links").filter(|links| !links.is_null()) {
        links::add(&mut policies, links_data, "functionality_data.links")
            .map_err(|problem| vec![Diagnostic::error("cedar.links", problem)])?;
    }
    if let Some(schema) = &schema {
        warnings.extend(validate(&policies, schema, code)?);
    }
    if policies.is_empty() {
        let warning = Diagnostic::warning("cedar.no-policies", "the source holds no policy");
        warnings.push(warning.help("every request is denied: write `permit(...)`"));
    }
    Ok(Compiled { policies, schema, warnings, forbid_errors })
}

fn check_bounds(code: &str) -> Result<(), Diagnostic> {
    if code.len() > SOURCE_BYTES_MAX {
        let message = format!("the source has {} bytes, more than {SOURCE_BYTES_MAX}", code.len());
        return Err(Diagnostic::error("cedar.too-large", message)
            .help("keep tables in entities of the parameters or the settings"));
    }
    nesting::check(code, Dialect::Cedar).map_err(|deep| {
        let (line, column) = nesting::line_column(code, deep.offset);
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
            .help("it reads `schema`, `links` and `forbid_errors`")
        })
        .collect()
}

/// Validates policies against a schema. Returns the warnings.
///
/// # Errors
/// The validator's errors, in the order of their locations.
fn validate(
    policies: &PolicySet,
    schema: &Schema,
    code: &str,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    const KIND: &str = "cedar.validation";
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let by_location = |mut findings: Vec<Diagnostic>| {
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
        return Err(by_location(errors));
    }
    let warnings = result.validation_warnings().map(|warning| {
        let finding = diagnose::in_code(KIND, DetailedError::from(warning), code);
        Diagnostic { severity: writ_model::Severity::Warning, ..finding }
    });
    Ok(by_location(warnings.collect()))
}

/// The first validation error of policies that a call has linked, in one line.
pub(super) fn first_validation_error(policies: &PolicySet, schema: &Schema) -> Option<String> {
    let found = validate(policies, schema, "").err()?;
    found.into_iter().next().map(|problem| match problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message,
    })
}
