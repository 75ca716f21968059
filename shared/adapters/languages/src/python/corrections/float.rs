//! Arithmetic of floats as CPython's `floatobject.c` does it: remainders, floored quotients, powers, rounding.

use rustpython_vm::builtins::{PyFloat, PyInt};
use rustpython_vm::function::{FuncArgs, OptionalArg};
use rustpython_vm::protocol::PyNumberBinaryFunc;
use rustpython_vm::{AsObject, PyObject, PyObjectRef, PyResult, VirtualMachine};

pub(super) fn install(vm: &VirtualMachine) {
    let float = vm.ctx.types.float_type;
    let number = &float.slots.as_number;
    for (name, right_name, function) in [
        ("__mod__", "__rmod__", remainder as PyNumberBinaryFunc),
        ("__floordiv__", "__rfloordiv__", floor_divide),
        ("__divmod__", "__rdivmod__", divide_with_remainder),
    ] {
        let (slot, right_slot) = match name {
            "__mod__" => (&number.remainder, &number.right_remainder),
            "__floordiv__" => (&number.floor_divide, &number.right_floor_divide),
            _ => (&number.divmod, &number.right_divmod),
        };
        slot.store(Some(function));
        right_slot.store(Some(function));
        let left = vm.new_method(
            name,
            float,
            move |a: PyObjectRef, b: PyObjectRef, vm: &VirtualMachine| function(&a, &b, vm),
        );
        let right = vm.new_method(
            right_name,
            float,
            move |a: PyObjectRef, b: PyObjectRef, vm: &VirtualMachine| function(&b, &a, vm),
        );
        float.set_attr(vm.ctx.intern_str(name), left.into());
        float.set_attr(vm.ctx.intern_str(right_name), right.into());
    }
    number.power.store(Some(power));
    number.right_power.store(Some(power));
    let round_method = vm.new_method("__round__", float, round);
    float.set_attr(vm.ctx.intern_str("__round__"), round_method.into());
}

/// The operand as a float; `None` for what is neither a float nor an integer.
fn operand(value: &PyObject, vm: &VirtualMachine) -> PyResult<Option<f64>> {
    if let Some(float) = value.downcast_ref::<PyFloat>() {
        return Ok(Some(float.to_f64()));
    }
    if value.downcast_ref::<PyInt>().is_some() {
        return value.try_float(vm).map(|float| Some(float.to_f64()));
    }
    Ok(None)
}

