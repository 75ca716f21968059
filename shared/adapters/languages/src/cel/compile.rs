//! Compilation of a policy's code to CEL expressions.

use std::sync::Arc;

use cel::parser::ParseErrors;
use cel::{DeclarationError, Env, IdedExpr, extensions};
use writ_model::Diagnostic;

use super::source::Part;
use super::{macros, network, number, order, resolve, source};
use crate::nesting::{self, Dialect};

/// The longest source, in bytes: the parser takes about a second for it in a debug build.
const SOURCE_BYTES_MAX: usize = 128 << 10;
/// The parser's own bound on nesting. It is larger than the bounds that are checked before parsing,
/// so that [`nesting::check`] reports the location.
const PARSER_DEPTH_MAX: u16 = 400;
/// The most errors of one expression that are reported; later ones follow from the first.
const ERRORS_MAX: usize = 3;

/// Compiled expressions with their environment.
pub(super) struct Compiled {
    pub(super) environment: Arc<Env>,
    pub(super) expressions: Vec<Expression>,
    /// Whether the output is an object of the values by name, or the only value itself.
    pub(super) is_object: bool,
    /// The variables that some expression reads.
    pub(super) reads: Vec<&'static str>,
}

/// One compiled expression of a policy.
pub(super) struct Expression {
    pub(super) name: Option<String>,
    pub(super) tree: IdedExpr,
    /// The line of the code; `None` if the expression spans several lines.
    pub(super) line: Option<u32>,
}

/// The standard library with its pure extensions: none has a clock or random numbers.
pub(super) fn environment() -> Result<Env, DeclarationError> {
    let mut environment = Env::stdlib();
    environment.add_extension(extensions::strings)?;
    environment.add_extension(extensions::lists)?;
    environment.add_extension(extensions::math)?;
    environment.add_extension(extensions::encoders)?;
    order::declare(&mut environment)?;
    number::declare(&mut environment)?;
    macros::declare(&mut environment)?;
    network::declare(&mut environment)?;
    Ok(environment)
}

/// Compiles the code of a policy.
///
/// # Errors
/// Every diagnostic of code that does not compile.
pub(super) fn compile(code: &str) -> Result<Compiled, Vec<Diagnostic>> {
    if code.len() > SOURCE_BYTES_MAX {
        let message = format!("the source has {} bytes, more than {SOURCE_BYTES_MAX}", code.len());
        return Err(vec![
            Diagnostic::error("cel.too-large", message)
                .help("keep tables in the parameters or the settings"),
        ]);
    }
    let environment = environment()
        .map_err(|error| vec![Diagnostic::error("cel.environment", error.to_string())])?;
    let parts = source::parts(code).map_err(|problem| vec![problem])?;
    let is_object = parts.iter().all(|part| part.name.is_some());
    let (mut expressions, mut problems, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match expression(part, code, &environment, &mut reads) {
            Ok(expression) => expressions.push(expression),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Compiled { environment: Arc::new(environment), expressions, is_object, reads })
}

fn expression(
    part: Part<'_>,
    code: &str,
    environment: &Env,
    reads: &mut Vec<&'static str>,
) -> Result<Expression, Vec<Diagnostic>> {
    nesting::check(&part.text, Dialect::Cel).map_err(|deep| {
        let (line, column) = part.location(code, deep.offset);
        vec![Diagnostic::error("cel.too-deep", deep.message).at(line, column)]
    })?;
    let parser =
        environment.parser().enable_ident_escape_syntax(true).max_recursion_depth(PARSER_DEPTH_MAX);
    let (mut tree, locations) = parser
        .parse_with_source_info(&part.text)
        .map_err(|errors| syntax_errors(&errors, &part, code))?;
    let unknown = resolve::names(&tree, environment, reads);
    if !unknown.is_empty() {
        let with_location = |(id, problem): (u64, Diagnostic)| match locations.offset_for(id) {
            None => problem,
            Some((start, _)) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let (line, column) = part.location(code, start);
                problem.at(line, column)
            }
        };
        return Err(unknown.into_iter().map(with_location).collect());
    }
    order::apply(&mut tree);
    let text = part.text.as_ref();
    let first = text.len() - text.trim_start().len();
    let (line, _) = part.location(code, first);
    let is_one_line = !text.trim().contains('\n');
    Ok(Expression { name: part.name, tree, line: is_one_line.then_some(line) })
}

fn syntax_errors(errors: &ParseErrors, part: &Part<'_>, code: &str) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = errors
        .errors
        .iter()
        // An error about the library's own tree, which follows from the syntax error before it.
        .filter(|error| !error.msg.starts_with("No `"))
        .take(ERRORS_MAX)
        .map(|error| {
            let message = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
            let mut message = message.replace('\'', "`");
            if let Some(first) = message.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            let (line, column) = part.location(code, offset_of(&part.text, error.pos));
            Diagnostic::error("cel.syntax", message).at(line, column)
        })
        .collect();
    if found.is_empty() {
        found.push(Diagnostic::error("cel.syntax", "this is no expression"));
    }
    if part.name.is_none() && code.trim_start().starts_with("{\"") {
        found = found
            .into_iter()
            .map(|problem| {
                problem.help(
                    "several expressions are a JSON object whose values are all strings, as `{\"allowed\": \"input.x > 1\"}`",
                )
            })
            .collect();
    }
    found
}

/// The byte offset of a one-based line and column.
fn offset_of(text: &str, (line, column): (isize, isize)) -> usize {
    let count = |number: isize| usize::try_from(number - 1).unwrap_or_default();
    let lines_before = text.split_inclusive('\n').take(count(line));
    let start: usize = lines_before.map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(count(column)).map_or(rest.len(), |(offset, _)| offset)
}
