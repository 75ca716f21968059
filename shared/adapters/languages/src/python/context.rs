//! The native functions behind `context` in Python. Values are stored as JSON, so that each is a
//! snapshot whatever the policy does to its objects.

use std::rc::Rc;

use rustpython_vm::builtins::{PyDictRef, PyStrRef};
use rustpython_vm::{PyObjectRef, PyResult, VirtualMachine};
use writ_model::{CONTEXT_BYTES_MAX, RawJson};

use super::run_state::RunState;
use super::{input, output};
use crate::Failure;
use crate::context::ContextFullError;

/// Adds the native functions to the namespace of the module that defines the class.
pub(super) fn install(
    dict: &PyDictRef,
    run_state: &Rc<RunState>,
    vm: &VirtualMachine,
) -> PyResult<()> {
    let state = Rc::clone(run_state);
    let get =
        vm.new_function("get", move |key: PyStrRef, vm: &VirtualMachine| get(&state, &key, vm));
    let state = Rc::clone(run_state);
    let set = vm
        .new_function("set", move |key: PyStrRef, value: PyObjectRef, vm: &VirtualMachine| {
            set(&state, &key, &value, vm)
        });
    let state = Rc::clone(run_state);
    let delete = vm
        .new_function("delete", move |key: PyStrRef| state.context_delete(&key.to_string_lossy()));
    let state = Rc::clone(run_state);
    let flush = vm.new_function("flush", move || state.context_clear());
    dict.set_item("_context_get", get.into(), vm)?;
    dict.set_item("_context_set", set.into(), vm)?;
    dict.set_item("_context_delete", delete.into(), vm)?;
    dict.set_item("_context_flush", flush.into(), vm)
}

/// A list with the value in it, or an empty one.
fn get(run_state: &RunState, key: &PyStrRef, vm: &VirtualMachine) -> PyResult {
    let found = run_state.context_get(&key.to_string_lossy());
    let found = found.map(|value| input::to_python(&value.value(), vm)).transpose()?;
    Ok(vm.ctx.new_list(found.into_iter().collect()).into())
}

fn set(
    run_state: &RunState,
    key: &PyStrRef,
    value: &PyObjectRef,
    vm: &VirtualMachine,
) -> PyResult<()> {
    let full = || vm.new_value_error(ContextFullError.to_string());
    let text = output::to_json(value, CONTEXT_BYTES_MAX, vm).map_err(|failure| match failure {
        Failure::NotJson { what } => {
            vm.new_type_error(format!("the context cannot keep {what}: JSON has no such value"))
        }
        _ => full(),
    })?;
    let value = RawJson::parse(&text).map_err(|error| vm.new_value_error(error.to_string()))?;
    run_state.context_set(&key.to_string_lossy(), value).map_err(|ContextFullError| full())
}
