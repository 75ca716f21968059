//! Loops over maps follow the order of their keys, so that the same run gives the same bytes.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr};
use cel::common::types::{CelList, CelMap, CelMapKey, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, IdedExpr};

/// The function that stands around everything that is looped over. No source can name it.
const ORDERED: &str = "@ordered";

/// Makes the function known.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload(ORDERED, "ordered_dyn", vec![DYN_TYPE], ordered)
}

/// A map's sorted keys; every other value as it is.
fn ordered<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(range) = arguments.pop() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let Some(map) = range.downcast_ref::<CelMap<'_>>() else { return Ok(range) };
    let mut keys: Vec<&CelMapKey<'_>> = map.inner().keys().collect();
    keys.sort_by(|one, other| compare(one, other));
    let keys: Vec<Box<dyn Val + 'v>> = keys.into_iter().map(boxed).collect();
    Ok(CowVal::owned(CelList::from(keys)))
}

fn boxed<'v>(key: &CelMapKey<'v>) -> Box<dyn Val + 'v> {
    match key {
        CelMapKey::Bool(key) => Box::new(*key),
        CelMapKey::Int(key) => Box::new(*key),
        CelMapKey::UInt(key) => Box::new(*key),
        CelMapKey::String(key) => Box::new(key.clone()),
    }
}

/// False and true, then numbers by value, then strings by their characters.
pub(super) fn compare(one: &CelMapKey<'_>, other: &CelMapKey<'_>) -> std::cmp::Ordering {
    rank(one).cmp(&rank(other))
}

fn rank<'k>(key: &'k CelMapKey<'_>) -> (u8, i128, &'k str) {
    match key {
        CelMapKey::Bool(key) => (0, i128::from(*key.inner()), ""),
        CelMapKey::Int(key) => (1, i128::from(*key.inner()), ""),
        CelMapKey::UInt(key) => (1, i128::from(*key.inner()), ""),
        CelMapKey::String(key) => (2, 0, key.inner()),
    }
}

/// Puts the function around the range of every loop. The tree is as shallow as its text was found.
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
        Expr::Struct(made) => {
            for entry in &mut made.entries {
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
