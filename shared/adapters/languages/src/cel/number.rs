//! Exact comparison of integers with doubles. The library converts the integer to a double, which rounds
//! beyond 2^53: `9007199254740993 > 9007199254740992.0` would be false.

use std::cmp::Ordering;

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelUInt, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, IdedExpr};

/// The integer up to which every integer is a double.
const EXACT_MAX: u64 = 1 << 53;

/// A function that replaces an operator or a function of the library, its name there, and whether that
/// one is called on a value.
struct Replacement {
    name: &'static str,
    of: &'static str,
    is_method: bool,
    arguments: usize,
}

const fn operator(name: &'static str, of: &'static str) -> Replacement {
    Replacement { name, of, is_method: false, arguments: 2 }
}

/// No source can name these functions.
const REPLACEMENTS: [Replacement; 11] = [
    operator("@equals", operators::EQUALS),
    operator("@differs", operators::NOT_EQUALS),
    operator("@less", operators::LESS),
    operator("@less_equals", operators::LESS_EQUALS),
    operator("@greater", operators::GREATER),
    operator("@greater_equals", operators::GREATER_EQUALS),
    operator("@is_in", operators::IN),
    operator("@greatest_of_two", "math.@max"),
    operator("@least_of_two", "math.@min"),
    Replacement { name: "@greatest_of_list", of: "math.@max", is_method: false, arguments: 1 },
    Replacement { name: "@least_of_list", of: "math.@min", is_method: false, arguments: 1 },
];

/// Declares the functions in an environment.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    let two = || vec![DYN_TYPE, DYN_TYPE];
    environment.add_overload("@equals", "exactly_equals", two(), |them| {
        let [left, right] = pair(them)?;
        boolean(equals(left.as_ref(), right.as_ref()))
    })?;
    environment.add_overload("@differs", "exactly_differs", two(), |them| {
        let [left, right] = pair(them)?;
        boolean(!equals(left.as_ref(), right.as_ref()))
    })?;
    environment
        .add_overload("@less", "exactly_less", two(), |them| ordered(them, Ordering::is_lt))?;
    environment.add_overload("@less_equals", "exactly_less_equals", two(), |them| {
        ordered(them, Ordering::is_le)
    })?;
    environment.add_overload("@greater", "exactly_greater", two(), |them| {
        ordered(them, Ordering::is_gt)
    })?;
    environment.add_overload("@greater_equals", "exactly_greater_equals", two(), |them| {
        ordered(them, Ordering::is_ge)
    })?;
    environment.add_overload("@is_in", "exactly_is_in", two(), is_in)?;
    let one = || vec![DYN_TYPE];
    environment.add_overload("@greatest_of_two", "exactly_greatest", two(), |them| {
        extreme(them, Ordering::Less)
    })?;
    environment.add_overload("@least_of_two", "exactly_least", two(), |them| {
        extreme(them, Ordering::Greater)
    })?;
    environment.add_overload("@greatest_of_list", "exactly_greatest_of_list", one(), |them| {
        extreme_of_list(them, Ordering::Less)
    })?;
    environment.add_overload("@least_of_list", "exactly_least_of_list", one(), |them| {
        extreme_of_list(them, Ordering::Greater)
    })
}

/// Replaces the call of an operator with operands that may be an integer and a double that is not exact.
pub(super) fn replace(call: &mut CallExpr) {
    let is_method = call.target.is_some();
    let found = REPLACEMENTS.iter().find(|it| {
        it.of == call.func_name && it.is_method == is_method && it.arguments == call.args.len()
    });
    let Some(replacement) = found else { return };
    if !call.args.iter().any(is_exact) {
        call.func_name = replacement.name.to_owned();
    }
}

/// Whether a comparison with this operand is exact in the library, too.
fn is_exact(operand: &IdedExpr) -> bool {
    match &operand.expr {
        Expr::Literal(LiteralValue::Int(value)) => value.inner().unsigned_abs() <= EXACT_MAX,
        Expr::Literal(LiteralValue::UInt(value)) => *value.inner() <= EXACT_MAX,
        Expr::Literal(LiteralValue::Double(value)) => value.inner().abs() < 9_007_199_254_740_992.0,
        Expr::Literal(_) => true,
        _ => false,
    }
}

fn pair<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<[CowVal<'b, 'v>; 2], ExecutionError> {
    <[CowVal<'b, 'v>; 2]>::try_from(arguments)
        .map_err(|_| ExecutionError::missing_argument_or_target())
}

fn boolean<'b, 'v>(value: bool) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::owned(CelBool::from(value)))
}

/// A number: an integer of either type, or a double.
enum Number {
    Integer(i128),
    Double(f64),
}

fn number(value: &dyn Val) -> Option<Number> {
    if let Some(value) = value.downcast_ref::<CelInt>() {
        return Some(Number::Integer(i128::from(*value.inner())));
    }
    if let Some(value) = value.downcast_ref::<CelUInt>() {
        return Some(Number::Integer(i128::from(*value.inner())));
    }
    value.downcast_ref::<CelDouble>().map(|value| Number::Double(*value.inner()))
}

/// The order of an integer and a double; `None` for other values, and for NaN.
fn mixed(left: &dyn Val, right: &dyn Val) -> Option<Ordering> {
    match (number(left)?, number(right)?) {
        (Number::Integer(left), Number::Double(right)) => compare(left, right),
        (Number::Double(left), Number::Integer(right)) => {
            compare(right, left).map(Ordering::reverse)
        }
        _ => None,
    }
}

