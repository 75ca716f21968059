//! Conversion of a policy's code, WAT text or base64, to a module's bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wasmi::errors::ErrorKind;
use wast::core::{FuncKind, ModuleField, ModuleKind};
use wast::parser::{self, ParseBuffer};
use wast::{Wat, token::Span};
use writ_model::Diagnostic;

/// The largest module in bytes, as text or binary; its base64 fits into a policy's body.
const MODULE_BYTES_MAX: usize = 1 << 20;
/// The start of the base64 of `\0asm`, the magic number of a module.
const BASE64_START: &str = "AGFzbQ";
/// The help for a source that is neither text nor base64.
const FORMS: &str = "write a module as text, `(module ...)`, or its bytes in base64, as `base64 -w0 policy.wasm` prints them";

/// A module's bytes, and the locations of its functions in the text.
pub(super) struct ParsedSource<'c> {
    pub(super) bytes: Vec<u8>,
    code: &'c str,
    /// The offsets in the code of functions with a body, in their order; empty for base64. A line is
    /// computed for an invalid function only, since it takes a scan of the whole text.
    functions: Vec<usize>,
    is_text: bool,
}

/// A diagnostic with an offset in a module's bytes.
pub(super) struct Finding {
    pub(super) diagnostic: Diagnostic,
    pub(super) offset: Option<usize>,
}

/// Parses a source in either form.
pub(super) fn parse(code: &str) -> Result<ParsedSource<'_>, Vec<Diagnostic>> {
    let trimmed = code.trim_ascii();
    let parsed = match trimmed {
        "" => Err(Diagnostic::error("wasm.syntax", "the source is empty").help(FORMS)),
        _ if trimmed.starts_with(BASE64_START) => from_base64(code),
        _ => from_text(code),
    };
    parsed.map_err(|problem| vec![problem])
}

fn from_base64(code: &str) -> Result<ParsedSource<'_>, Diagnostic> {
    // Line breaks may be anywhere; each digit keeps its offset in the code.
    let digits: Vec<(usize, u8)> =
        code.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()).collect();
    let text: Vec<u8> = digits.iter().map(|(_, byte)| *byte).collect();
    let bytes = STANDARD.decode(&text).map_err(|error| {
        use base64::DecodeError::{InvalidByte, InvalidLastSymbol};
        let finding = Diagnostic::error("wasm.base64", format!("the base64 is broken: {error}"))
            .help("use the standard alphabet with its padding, as `base64 -w0 policy.wasm` does");
        let digit = match error {
            InvalidByte(position, _) | InvalidLastSymbol(position, _) => digits.get(position),
            _ => digits.last(),
        };
        match digit {
            Some((position, _)) => at(finding, code, *position),
            None => finding,
        }
    })?;
    check_size(bytes.len())?;
    Ok(ParsedSource { bytes, code, functions: Vec::new(), is_text: false })
}

fn from_text(code: &str) -> Result<ParsedSource<'_>, Diagnostic> {
    check_size(code.len())?;
    let wrong = |error: wast::Error| {
        let finding = Diagnostic::error("wasm.syntax", single_line(&error.message()));
        let finding = match code.trim_ascii_start().starts_with(['(', ';']) {
            true => finding,
            false => finding.help(FORMS),
        };
        at(finding, code, error.span().offset())
    };
    let buffer = ParseBuffer::new(code).map_err(wrong)?;
    let mut module = parser::parse::<Wat<'_>>(&buffer).map_err(wrong)?;
    let functions = bodies(&module).iter().map(Span::offset).collect();
    let bytes = module.encode().map_err(wrong)?;
    check_size(bytes.len())?;
    Ok(ParsedSource { bytes, code, functions, is_text: true })
}

fn bodies(module: &Wat<'_>) -> Vec<Span> {
    let Wat::Module(module) = module else { return Vec::new() };
    let ModuleKind::Text(fields) = &module.kind else { return Vec::new() };
    let with_body = |field: &ModuleField<'_>| match field {
        ModuleField::Func(function) if matches!(function.kind, FuncKind::Inline { .. }) => {
            Some(function.span)
        }
        _ => None,
    };
    fields.iter().filter_map(with_body).collect()
}

fn check_size(bytes: usize) -> Result<(), Diagnostic> {
    if bytes <= MODULE_BYTES_MAX {
        return Ok(());
    }
    let message = format!("the module has {bytes} bytes, more than {MODULE_BYTES_MAX}");
    Err(Diagnostic::error("wasm.too-large", message).help(
        "build for size, without debug information; keep tables in the parameters or the settings",
    ))
}

/// The finding for bytes that wasmi refuses as a module.
pub(super) fn invalid(error: &wasmi::Error) -> Finding {
    match error.kind() {
        ErrorKind::Wasm(error) => from_parser(error),
        _ => Finding {
            diagnostic: Diagnostic::error("wasm.invalid", single_line(&error.to_string())),
            offset: None,
        },
    }
}

/// The finding for an error of the parser or the validator.
pub(super) fn from_parser(error: &wasmparser::BinaryReaderError) -> Finding {
    let message = single_line(error.message());
    let diagnostic = Diagnostic::error("wasm.invalid", &message);
    let diagnostic = match () {
        () if message.contains("component") => {
            diagnostic.help("this is a component: build a core module")
        }
        () if message.contains("simd") => {
            diagnostic.help("build without `simd128`: floats in lanes are not on offer")
        }
        () if message.contains("threads") => {
            diagnostic.help("build without `atomics`: a policy has one thread")
        }
        () => diagnostic,
    };
    Finding { diagnostic, offset: Some(error.offset()) }
}

impl ParsedSource<'_> {
    /// Adds the location to a finding: that of its function in the text, or the offset in the bytes.
    pub(super) fn locate(&self, finding: Finding) -> Vec<Diagnostic> {
        let Finding { mut diagnostic, offset } = finding;
        if let Some(offset) = offset {
            match self.function_at(offset) {
                Some((line, column)) => {
                    diagnostic.message.push_str(", in this function");
                    diagnostic = diagnostic.at(line, column);
                }
                // An offset in the bytes means nothing to the author of a text.
                None if self.is_text => {}
                None => diagnostic.message.push_str(&format!(" at offset {offset:#x}")),
            }
        }
        vec![diagnostic]
    }

    fn function_at(&self, offset: usize) -> Option<(u32, u32)> {
        let body = wasmparser::Parser::new(0)
            .parse_all(&self.bytes)
            .map_while(Result::ok)
            .filter_map(|payload| match payload {
                wasmparser::Payload::CodeSectionEntry(body) => Some(body.range()),
                _ => None,
            })
            .position(|range| range.start <= offset && offset <= range.end)?;
        self.functions.get(body).map(|offset| line_column(self.code, *offset))
    }
}

fn at(finding: Diagnostic, code: &str, offset: usize) -> Diagnostic {
    let (line, column) = line_column(code, offset);
    finding.at(line, column)
}

/// The one-based line and column, in characters, of a byte offset.
fn line_column(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// A message on one line, without a period.
fn single_line(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    message.trim_end_matches('.').to_owned()
}
