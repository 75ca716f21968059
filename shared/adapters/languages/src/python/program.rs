//! A compiled policy and its runs.

use std::rc::Rc;
use std::time::Instant;

use rustpython_vm::builtins::{PyBaseExceptionRef, PyCode};
use rustpython_vm::scope::Scope;
use rustpython_vm::{PyObjectRef, PyRef, PyResult, VirtualMachine};
use writ_model::RawJson;

use super::check::PolicyClass;
use super::coverage::Lines;
use super::interpreter::Interpreter;
use super::{exception, input, output};
use crate::language::Program;
use crate::{Budget, Call, CheckReport, Failure, Method, Outcome};

/// A compiled policy, which may run many times.
pub(super) struct PythonProgram {
    interpreter: Rc<Interpreter>,
    bytecode: PyRef<PyCode>,
    source: String,
    policy_class: PolicyClass,
    lines: Lines,
}

/// Why a run has no result: an exception of Python, or a failure of the platform.
enum ExecuteError {
    Exception(PyBaseExceptionRef),
    Failed(Failure),
}

impl From<PyBaseExceptionRef> for ExecuteError {
    fn from(exc: PyBaseExceptionRef) -> Self {
        Self::Exception(exc)
    }
}

impl From<Failure> for ExecuteError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl PythonProgram {
    pub(super) fn new(
        interpreter: Rc<Interpreter>,
        bytecode: PyRef<PyCode>,
        source: &str,
        policy_class: PolicyClass,
        lines: Lines,
    ) -> Self {
        Self { interpreter, bytecode, source: source.to_owned(), policy_class, lines }
    }

    fn execute(
        &self,
        call: &Call,
        budget: &Budget,
        vm: &VirtualMachine,
    ) -> Result<String, ExecuteError> {
        self.interpreter.reseed.call((call.seed,), vm)?;
        let globals = vm.ctx.new_dict();
        globals.set_item("__name__", vm.ctx.new_str("policy").into(), vm)?;
        globals.set_item("__file__", vm.ctx.new_str(super::POLICY_FILE).into(), vm)?;
        globals.set_item("__doc__", vm.ctx.none(), vm)?;
        vm.run_code_obj(self.bytecode.clone(), Scope::with_builtins(None, globals.clone(), vm))?;
        let class = globals.get_item(self.policy_class.class.as_str(), vm)?;
        let settings = input::to_python(&call.settings.value(), vm)?;
        let parameters = input::to_python(&call.parameters.value(), vm)?;
        let rule_id = vm.ctx.new_str(call.rule_id.as_str());
        let policy = class.call((rule_id, settings, parameters.clone()), vm)?;
        let result = self.call_method(&policy, parameters, call, vm)?;
        Ok(output::to_json(&result, budget.output_bytes_max, vm)?)
    }

    fn call_method(
        &self,
        policy: &PyObjectRef,
        parameters: PyObjectRef,
        call: &Call,
        vm: &VirtualMachine,
    ) -> PyResult {
        match &call.method {
            Method::Eval { input_data } => {
                let input_data = input::to_python(&input_data.value(), vm)?;
                let context = self.interpreter.context_class.call((), vm)?;
                vm.call_method(policy, "eval", (parameters, input_data, context))
            }
            Method::Management { action, data } => {
                let Some(management) = vm.get_attribute_opt(policy.clone(), "management")? else {
                    let message = format!(
                        "`{}` has no method `management`; add `def management(self, action, data)` to answer commands",
                        self.policy_class.class
                    );
                    return Err(vm.new_attribute_error(message));
                };
                let data = input::to_python(&data.value(), vm)?;
                management.call((vm.ctx.new_str(action.as_str()), data), vm)
            }
        }
    }

    fn run_in(&self, call: &Call, budget: &Budget, vm: &VirtualMachine) -> Result<String, Failure> {
        let usual_limit = vm.recursion_limit.get();
        vm.recursion_limit.set(vm.current_recursion_depth() + budget.depth_max as usize);
        if call.coverage {
            vm.trace_func.replace(self.interpreter.tracer.clone());
            vm.use_tracing.set(true);
        }
        let result = self.execute(call, budget, vm);
        if call.coverage {
            vm.use_tracing.set(false);
            vm.trace_func.replace(vm.ctx.none());
        }
        let result = result.map_err(|error| match error {
            ExecuteError::Exception(exc) => exception::to_failure(&exc, &self.source, budget, vm),
            ExecuteError::Failed(failure) => failure,
        });
        vm.recursion_limit.set(usual_limit);
        result
    }
}

impl Program for PythonProgram {
    fn checked(&self) -> CheckReport {
        CheckReport::default()
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let run_state = Rc::clone(&self.interpreter.run_state);
        run_state.begin(call, budget);
        let json = self.interpreter.enter(|vm| self.run_in(call, budget, vm));
        let coverage = call.coverage.then(|| self.lines.coverage(&run_state.take_lines()));
        let context = run_state.take_change();
        // INVARIANT: the output of `output::to_json` is JSON.
        let output =
            RawJson::parse(&json?).map_err(|error| Failure::NotJson { what: error.to_string() })?;
        let printed = run_state.take_printed();
        let engine_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(Outcome { output, printed, context, coverage, engine_us })
    }

    fn take_printed(&mut self) -> String {
        self.interpreter.run_state.take_printed()
    }
}
