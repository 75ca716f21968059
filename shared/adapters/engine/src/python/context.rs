//! What stands behind `context` in Python: JSON on the platform's side, so that a value is a
//! snapshot whatever the policy does to its objects.

use std::rc::Rc;

use rustpython_vm::builtins::{PyDictRef, PyStrRef};
use rustpython_vm::{PyObjectRef, PyResult, VirtualMachine};
use writ_model::{CONTEXT_BYTES_MAX, RawJson};

use super::run_state::RunState;
use super::{input, output};
use crate::Failure;
use crate::context::ContextFullError;

/// Gives the module that defines the class its native functions.
pub(super) fn install(
    dict: &PyDictRef,
    run_state: &Rc<RunState>,
    vm: &VirtualMachine,
) -> PyResult<()> {
    let of = Rc::clone(run_state);
    let get = vm.new_function("get", move |key: PyStrRef, vm: &VirtualMachine| get(&of, &key, vm));
    let of = Rc::clone(run_state);
    let set = vm
        .new_function("set", move |key: PyStrRef, value: PyObjectRef, vm: &VirtualMachine| {
            set(&of, &key, &value, vm)
        });
    let of = Rc::clone(run_state);
    let delete =
        vm.new_function("delete", move |key: PyStrRef| of.drop_kept(&key.to_string_lossy()));
    let of = Rc::clone(run_state);
    let flush = vm.new_function("flush", move || of.drop_all_kept());
    dict.set_item("_context_get", get.into(), vm)?;
    dict.set_item("_context_set", set.into(), vm)?;
    dict.set_item("_context_delete", delete.into(), vm)?;
    dict.set_item("_context_flush", flush.into(), vm)
}

/// A list with the value in it, or an empty one.
fn get(run_state: &RunState, key: &PyStrRef, vm: &VirtualMachine) -> PyResult {
    let found = run_state.kept(&key.to_string_lossy());
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
    run_state.keep(&key.to_string_lossy(), value).map_err(|ContextFullError| full())
}
