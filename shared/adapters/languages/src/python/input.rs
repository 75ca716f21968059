//! Conversion of JSON to Python objects, as `json.loads` does it.

use rustpython_vm::{AsObject, PyObjectRef, PyResult, VirtualMachine};
use serde_json::{Number, Value};

/// Converts a value; the JSON parser has bounded its depth.
pub(super) fn to_python(value: &Value, vm: &VirtualMachine) -> PyResult {
    Ok(match value {
        Value::Null => vm.ctx.none(),
        Value::Bool(flag) => vm.ctx.new_bool(*flag).into(),
        Value::Number(number) => to_number(number, vm)?,
        Value::String(text) => vm.ctx.new_str(text.as_str()).into(),
        Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| to_python(item, vm))
                .collect::<PyResult<Vec<PyObjectRef>>>()?;
            vm.ctx.new_list(items).into()
        }
        Value::Object(members) => {
            let dict = vm.ctx.new_dict();
            for (key, member) in members {
                dict.set_item(key.as_str(), to_python(member, vm)?, vm)?;
            }
            dict.into()
        }
    })
}

/// Digits alone are an integer of any size; a point or an exponent makes a float.
fn to_number(number: &Number, vm: &VirtualMachine) -> PyResult {
    let text = number.as_str();
    if text.contains(['.', 'e', 'E']) {
        // INVARIANT: JSON's number syntax is within that of `f64`, which rounds to nearest.
        return Ok(vm.ctx.new_float(text.parse().unwrap_or(f64::NAN)).into());
    }
    match text.parse::<i64>() {
        Ok(small) => Ok(vm.ctx.new_int(small).into()),
        Err(_) => vm.ctx.types.int_type.as_object().to_owned().call((vm.ctx.new_str(text),), vm),
    }
}
