//! Corrections of the interpreter where it differs from CPython 3.11: slots and methods of builtin types
//! that are replaced when the interpreter starts, and the native functions of `bootstrap/corrections.py`,
//! which corrects the library. Decision 0032 says why they are here and which differences are mended how.

mod float;
mod format;

use rustpython_vm::builtins::{PyDictRef, PyStr, PyStrRef, PyTypeRef};
use rustpython_vm::function::FuncArgs;
use rustpython_vm::{AsObject, Py, PyObjectRef, PyResult, VirtualMachine, builtins::PyType};

/// Replaces slots and methods of builtin types.
pub(super) fn install(vm: &VirtualMachine) {
    float::install(vm);
    format::install(vm);
    share_exception_new(vm);
}

/// Adds the native functions that `bootstrap/corrections.py` uses.
pub(super) fn install_natives(dict: &PyDictRef, vm: &VirtualMachine) -> PyResult<()> {
    let replace = vm.new_function(
        "replace",
        |class: PyTypeRef, name: PyStrRef, value: PyObjectRef, vm: &VirtualMachine| {
            let name = vm.ctx.intern_str(name.to_string_lossy().into_owned());
            class.set_attr(name, value);
        },
    );
    let replace_text = vm.new_function(
        "replace_text",
        |name: PyStrRef, correction: PyObjectRef, vm: &VirtualMachine| {
            correct_text(&name.to_string_lossy(), correction, vm)
        },
    );
    let is_json = vm.new_function("is_plain_json", |text: PyStrRef| {
        text.to_str().is_some_and(|text| {
            !text.contains("\\u") && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        })
    });
    dict.set_item("_replace", replace.into(), vm)?;
    dict.set_item("_replace_text", replace_text.into(), vm)?;
    dict.set_item("_is_plain_json", is_json.into(), vm)
}

/// Replaces a method of `str`: where the text and the arguments are plain ASCII the original method answers,
/// else the correction does, a function with the text as its first argument.
fn correct_text(name: &str, correction: PyObjectRef, vm: &VirtualMachine) -> PyResult<()> {
    let class: &'static Py<PyType> = vm.ctx.types.str_type;
    let name = vm.ctx.intern_str(name.to_owned());
    let Some(original) = class.get_direct_attr(name) else {
        return Err(vm.new_attribute_error(format!("str has no {name}")));
    };
    let method = vm.new_method(name.as_str(), class, move |args: FuncArgs, vm: &VirtualMachine| {
        let plain = args.args.iter().all(is_plain);
        if plain { original.call(args, vm) } else { correction.call(args, vm) }
    });
    class.set_attr(name, method.into());
    Ok(())
}

/// Whether a value is no text, or text on which the original methods are right.
fn is_plain(value: &PyObjectRef) -> bool {
    let Some(text) = value.downcast_ref::<PyStr>() else { return true };
    text.as_wtf8().as_bytes().iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
}

/// Exceptions with several builtin bases: `__new__` of the classes that have no state of their own is that of
/// `BaseException`, so a class finds the same one along each of its bases.
fn share_exception_new(vm: &VirtualMachine) {
    let new = vm.ctx.intern_str("__new__");
    let base = vm.ctx.exceptions.base_exception_type;
    let own = base.slots.new.load().map(|function| function as usize);
    let mut pending = vec![base.to_owned()];
    while let Some(class) = pending.pop() {
        let below: Vec<_> =
            class.subclasses.read().iter().filter_map(|subclass| subclass.upgrade()).collect();
        pending.extend(below.into_iter().filter_map(|subclass| subclass.downcast().ok()));
        let same = class.slots.new.load().map(|function| function as usize) == own;
        if same || has_no_state(class.name().as_ref()) {
            class.slots.new.store(base.slots.new.load());
            if !class.is(base) {
                class.modified();
                class.attributes.write().shift_remove(new);
            }
        }
    }
}

/// Whether instances of a builtin exception hold their arguments only.
fn has_no_state(name: &str) -> bool {
    matches!(
        name,
        "Exception"
            | "LookupError"
            | "KeyError"
            | "IndexError"
            | "ValueError"
            | "TypeError"
            | "ArithmeticError"
            | "ZeroDivisionError"
            | "OverflowError"
            | "FloatingPointError"
            | "RuntimeError"
            | "NotImplementedError"
            | "RecursionError"
            | "AssertionError"
            | "EOFError"
            | "BufferError"
            | "MemoryError"
            | "ReferenceError"
            | "SystemError"
            | "Warning"
            | "UserWarning"
            | "DeprecationWarning"
            | "RuntimeWarning"
            | "FutureWarning"
            | "UnicodeError"
    )
}
