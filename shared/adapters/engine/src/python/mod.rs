//! Python policies, run by RustPython inside a worker process.
//!
//! One interpreter serves one process. It has no host: no files, sockets, processes, threads or
//! environment; time and randomness come from the [`Call`](crate::Call). A run executes the
//! policy's compiled module in a namespace of its own and makes a new instance of its class, so
//! that neither globals nor `self` outlive it. What could outlive it is a change to a module or a
//! class that all runs share; [`isolation`] proves that a policy makes none, or else the process
//! serves one run only.
//!
//! The rooms: [`source`] and [`check`] refuse what cannot run, before and after parsing;
//! [`isolation`] is the proof; [`interpreter`] starts the thing; [`program`] runs it; [`input`],
//! [`output`] and [`exception`] translate; [`run_state`] is what a run sees of the world; [`coverage`]
//! tells which lines ran.

mod annotations;
mod check;
mod context;
mod coverage;
mod exception;
mod input;
mod interpreter;
mod isolation;
mod modules;
mod output;
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
use self::source::Places;
use crate::Source;
use crate::language::{Program, Runtime};

/// The name that tracebacks give to the policy's source.
const POLICY_FILE: &str = "policy";

/// The Python interpreter of this process.
pub(crate) struct Python {
    interpreter: Rc<Interpreter>,
}

/// Starts the interpreter and does its imports; some 80 ms, for a zygote to do once.
///
/// # Errors
/// What the standard library raised while it was imported.
pub(crate) fn start() -> Result<Python, String> {
    Interpreter::start().map(|interpreter| Python { interpreter: Rc::new(interpreter) })
}

impl Runtime for Python {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let code = source.code.as_str();
        if let Some(refusal) = source::too_deep(code) {
            return Err(vec![refusal]);
        }
        let bytecode = self.interpreter.enter(|vm| {
            vm.compile(code, compiler::Mode::Exec, POLICY_FILE.to_owned())
                .map_err(|error| vec![syntax_diagnostic(&error, code, vm)])
        })?;
        // INVARIANT: what compiled also parses.
        let module =
            parser::parse_module(code).map(parser::Parsed::into_syntax).map_err(|error| {
                let (line, column) = Places::new(code).of(error.location.start().to_usize());
                vec![Diagnostic::error("python.syntax", error.error.to_string()).at(line, column)]
            })?;
        let places = Places::new(code);
        let form = self.interpreter.enter(|vm| check::check(&module.body, &places, vm))?;
        let lines = coverage::Lines::of(&module.body, &places);
        let verdict = isolation::verdict(&module.body, &places);
        let bytecode = if verdict.warning.is_none() {
            self.interpreter.enter(|vm| {
                annotations::compile_without(module, code, vm.compile_opts())
                    .map(|stripped| vm.ctx.new_code(stripped))
                    .unwrap_or(bytecode)
            })
        } else {
            bytecode
        };
        Ok(Box::new(PythonProgram::new(
            Rc::clone(&self.interpreter),
            bytecode,
            code,
            form,
            lines,
            verdict,
        )))
    }
}

/// A syntax error in CPython's words.
fn syntax_diagnostic(
    error: &CompileError,
    code: &str,
    vm: &rustpython_vm::VirtualMachine,
) -> Diagnostic {
    use rustpython_vm::AsObject;

    let exc = vm.new_syntax_error(error, Some(code));
    let kind = exc.class().name().to_owned();
    let told = exc.as_object().get_attr("msg", vm).and_then(|text| text.str(vm));
    let mut message =
        told.map_or_else(|_| error.to_string(), |text| text.to_string_lossy().into_owned());
    if kind != "SyntaxError" {
        message = format!("{kind}: {message}");
    }
    let (line, column) = error.python_location();
    let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Diagnostic::error("python.syntax", message).at(place(line), place(column))
}
