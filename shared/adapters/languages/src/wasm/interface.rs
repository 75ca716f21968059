//! The exports that a module must have, and the imports that it may have.

use wasmi::{ExternType, FuncType, Module, ValType};
use writ_model::Diagnostic;

use ValType::{I32, I64};

/// The module that the platform's functions are imported from.
pub(super) const PLATFORM: &str = "writ";

/// A function's name, parameters and results.
type Signature = (&'static str, &'static [ValType], &'static [ValType]);

/// The functions that every policy exports, beside its `memory`.
const REQUIRED: &[Signature] = &[("writ_alloc", &[I32], &[I32]), ("eval", &[I32, I32], &[I64])];
/// The functions that a policy may export.
const OPTIONAL: &[Signature] = &[("management", &[I32, I32], &[I64]), ("_initialize", &[], &[])];
/// The functions that a policy may import.
const IMPORTS: &[Signature] = &[
    ("now_ms", &[], &[I64]),
    ("random", &[I32, I32], &[]),
    ("print", &[I32, I32], &[]),
    ("fail", &[I32, I32], &[]),
    ("context_get", &[I32, I32], &[I64]),
    ("context_set", &[I32, I32, I32, I32], &[]),
    ("context_delete", &[I32, I32], &[]),
];

/// The optional exports that a module has.
#[derive(Clone, Copy, Debug)]
pub(super) struct OptionalExports {
    pub(super) has_management: bool,
    pub(super) has_initialize: bool,
}

/// Checks the exports and imports of a module.
///
/// # Errors
/// A diagnostic for each wrong or missing export and each invalid import.
pub(super) fn check(module: &Module) -> Result<OptionalExports, Vec<Diagnostic>> {
    let mut problems = imports(module);
    problems.extend(memory(module));
    let is_exported = |name| module.get_export(name).is_some();
    let optional = OPTIONAL.iter().filter(|(name, ..)| is_exported(name));
    problems
        .extend(REQUIRED.iter().chain(optional).filter_map(|signature| export(module, signature)));
    match problems.is_empty() {
        true => Ok(OptionalExports {
            has_management: is_exported("management"),
            has_initialize: is_exported("_initialize"),
        }),
        false => Err(problems),
    }
}

fn memory(module: &Module) -> Option<Diagnostic> {
    match module.get_export("memory") {
        Some(ExternType::Memory(memory)) if !memory.is_64() => None,
        Some(ExternType::Memory(_)) => Some(
            Diagnostic::error("wasm.export", "the memory has 64-bit addresses")
                .help("build for wasm32"),
        ),
        other => {
            let message = match other {
                None => "the module exports no `memory`".to_owned(),
                Some(other) => format!("`memory` is exported as {}", describe(&other)),
            };
            Some(
                Diagnostic::error("wasm.export", message)
                    .help("export its linear memory: `(memory (export \"memory\") 1)`"),
            )
        }
    }
}

fn export(module: &Module, (name, parameters, results): &Signature) -> Option<Diagnostic> {
    let message = match module.get_export(name) {
        Some(ExternType::Func(found))
            if found.params() == *parameters && found.results() == *results =>
        {
            return None;
        }
        None => format!("the module exports no `{name}`"),
        Some(other) => format!("`{name}` is exported as {}", describe(&other)),
    };
    let signature = signature(parameters, results);
    let help = format!("export the function `{name}: {signature}`");
    Some(Diagnostic::error("wasm.export", message).help(help))
}

fn imports(module: &Module) -> Vec<Diagnostic> {
    module
        .imports()
        .filter_map(|import| {
            let (from, name, found) = (import.module(), import.name(), import.ty());
            let offered = IMPORTS.iter().find(|offered| from == PLATFORM && offered.0 == name);
            let Some((_, parameters, results)) = offered else {
                let message = format!("there is no `{from}.{name}` to import");
                return Some(
                    Diagnostic::error("wasm.import", message).help(import_help(from, name)),
                );
            };
            match found {
                ExternType::Func(found)
                    if found.params() == *parameters && found.results() == *results =>
                {
                    None
                }
                other => {
                    let message = format!("`{from}.{name}` is imported as {}", describe(other));
                    let help = format!("import it as `{}`", signature(parameters, results));
                    Some(Diagnostic::error("wasm.import", message).help(help))
                }
            }
        })
        .collect()
}

/// The help for an import that does not exist.
fn import_help(from: &str, name: &str) -> String {
    match (from, name) {
        (from, _) if from.starts_with("wasi") => {
            "a policy has no operating system: build for `wasm32-unknown-unknown` or `wasm32-freestanding`".to_owned()
        }
        ("env", "abort") => "compile AssemblyScript with `--use abort=`".to_owned(),
        ("env", "memory") => "the memory is the module's own: define and export it".to_owned(),
        (from, _) if from.contains("wbg") || from.contains("wbindgen") => {
            "build with `cargo build --target wasm32-unknown-unknown`, without wasm-bindgen".to_owned()
        }
        _ => {
            let names: Vec<_> = IMPORTS.iter().map(|(name, ..)| format!("`{name}`")).collect();
            format!("the module `{PLATFORM}` has {}; nothing else can be imported", names.join(", "))
        }
    }
}

fn describe(kind: &ExternType) -> String {
    match kind {
        ExternType::Func(function) => {
            format!("the function `{}`", function_signature(function))
        }
        ExternType::Global(_) => "a global".to_owned(),
        ExternType::Table(_) => "a table".to_owned(),
        ExternType::Memory(_) => "a memory".to_owned(),
    }
}

fn function_signature(function: &FuncType) -> String {
    signature(function.params(), function.results())
}

/// A signature as text: `(i32, i32) -> i64`.
fn signature(parameters: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| {
        types.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
    };
    match results {
        [] => format!("({})", list(parameters)),
        [one] => format!("({}) -> {}", list(parameters), list(&[*one])),
        many => format!("({}) -> ({})", list(parameters), list(many)),
    }
}
