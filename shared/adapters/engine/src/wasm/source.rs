//! From a policy's code to a module's bytes: WAT text, or base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wasmi::errors::ErrorKind;
use wast::core::{FuncKind, ModuleField, ModuleKind};
use wast::parser::{self, ParseBuffer};
use wast::{Wat, token::Span};
use writ_model::Diagnostic;

/// The largest module, as text or as bytes: what a policy's body can hold in base64.
const MODULE_BYTES_MAX: usize = 1 << 20;
/// How base64 begins whose first bytes are `\0asm`.
const BASE64_START: &str = "AGFzbQ";
/// What to write, for a source that is neither.
const FORMS: &str = "write a module as text, `(module ...)`, or its bytes in base64, as `base64 -w0 policy.wasm` prints them";

/// A module's bytes, and where its functions stand in the text that it was written in.
pub(super) struct Read<'c> {
    pub(super) bytes: Vec<u8>,
    code: &'c str,
    /// Where in the code the functions with a body start, in their order; none for bytes. Lines are
    /// counted for the one that is wrong, since each costs a look at the whole text.
    functions: Vec<usize>,
    is_text: bool,
}

/// A finding at an offset in a module's bytes.
pub(super) struct Finding {
    pub(super) diagnostic: Diagnostic,
    pub(super) offset: Option<usize>,
}

/// Reads either form.
pub(super) fn read(code: &str) -> Result<Read<'_>, Vec<Diagnostic>> {
    let trimmed = code.trim_ascii();
    let read = match trimmed {
        "" => Err(Diagnostic::error("wasm.syntax", "the source is empty").help(FORMS)),
        _ if trimmed.starts_with(BASE64_START) => from_base64(code),
        _ => from_text(code),
    };
    read.map_err(|problem| vec![problem])
}

fn from_base64(code: &str) -> Result<Read<'_>, Diagnostic> {
    // Lines may be broken anywhere; what is left keeps the place that it had.
    let digits: Vec<(usize, u8)> =
        code.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()).collect();
    let text: Vec<u8> = digits.iter().map(|(_, byte)| *byte).collect();
    let bytes = STANDARD.decode(&text).map_err(|error| {
        use base64::DecodeError::{InvalidByte, InvalidLastSymbol};
        let finding = Diagnostic::error("wasm.base64", format!("the base64 is broken: {error}"))
            .help("use the standard alphabet with its padding, as `base64 -w0 policy.wasm` does");
        let place = match error {
            InvalidByte(position, _) | InvalidLastSymbol(position, _) => digits.get(position),
            _ => digits.last(),
        };
        match place {
            Some((position, _)) => at(finding, code, *position),
            None => finding,
        }
    })?;
    fits(bytes.len())?;
    Ok(Read { bytes, code, functions: Vec::new(), is_text: false })
}

fn from_text(code: &str) -> Result<Read<'_>, Diagnostic> {
    fits(code.len())?;
    let wrong = |error: wast::Error| {
        let finding = Diagnostic::error("wasm.syntax", tidy(&error.message()));
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
    fits(bytes.len())?;
    Ok(Read { bytes, code, functions, is_text: true })
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

fn fits(bytes: usize) -> Result<(), Diagnostic> {
    if bytes <= MODULE_BYTES_MAX {
        return Ok(());
    }
    let message = format!("the module has {bytes} bytes, more than {MODULE_BYTES_MAX}");
    Err(Diagnostic::error("wasm.too-large", message).help(
        "build for size, without debug information; keep tables in the parameters or the settings",
    ))
}

/// What the engine says about bytes that are no valid module.
pub(super) fn invalid(error: &wasmi::Error) -> Finding {
    match error.kind() {
        ErrorKind::Wasm(error) => from_parser(error),
        _ => Finding {
            diagnostic: Diagnostic::error("wasm.invalid", tidy(&error.to_string())),
            offset: None,
        },
    }
}

/// An error of the parser or the validator.
pub(super) fn from_parser(error: &wasmparser::BinaryReaderError) -> Finding {
    let message = tidy(error.message());
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

impl Read<'_> {
    /// The finding with its place: that of its function in the text, or the offset in the bytes.
    pub(super) fn locate(&self, finding: Finding) -> Vec<Diagnostic> {
        let Finding { mut diagnostic, offset } = finding;
        if let Some(offset) = offset {
            match self.function_at(offset) {
                Some((line, column)) => {
                    diagnostic.message.push_str(", in this function");
                    diagnostic = diagnostic.at(line, column);
                }
                // Offsets into bytes that nobody has seen say nothing.
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
        self.functions.get(body).map(|offset| place(self.code, *offset))
    }
}

fn at(finding: Diagnostic, code: &str, offset: usize) -> Diagnostic {
    let (line, column) = place(code, offset);
    finding.at(line, column)
}

/// The one-based line and column, in characters, of a byte.
fn place(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// One line, without a period.
fn tidy(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    message.trim_end_matches('.').to_owned()
}