fn compare(integer: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // The integer has 65 bits at most; a double of more is beyond it, and a smaller one has a whole part
    // that is an integer.
    const BEYOND: f64 = 36_893_488_147_419_103_232.0;
    if double.abs() >= BEYOND {
        return Some(if double > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    #[expect(clippy::cast_possible_truncation, reason = "the whole part is within 65 bits")]
    let whole = double.trunc() as i128;
    let fraction = double.fract();
    Some(
        integer.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)),
    )
}

/// Equality of any values, with numbers compared exactly also in lists and maps.
fn equals(left: &dyn Val, right: &dyn Val) -> bool {
    if let Some(order) = mixed(left, right) {
        return order.is_eq();
    }
    if let (Some(left), Some(right)) =
        (left.downcast_ref::<CelList<'_>>(), right.downcast_ref::<CelList<'_>>())
    {
        let (left, right) = (left.inner(), right.inner());
        let mut items = left.iter().zip(right);
        return left.len() == right.len()
            && items.all(|(left, right)| equals(left.as_ref(), right.as_ref()));
    }
    if let (Some(left), Some(right)) =
        (left.downcast_ref::<CelMap<'_>>(), right.downcast_ref::<CelMap<'_>>())
    {
        let (left, right) = (left.inner(), right.inner());
        return left.len() == right.len()
            && left.iter().all(|(key, value)| {
                right.get(key).is_some_and(|other| equals(value.as_ref(), other.as_ref()))
            });
    }
    left.equals(right)
}

fn order(left: &dyn Val, right: &dyn Val) -> Result<Ordering, ExecutionError> {
    if let Some(order) = mixed(left, right) {
        return Ok(order);
    }
    match left.as_comparer() {
        Some(comparer) => comparer.compare(right),
        None => {
            let types = format!("{} and {}", left.get_type().name(), right.get_type().name());
            Err(ExecutionError::UnexpectedType {
                got: types,
                want: "values with an order".to_owned(),
            })
        }
    }
}

fn ordered<'b, 'v>(
    arguments: Vec<CowVal<'b, 'v>>,
    holds: fn(Ordering) -> bool,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [left, right] = pair(arguments)?;
    boolean(holds(order(left.as_ref(), right.as_ref())?))
}

fn is_in<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [value, container] = pair(arguments)?;
    if let Some(list) = container.downcast_ref::<CelList<'_>>() {
        return boolean(list.inner().iter().any(|item| equals(item.as_ref(), value.as_ref())));
    }
    match container.as_container() {
        Some(container) => boolean(container.contains(value.as_ref())?),
        None => Err(ExecutionError::UnexpectedType {
            got: container.get_type().name().to_owned(),
            want: "list or map".to_owned(),
        }),
    }
}

/// The second of two numbers where the first one is `worse` than it, else the first.
fn extreme<'b, 'v>(
    arguments: Vec<CowVal<'b, 'v>>,
    worse: Ordering,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [first, second] = pair(arguments)?;
    for value in [&first, &second] {
        require_number(value.as_ref())?;
    }
    Ok(if order(first.as_ref(), second.as_ref())? == worse { second } else { first })
}

fn require_number(value: &dyn Val) -> Result<(), ExecutionError> {
    match number(value) {
        Some(_) => Ok(()),
        None => Err(ExecutionError::UnexpectedType {
            got: value.get_type().name().to_owned(),
            want: "a number".to_owned(),
        }),
    }
}

fn extreme_of_list<'b, 'v>(
    mut arguments: Vec<CowVal<'b, 'v>>,
    worse: Ordering,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let only = arguments.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let Some(list) = only.downcast_ref::<CelList<'_>>() else {
        require_number(only.as_ref())?;
        return Ok(only);
    };
    let mut best: Option<&dyn Val> = None;
    for item in list.inner() {
        require_number(item.as_ref())?;
        best = match best {
            Some(best) if order(best, item.as_ref())? != worse => Some(best),
            _ => Some(item.as_ref()),
        };
    }
    match best {
        Some(best) => Ok(CowVal::Owned(best.clone_as_boxed())),
        None => Err(ExecutionError::function_error("math", "the list must not be empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_and_a_double_are_compared_exactly() {
        let (two_53, two_63, two_64) = (1_i128 << 53, 1_i128 << 63, 1_i128 << 64);
        for (integer, double, expected) in [
            (two_53, 9_007_199_254_740_992.0, Ordering::Equal),
            (two_53 + 1, 9_007_199_254_740_992.0, Ordering::Greater),
            (-two_53 - 1, -9_007_199_254_740_992.0, Ordering::Less),
            (two_63 - 1, 9_223_372_036_854_775_808.0, Ordering::Less),
            (-two_63, -9_223_372_036_854_775_808.0, Ordering::Equal),
            (two_64 - 1, 18_446_744_073_709_551_616.0, Ordering::Less),
            (3, 3.5, Ordering::Less),
            (-3, -3.5, Ordering::Greater),
            (0, -0.0, Ordering::Equal),
            (0, 5e-324, Ordering::Less),
            (two_63 - 1, f64::INFINITY, Ordering::Less),
            (-two_63, f64::NEG_INFINITY, Ordering::Greater),
            (two_63 - 1, f64::MAX, Ordering::Less),
        ] {
            assert_eq!(compare(integer, double), Some(expected), "{integer} {double}");
        }
        assert_eq!(compare(0, f64::NAN), None);
    }
}
