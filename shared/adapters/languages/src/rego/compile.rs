//! Compilation of a policy's modules.

use writ_model::Diagnostic;
use writ_rego::builtin::Value;
use writ_rego::{Module, Policy, Version};

use super::diagnose;
use super::form::{self, File, PolicyForm};
use super::query::{self, Query};
use crate::Source;

/// The longest source of all modules, in bytes.
const SOURCE_BYTES_MAX: usize = 1 << 20;

/// The compiled modules of a policy.
pub(super) struct Compiled {
    pub(super) policy: Policy,
    pub(super) query: Query,
    /// The query in the form that the evaluator runs.
    pub(super) prepared: writ_rego::Query,
    /// The policy's own documents under `data`.
    pub(super) data: Value,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Compiles the modules of a policy.
///
/// # Errors
/// Every diagnostic of modules that do not compile.
pub(super) fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let form = form::parse(source).map_err(|problem| vec![problem])?;
    check_size(&form.files).map_err(|problem| vec![problem])?;
    let policy = writ_rego::compile(&modules(&form)).map_err(|found| {
        found.iter().map(|one| diagnose::compile_error(one, form.is_v0)).collect::<Vec<_>>()
    })?;
    query::check_packages(&policy, &form.files).map_err(|problem| vec![problem])?;
    let query = query::choose(form.query.as_deref(), &policy).map_err(|problem| vec![problem])?;
    let path: Vec<&str> = query.path().iter().map(String::as_str).collect();
    let prepared = policy.prepare(&path).map_err(|found| {
        found.iter().map(|one| diagnose::compile_error(one, form.is_v0)).collect::<Vec<_>>()
    })?;
    let warnings = warnings(&policy);
    Ok(Compiled { policy, query, prepared, data: form.data, warnings })
}

fn modules(form: &PolicyForm) -> Vec<Module> {
    let version = if form.is_v0 { Version::V0 } else { Version::V1 };
    let module = |file: &File| Module { name: file.name.clone(), text: file.code.clone(), version };
    form.files.iter().map(module).collect()
}

fn check_size(files: &[File]) -> Result<(), Diagnostic> {
    let bytes: usize = files.iter().map(|file| file.code.len()).sum();
    if bytes > SOURCE_BYTES_MAX {
        let message = format!("the source has {bytes} bytes, more than {SOURCE_BYTES_MAX}");
        return Err(Diagnostic::error("rego.too-large", message)
            .help("keep tables in the parameters or the settings"));
    }
    Ok(())
}

/// The warnings about modules that compile.
fn warnings(policy: &Policy) -> Vec<Diagnostic> {
    if !policy.rules().is_empty() {
        return Vec::new();
    }
    let warning = Diagnostic::warning("rego.no-rules", "the module has no rules");
    vec![warning.help("its document is always `{}`: write a rule")]
}
