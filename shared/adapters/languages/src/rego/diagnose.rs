//! Diagnostics and failures of the library in the platform's terms.

use writ_model::Diagnostic;
use writ_rego::EvalError;

use crate::Failure;

/// The file name of the policy's own code among its modules.
pub(super) const FILE: &str = "policy.rego";

/// The help for modules in the syntax before OPA 1.0.
const OLD_SYNTAX: &str = "this is the syntax before OPA 1.0: write `allow if { ... }` and `deny contains x if { ... }`, or say `\"rego_version\": 0` in `functionality_data`";

/// The code of the platform for a code of OPA.
const CODES: [(&str, &str); 7] = [
    ("rego_parse_error", "rego.syntax"),
    ("rego_compile_error", "rego.syntax"),
    ("rego_unsafe_var_error", "rego.unsafe-variable"),
    ("rego_type_error", "rego.type"),
    ("rego_recursion_error", "rego.recursion"),
    ("rego_depth_error", "rego.too-deep"),
    ("rego_number_error", "rego.number"),
];

/// Converts a finding of the compiler.
pub(super) fn compile_error(found: &writ_rego::Diagnostic, is_v0: bool) -> Diagnostic {
    let code =
        CODES.iter().find(|(code, _)| *code == found.code).map_or("rego.syntax", |(_, own)| own);
    let code = match code {
        "rego.type" if found.message.starts_with("undefined function") => "rego.unknown-function",
        "rego.type" if found.message.contains("conflicts with rule") => "rego.package-conflict",
        "rego.type" if found.message.contains("arguments") => "rego.arguments",
        code => code,
    };
    let own = found.help.as_deref();
    let help = match code {
        "rego.syntax" if !is_v0 && found.message.contains("keyword is required") => {
            Some(OLD_SYNTAX)
        }
        "rego.too-deep" => {
            own.or(Some("give parts of the expression to rules or variables of their own"))
        }
        "rego.unknown-function" => {
            own.or(Some("define a rule of this name, or check its spelling"))
        }
        _ => own,
    };
    let finding = Diagnostic::error(code, found.message.clone());
    let finding = match help {
        Some(help) => finding.help(help),
        None => finding,
    };
    with_location(finding, &found.file, (found.line, found.column))
}

/// Adds a location to a diagnostic. A location in another file than the policy's own code is put into
/// the message.
pub(super) fn with_location(
    finding: Diagnostic,
    file: &str,
    (line, column): (u32, u32),
) -> Diagnostic {
    if file.is_empty() || line == 0 {
        return finding;
    }
    if file == FILE {
        return finding.at(line, column);
    }
    let message = format!("{file}:{line}:{column}: {}", finding.message);
    Diagnostic { message, ..finding }
}

/// Converts an error of the evaluator to a failure.
pub(super) fn policy_error(error: &EvalError) -> Failure {
    let kind = match error.code {
        "eval_conflict_error" => "rego.conflict",
        _ => "rego.evaluation",
    };
    let traceback = match error.file.is_empty() {
        true => String::new(),
        false => format!("{}:{}:{}: {}", error.file, error.line, error.column, error.message),
    };
    let (line, message) = match error.file.as_str() {
        FILE => (Some(error.line), error.message.clone()),
        "" => (None, error.message.clone()),
        // A line number alone would refer to the policy's own code.
        _ => (None, traceback.clone()),
    };
    Failure::Raised { kind: kind.to_owned(), message, line, traceback }
}
