//! Bounds that are checked before compilation: a few bytes of a module can stand for much memory.

use wasmparser::{CompositeInnerType, FunctionBody, Parser, Payload, TypeSectionReader};
use writ_model::Diagnostic;

use super::source::{Finding, from_parser};

/// Far above what a compiled policy needs, far below what exhausts a worker.
const FUNCTIONS_MAX: u32 = 10_000;
const TYPES_MAX: u32 = 10_000;
const GLOBALS_MAX: u32 = 1_000;
const TABLES_MAX: u32 = 10;
const EXPORTS_MAX: u32 = 1_000;
const IMPORTS_MAX: u32 = 100;
const SEGMENTS_MAX: u32 = 10_000;
/// A call copies all of them, and a call is two bytes of code.
const PARAMETERS_MAX: usize = 100;
const RESULTS_MAX: usize = 16;
/// The most locals of a function; five bytes can declare 2^32 of them.
const LOCALS_MAX: u32 = 10_000;
const LOCALS_TOTAL_MAX: u64 = 1_000_000;

/// Checks the counts of a module's parts.
///
/// # Errors
/// The first count that is too large, or the parser's error.
pub(super) fn check(bytes: &[u8]) -> Result<(), Finding> {
    let mut locals_total = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| from_parser(&error))?;
        match payload {
            Payload::TypeSection(types) => {
                count("types", types.count(), TYPES_MAX, types.range().start)?;
                signatures(types)?;
            }
            Payload::ImportSection(section) => {
                count("imports", section.count(), IMPORTS_MAX, section.range().start)?;
            }
            Payload::FunctionSection(section) => {
                count("functions", section.count(), FUNCTIONS_MAX, section.range().start)?;
            }
            Payload::TableSection(section) => {
                count("tables", section.count(), TABLES_MAX, section.range().start)?;
            }
            Payload::GlobalSection(section) => {
                count("globals", section.count(), GLOBALS_MAX, section.range().start)?;
            }
            Payload::ExportSection(section) => {
                count("exports", section.count(), EXPORTS_MAX, section.range().start)?;
            }
            Payload::ElementSection(section) => {
                count("element segments", section.count(), SEGMENTS_MAX, section.range().start)?;
            }
            Payload::DataSection(section) => {
                count("data segments", section.count(), SEGMENTS_MAX, section.range().start)?;
            }
            Payload::CodeSectionEntry(body) => {
                locals_total += locals(&body)?;
                if locals_total > LOCALS_TOTAL_MAX {
                    let message = format!("the module has more than {LOCALS_TOTAL_MAX} locals");
                    return Err(excess(message, body.range().start));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn count(what: &str, found: u32, most: u32, offset: usize) -> Result<(), Finding> {
    if found > most {
        return Err(excess(format!("the module has {found} {what}, more than {most}"), offset));
    }
    Ok(())
}

fn signatures(types: TypeSectionReader<'_>) -> Result<(), Finding> {
    for group in types.into_iter_with_offsets() {
        let (offset, group) = group.map_err(|error| from_parser(&error))?;
        for kind in group.into_types() {
            let CompositeInnerType::Func(function) = &kind.composite_type.inner else { continue };
            let (parameters, results) = (function.params().len(), function.results().len());
            if parameters > PARAMETERS_MAX || results > RESULTS_MAX {
                let message = format!(
                    "a function type has {parameters} parameters and {results} results; \
                     {PARAMETERS_MAX} and {RESULTS_MAX} are the most"
                );
                return Err(excess(message, offset));
            }
        }
    }
    Ok(())
}

fn locals(body: &FunctionBody<'_>) -> Result<u64, Finding> {
    let mut total = 0_u64;
    let reader = body.get_locals_reader().map_err(|error| from_parser(&error))?;
    for group in reader {
        let (locals, _) = group.map_err(|error| from_parser(&error))?;
        total += u64::from(locals);
    }
    if total > u64::from(LOCALS_MAX) {
        let message = format!("a function has {total} locals, more than {LOCALS_MAX}");
        return Err(excess(message, body.range().start));
    }
    Ok(total)
}

fn excess(message: String, offset: usize) -> Finding {
    let diagnostic = Diagnostic::error("wasm.too-large", message)
        .help("keep tables in data segments, the parameters or the settings");
    Finding { diagnostic, offset: Some(offset) }
}
