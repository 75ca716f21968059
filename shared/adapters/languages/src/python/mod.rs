//! Python policies, run by RustPython inside a worker process.
//!
//! One interpreter serves one process. It has no host: no files, sockets, processes, threads or
//! environment; time and randomness come from the [`Call`](crate::Call). A run executes the
//! policy's compiled module and makes an instance of its class, on the memory that the compilation
//! has left: whatever a run changes is gone after it (see `worker::memory`).
//!
//! The modules: [`source`] and [`check`] refuse code before and after parsing; [`interpreter`] starts
//! the interpreter; [`patterns`] compiles regular expressions ahead; [`program`] runs a policy;
//! [`finally`] and [`corrections`] replace what differs from CPython;
//! [`input`], [`output`] and [`exception`] convert values; [`run_state`] holds the clock, the random numbers, the capture and
//! the context of a run; [`coverage`] records the lines that ran.

mod check;
mod context;
mod corrections;
mod coverage;
mod exception;
mod finally;
mod input;
mod interpreter;
mod modules;
mod output;
mod patterns;
mod program;
mod run_state;
mod source;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use rustpython_vm::compiler::{self, CompileError, parser};
use writ_model::Diagnostic;

use self::interpreter::Interpreter;
use self::program::PythonProgram;
use self::source::LineIndex;
use crate::Source;
use crate::language::{Program, Runtime};

/// The file name of the policy's source in tracebacks.
const POLICY_FILE: &str = "policy";

/// The Python interpreter of this process.
pub(crate) struct Python {
    interpreter: Rc<Interpreter>,
}

/// Starts the interpreter and does its imports, which takes some 80 ms once per zygote.
///
/// # Errors
/// What the standard library raised while it was imported.
pub(crate) fn start() -> Result<Python, String> {
    Interpreter::start().map(|interpreter| Python { interpreter: Rc::new(interpreter) })
}

impl Runtime for Python {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let code = source.code.as_str();
        if let Some(diagnostic) = source::too_deep(code) {
            return Err(vec![diagnostic]);
        }
        let mut module = match parser::parse_module(code) {
            Ok(module) => module.into_syntax(),
            Err(error) => {
                return Err(vec![self.syntax_error(code).unwrap_or_else(|| {
                    let at = error.location.start().to_usize();
                    let (line, column) = LineIndex::new(code).line_column(at);
                    Diagnostic::error("python.syntax", error.error.to_string()).at(line, column)
                })]);
            }
        };
        let original = module.body.clone();
        let rewritten = finally::rewrite(&mut module.body).map_err(|finally::Unsupported(at)| {
            let (line, column) = LineIndex::new(code).line_column(at);
            let text = "a `return`, `break` or `continue` out of a `finally`, or a function, a class or `:=` inside a \
                        comprehension in it";
            let help = "return, break or continue after the `try`; define functions and classes above it, and assign without `:=`";
            vec![Diagnostic::error("python.finally-scope", text.to_owned()).at(line, column).help(help)]
        })?;
        let bytecode = self.interpreter.enter(|vm| {
            let compiled = if rewritten {
                finally::compile(module, code, POLICY_FILE, vm)
            } else {
                vm.compile(code, compiler::Mode::Exec, POLICY_FILE.to_owned())
            };
            compiled.map_err(|error| vec![syntax_diagnostic(&error, code, vm)])
        })?;
        let module = original;
        let line_index = LineIndex::new(code);
        let policy_class = self.interpreter.enter(|vm| check::check(&module, &line_index, vm))?;
        let lines = coverage::Lines::of(&module, &line_index);
        self.interpreter.enter(|vm| patterns::warm(&module, vm));
        Ok(Box::new(PythonProgram::new(
            Rc::clone(&self.interpreter),
            bytecode,
            code,
            policy_class,
            lines,
        )))
    }
}

impl Python {
    /// The diagnostic of code that does not parse, with CPython's message.
    fn syntax_error(&self, code: &str) -> Option<Diagnostic> {
        self.interpreter.enter(|vm| {
            let error = vm.compile(code, compiler::Mode::Exec, POLICY_FILE.to_owned()).err()?;
            Some(syntax_diagnostic(&error, code, vm))
        })
    }
}

/// A syntax error with CPython's message.
fn syntax_diagnostic(
    error: &CompileError,
    code: &str,
    vm: &rustpython_vm::VirtualMachine,
) -> Diagnostic {
    use rustpython_vm::AsObject;

    let exc = vm.new_syntax_error(error, Some(code));
    let kind = exc.class().name().to_owned();
    let message_object = exc.as_object().get_attr("msg", vm).and_then(|text| text.str(vm));
    let mut message = message_object
        .map_or_else(|_| error.to_string(), |text| text.to_string_lossy().into_owned());
    if kind != "SyntaxError" {
        message = format!("{kind}: {message}");
    }
    let (line, column) = error.python_location();
    let one_based = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Diagnostic::error("python.syntax", message).at(one_based(line), one_based(column))
}