/// The floored quotient and the remainder with the sign of the divisor.
fn floored(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0.0_f64.copysign(a / b), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

fn divide(
    a: &PyObject,
    b: &PyObject,
    vm: &VirtualMachine,
    message: &'static str,
    result: impl FnOnce(f64, f64) -> PyObjectRef,
) -> PyResult {
    let (Some(a), Some(b)) = (operand(a, vm)?, operand(b, vm)?) else {
        return Ok(vm.ctx.not_implemented());
    };
    if b == 0.0 {
        return Err(vm.new_zero_division_error(message));
    }
    let (quotient, rest) = floored(a, b);
    Ok(result(quotient, rest))
}

fn remainder(a: &PyObject, b: &PyObject, vm: &VirtualMachine) -> PyResult {
    divide(a, b, vm, "float modulo", |_, rest| vm.ctx.new_float(rest).into())
}

fn floor_divide(a: &PyObject, b: &PyObject, vm: &VirtualMachine) -> PyResult {
    let message = "float floor division by zero";
    divide(a, b, vm, message, |quotient, _| vm.ctx.new_float(quotient).into())
}

fn divide_with_remainder(a: &PyObject, b: &PyObject, vm: &VirtualMachine) -> PyResult {
    divide(a, b, vm, "float divmod()", |quotient, rest| {
        let pair = vec![vm.ctx.new_float(quotient).into(), vm.ctx.new_float(rest).into()];
        vm.ctx.new_tuple(pair).into()
    })
}

fn power(a: &PyObject, b: &PyObject, modulus: &PyObject, vm: &VirtualMachine) -> PyResult {
    let (Some(base), Some(exponent)) = (operand(a, vm)?, operand(b, vm)?) else {
        return Ok(vm.ctx.not_implemented());
    };
    if !vm.is_none(modulus) {
        let message = "pow() 3rd argument not allowed unless all arguments are integers";
        return Err(vm.new_type_error(message));
    }
    if base == 0.0 && exponent < 0.0 {
        return Err(vm.new_zero_division_error("0.0 cannot be raised to a negative power"));
    }
    let whole = exponent.is_infinite() || exponent == exponent.floor();
    if base < 0.0 && base.is_finite() && exponent.is_finite() && !whole {
        let length = (-base).powf(exponent);
        let angle = std::f64::consts::PI * exponent;
        let complex = vm.ctx.types.complex_type.as_object();
        return complex.call((length * angle.cos(), length * angle.sin()), vm);
    }
    let result = base.powf(exponent);
    if result.is_infinite() && base.is_finite() && exponent.is_finite() {
        return Err(vm.new_overflow_error("(34, 'Numerical result out of range')"));
    }
    Ok(vm.ctx.new_float(result).into())
}

/// The method `__round__` of floats: to an integer, or to decimal digits.
fn round(zelf: PyObjectRef, digits: OptionalArg<PyObjectRef>, vm: &VirtualMachine) -> PyResult {
    let Some(float) = zelf.downcast_ref::<PyFloat>() else {
        return Err(vm.new_type_error("descriptor '__round__' requires a 'float' object"));
    };
    let value = float.to_f64();
    let digits = digits.into_option().filter(|digits| !vm.is_none(digits));
    let Some(digits) = digits else {
        let rounded: PyObjectRef = vm.ctx.new_float(value.round_ties_even()).into();
        let integer = vm.ctx.types.int_type.as_object();
        return integer.call(FuncArgs::from(vec![rounded]), vm);
    };
    let digits = digits.try_index(vm)?;
    let digits: i64 = match digits.try_to_primitive(vm) {
        Ok(digits) => digits,
        Err(_) if *digits.as_bigint() < 0.into() => i64::MIN,
        Err(_) => i64::MAX,
    };
    match rounded(value, digits) {
        Some(result) => Ok(vm.ctx.new_float(result).into()),
        None => Err(vm.new_overflow_error("rounded value too large to represent")),
    }
}

/// A value rounded to decimal digits, halves of its exact value to even. `None` if it is too large.
fn rounded(value: f64, digits: i64) -> Option<f64> {
    if !value.is_finite() || digits > 323 {
        return Some(value);
    }
    if digits < -308 {
        return Some(0.0_f64.copysign(value));
    }
    let text = if let Ok(digits) = usize::try_from(digits) {
        format!("{value:.digits$}")
    } else {
        let places = usize::try_from(-digits).unwrap_or(0);
        format!("{}e{places}", tens(value, places))
    };
    let result: f64 = text.parse().unwrap_or(value);
    result.is_finite().then_some(result.copysign(value))
}

/// The multiples of 10**places that are nearest to a value, as text; a half goes to the even one.
fn tens(value: f64, places: usize) -> String {
    let exact = format!("{:.1074}", value.abs());
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    let padded = format!("{whole:0>width$}", width = places + 1);
    let (kept, dropped) = padded.split_at(padded.len() - places);
    let mut half = "5".to_owned();
    half.push_str(&"0".repeat(places - 1));
    let above = match dropped.cmp(half.as_str()) {
        std::cmp::Ordering::Equal => {
            let odd = kept.bytes().last().is_some_and(|digit| digit % 2 == 1);
            fraction.bytes().any(|digit| digit != b'0') || odd
        }
        order => order.is_gt(),
    };
    if !above {
        return kept.to_owned();
    }
    let mut digits = kept.as_bytes().to_vec();
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return String::from_utf8_lossy(&digits).into_owned();
        }
        *digit = b'0';
    }
    format!("1{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
mod tests {
    use super::{floored, rounded};

    #[test]
    fn remainders_have_the_sign_of_the_divisor() {
        let cases = [
            (-6.0, 3.0, -2.0, 0.0),
            (6.0, -3.0, -2.0, -0.0),
            (3.0, -1.0, -3.0, -0.0),
            (1.0, 0.1, 9.0, 0.099_999_999_999_999_95),
            (-1e-20, 3.0, -1.0, 3.0),
        ];
        for (a, b, quotient, rest) in cases {
            let found = floored(a, b);
            assert_eq!(found, (quotient, rest), "{a} by {b}");
            assert_eq!(found.1.is_sign_negative(), f64::is_sign_negative(rest), "{a} by {b}");
        }
    }

    #[test]
    fn rounding_is_exact_and_halves_go_to_even() {
        let cases = [
            (2.675, 2, 2.67),
            (4136.805, 2, 4136.81),
            (1.15, 1, 1.1),
            (1e21, 2, 1e21),
            (0.125, 2, 0.12),
            (0.375, 2, 0.38),
            (2.5, 0, 2.0),
            (25.0, -1, 20.0),
            (35.0, -1, 40.0),
            (25.1, -1, 30.0),
            (-995.0, -1, -1000.0),
            (4.0, -1, 0.0),
            (5.0, -1, 0.0),
            (15.0, -3, 0.0),
        ];
        for (value, digits, expected) in cases {
            assert_eq!(rounded(value, digits), Some(expected), "round({value}, {digits})");
        }
        assert_eq!(rounded(1.797e308, -308), None);
    }
}
