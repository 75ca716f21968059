//! Deterministic loops over maps: they follow the order of the keys, so that the same run gives the
//! same bytes.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr};
use cel::common::types::{CelList, CelMap, CelMapKey, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, IdedExpr};

use super::number;

/// The function that wraps the range of every loop. No source can name it.
const ORDERED: &str = "@ordered";

/// Declares the function in an environment.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload(ORDERED, "ordered_dyn", vec![DYN_TYPE], sort_keys)
}

/// The sorted keys of a map; every other value unchanged.
fn sort_keys<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(range) = arguments.pop() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let Some(map) = range.downcast_ref::<CelMap<'_>>() else { return Ok(range) };
    let mut keys: Vec<&CelMapKey<'_>> = map.inner().keys().collect();
    keys.sort_by(|left, right| compare(left, right));
    let keys: Vec<Box<dyn Val + 'v>> = keys.into_iter().map(box_key).collect();
    Ok(CowVal::owned(CelList::from(keys)))
}

/// The key as a value.
pub(super) fn box_key<'v>(key: &CelMapKey<'v>) -> Box<dyn Val + 'v> {
    match key {
        CelMapKey::Bool(key) => Box::new(*key),
        CelMapKey::Int(key) => Box::new(*key),
        CelMapKey::UInt(key) => Box::new(*key),
        CelMapKey::String(key) => Box::new(key.clone()),
    }
}

/// Compares keys: booleans, then numbers by value, then strings by their characters.
pub(super) fn compare(left: &CelMapKey<'_>, right: &CelMapKey<'_>) -> std::cmp::Ordering {
    sort_key(left).cmp(&sort_key(right))
}

/// The key as text, for messages.
pub(super) fn text_of(key: &CelMapKey<'_>) -> String {
    match key {
        CelMapKey::Bool(key) => key.inner().to_string(),
        CelMapKey::Int(key) => key.inner().to_string(),
        CelMapKey::UInt(key) => key.inner().to_string(),
        CelMapKey::String(key) => key.inner().to_owned(),
    }
}

fn sort_key<'k>(key: &'k CelMapKey<'_>) -> (u8, i128, &'k str) {
    match key {
        CelMapKey::Bool(key) => (0, i128::from(*key.inner()), ""),
        CelMapKey::Int(key) => (1, i128::from(*key.inner()), ""),
        CelMapKey::UInt(key) => (1, i128::from(*key.inner()), ""),
        CelMapKey::String(key) => (2, 0, key.inner()),
    }
}

/// Wraps the range of every loop in the function, and makes comparisons exact. The tree's depth is bounded by
/// [`crate::nesting`].
pub(super) fn apply(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                apply(target);
            }
            for argument in &mut call.args {
                apply(argument);
            }
            number::replace(call);
        }
        Expr::Select(select) => apply(&mut select.operand),
        Expr::List(list) => {
            for element in &mut list.elements {
                apply(element);
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                apply_entry(&mut entry.expr);
            }
        }
        Expr::Struct(literal) => {
            for entry in &mut literal.entries {
                apply_entry(&mut entry.expr);
            }
        }
        Expr::Comprehension(comprehension) => apply_loop(comprehension),
    }
}

fn apply_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => apply(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            apply(&mut entry.key);
            apply(&mut entry.value);
        }
    }
}

fn apply_loop(comprehension: &mut ComprehensionExpr) {
    let ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, .. } =
        comprehension;
    for part in [&mut *iter_range, accu_init, loop_cond, loop_step, result] {
        apply(part);
    }
    if !matches!(iter_range.expr, Expr::List(_)) {
        let id = iter_range.id;
        let args = vec![std::mem::take(iter_range)];
        let call = CallExpr { func_name: ORDERED.to_owned(), target: None, args };
        *iter_range = IdedExpr { id, expr: Expr::Call(call) };
    }
}
