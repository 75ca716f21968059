//! Classification of expressions by their syntax alone.

use rustpython_vm::compiler::ast::{Expr, ExprCall};

use super::super::methods::import_path;
use super::super::names::Names;

/// Whether an annotation does more than naming types.
pub(super) fn is_evaluated(expr: &Expr) -> bool {
    !matches!(
        expr,
        Expr::Name(_)
            | Expr::Attribute(_)
            | Expr::Subscript(_)
            | Expr::Tuple(_)
            | Expr::List(_)
            | Expr::BinOp(_)
            | Expr::UnaryOp(_)
    ) && !expr.is_literal_expr()
}

/// Whether a listed decorator, called with these arguments, returns the decorator proper. The other
/// ones take their argument for the definition: they change it and return it.
pub(super) fn is_decorator_factory(func: &Expr, call: &ExprCall, names: &Names) -> bool {
    let (args, keywords) = (&call.arguments.args, &call.arguments.keywords);
    let literal = keywords.iter().all(|k| k.arg.is_some() && k.value.is_literal_expr());
    match import_path(func, names).as_deref() {
        Some("functools.wraps") => {
            args.len() == 1 && !args.iter().any(Expr::is_starred_expr) && keywords.is_empty()
        }
        Some("dataclasses.dataclass") => args.is_empty() && literal,
        _ => false,
    }
}

/// The expression `x` of `type(x)` and of `x.__class__`.
pub(super) fn class_of(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Call(call)
            if call.func.as_name_expr().is_some_and(|func| func.id.as_str() == "type") =>
        {
            let alone = call.arguments.keywords.is_empty() && call.arguments.args.len() == 1;
            call.arguments.args.first().filter(|first| alone && !first.is_starred_expr())
        }
        Expr::Attribute(attribute) if attribute.attr.as_str() == "__class__" => {
            Some(&attribute.value)
        }
        _ => None,
    }
}
