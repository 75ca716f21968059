//! Macros of cel-go's extensions that the library does not have: `cel.bind`, and comprehensions with two
//! variables.
//!
//! A comprehension with two variables becomes one over a list of pairs of key and value, in which each
//! part binds its two variables to the members of the pair.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, LiteralValue, operators};
use cel::common::types::{
    CelBool, CelInt, CelList, CelMap, CelMapKey, CelString, CelUInt, DYN_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::parser::{Macro, MacroExprHelper, ParseError};
use cel::{DeclarationError, Env, ExecutionError, IdedExpr};

use super::order;

/// Functions and variables that no source can name.
const PAIRS: &str = "@pairs";
const MAP_OF: &str = "@map_of";
const MERGED: &str = "@merged";
const PAIR: &str = "@pair";
const RESULT: &str = "@result";
const UNUSED: &str = "@unused";

type Helper<'h> = MacroExprHelper<'h>;
type Arguments = Vec<IdedExpr>;

/// Declares the macros with the functions that they expand to.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_macro(Macro::receiver("bind", 3, |helper, target, arguments| {
        let is_cel = target
            .as_ref()
            .is_some_and(|it| matches!(&it.expr, Expr::Ident(name) if name == "cel"));
        if !is_cel {
            return Ok(None);
        }
        let [name, value, body] = take(helper, arguments)?;
        let name = variable(helper, &name)?;
        Ok(Some(bind(helper, &name, value, body)))
    }))?;
    let logical = [("all", operators::LOGICAL_AND), ("exists", operators::LOGICAL_OR)];
    for (name, operator) in logical {
        environment.add_macro(Macro::receiver(name, 3, move |helper, target, arguments| {
            let [key, value, body] = take(helper, arguments)?;
            let variables = Variables::of(helper, &key, &value)?;
            let body = variables.bind(helper, body);
            let accumulated = ident(helper, RESULT);
            let step = call(helper, operator, vec![accumulated, body]);
            let start = operator == operators::LOGICAL_AND;
            let start = literal(helper, LiteralValue::Boolean(start.into()));
            let condition = not_decided(helper, operator);
            let result = ident(helper, RESULT);
            Ok(Some(comprehension(helper, target, start, condition, step, result)))
        }))?;
    }
    for name in ["existsOne", "exists_one"] {
        environment.add_macro(Macro::receiver(name, 3, |helper, target, arguments| {
            let [key, value, body] = take(helper, arguments)?;
            let variables = Variables::of(helper, &key, &value)?;
            let body = variables.bind(helper, body);
            let step = count(helper, body);
            let start = integer(helper, 0);
            let (counted, one) = (ident(helper, RESULT), integer(helper, 1));
            let result = call(helper, operators::EQUALS, vec![counted, one]);
            let condition = literal(helper, LiteralValue::Boolean(true.into()));
            Ok(Some(comprehension(helper, target, start, condition, step, result)))
        }))?;
    }
    for (name, form) in [
        ("transformList", Form::List),
        ("transformMap", Form::Map),
        ("transformMapEntry", Form::Entries),
    ] {
        for count in [3, 4] {
            environment.add_macro(Macro::receiver(
                name,
                count,
                move |helper, target, arguments| {
                    transform(helper, target, arguments, form).map(Some)
                },
            ))?;
        }
    }
    environment.add_overload(PAIRS, "pairs_dyn", vec![DYN_TYPE], pairs)?;
    environment.add_overload(MAP_OF, "map_of_dyn", vec![DYN_TYPE], map_of)?;
    environment.add_overload(MERGED, "merged_dyn", vec![DYN_TYPE], merged)
}

#[derive(Clone, Copy)]
enum Form {
    List,
    Map,
    Entries,
}

/// The two variables of a comprehension.
struct Variables {
    key: String,
    value: String,
}

impl Variables {
    fn of(helper: &Helper<'_>, key: &IdedExpr, value: &IdedExpr) -> Result<Self, ParseError> {
        let (name, other) = (variable(helper, key)?, variable(helper, value)?);
        if name == other {
            return Err(helper.new_error(value.id, "the two variables have the same name"));
        }
        Ok(Self { key: name, value: other })
    }

    /// The expression with the variables bound to the members of the pair.
    fn bind(&self, helper: &mut Helper<'_>, body: IdedExpr) -> IdedExpr {
        let value = member(helper, 1);
        let with_value = bind(helper, &self.value, value, body);
        let key = member(helper, 0);
        bind(helper, &self.key, key, with_value)
    }
}

fn transform(
    helper: &mut Helper<'_>,
    target: &mut Option<IdedExpr>,
    arguments: &mut Arguments,
    form: Form,
) -> Result<IdedExpr, ParseError> {
    let (key, value, filter, body) = if arguments.len() == 4 {
        let [key, value, filter, body] = take(helper, arguments)?;
        (key, value, Some(filter), body)
    } else {
        let [key, value, body] = take(helper, arguments)?;
        (key, value, None, body)
    };
    let variables = Variables::of(helper, &key, &value)?;
    let body = variables.bind(helper, body);
    let item = match form {
        Form::List | Form::Entries => body,
        Form::Map => {
            let key = member(helper, 0);
            list(helper, vec![key, body])
        }
    };
    let (accumulated, item) = (ident(helper, RESULT), list(helper, vec![item]));
    let mut step = call(helper, operators::ADD, vec![accumulated, item]);
    if let Some(filter) = filter {
        let filter = variables.bind(helper, filter);
        let unchanged = ident(helper, RESULT);
        step = call(helper, operators::CONDITIONAL, vec![filter, step, unchanged]);
    }
    let start = list(helper, Vec::new());
    let condition = literal(helper, LiteralValue::Boolean(true.into()));
    let result = ident(helper, RESULT);
    let items = comprehension(helper, target, start, condition, step, result);
    Ok(match form {
        Form::List => items,
        Form::Map => call(helper, MAP_OF, vec![items]),
        Form::Entries => call(helper, MERGED, vec![items]),
    })
}

fn take<const N: usize>(
    helper: &Helper<'_>,
    arguments: &mut Arguments,
) -> Result<[IdedExpr; N], ParseError> {
    <[IdedExpr; N]>::try_from(std::mem::take(arguments))
        .map_err(|_| helper.new_error(0, "the macro has another number of arguments"))
}

fn variable(helper: &Helper<'_>, expression: &IdedExpr) -> Result<String, ParseError> {
    match &expression.expr {
        Expr::Ident(name) if !name.starts_with('.') => Ok(name.clone()),
        _ => Err(helper.new_error(expression.id, "the variable of a macro is a simple name")),
    }
}

fn ident(helper: &mut Helper<'_>, name: &str) -> IdedExpr {
    helper.next_expr(Expr::Ident(name.to_owned()))
}

fn literal(helper: &mut Helper<'_>, value: LiteralValue) -> IdedExpr {
    helper.next_expr(Expr::Literal(value))
}

fn integer(helper: &mut Helper<'_>, value: i64) -> IdedExpr {
    literal(helper, LiteralValue::Int(value.into()))
}

fn list(helper: &mut Helper<'_>, elements: Vec<IdedExpr>) -> IdedExpr {
    helper.next_expr(Expr::List(ListExpr::new(elements)))
}

fn call(helper: &mut Helper<'_>, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    helper.next_expr(Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }))
}

/// A member of the pair of a comprehension.
fn member(helper: &mut Helper<'_>, index: i64) -> IdedExpr {
    let (pair, index) = (ident(helper, PAIR), integer(helper, index));
    call(helper, operators::INDEX, vec![pair, index])
}

/// `result + 1` where the condition holds.
fn count(helper: &mut Helper<'_>, condition: IdedExpr) -> IdedExpr {
    let (counted, one) = (ident(helper, RESULT), integer(helper, 1));
    let more = call(helper, operators::ADD, vec![counted, one]);
    let unchanged = ident(helper, RESULT);
    call(helper, operators::CONDITIONAL, vec![condition, more, unchanged])
}

/// Whether the loop of `all` or `exists` goes on.
fn not_decided(helper: &mut Helper<'_>, operator: &str) -> IdedExpr {
    let accumulated = ident(helper, RESULT);
    let open = if operator == operators::LOGICAL_AND {
        accumulated
    } else {
        call(helper, operators::LOGICAL_NOT, vec![accumulated])
    };
    call(helper, operators::NOT_STRICTLY_FALSE, vec![open])
}

fn comprehension(
    helper: &mut Helper<'_>,
    target: &mut Option<IdedExpr>,
    accu_init: IdedExpr,
    loop_cond: IdedExpr,
    loop_step: IdedExpr,
    result: IdedExpr,
) -> IdedExpr {
    let range = target.take().unwrap_or_default();
    let iter_range = call(helper, PAIRS, vec![range]);
    helper.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range,
        iter_var: PAIR.to_owned(),
        iter_var2: None,
        accu_var: RESULT.to_owned(),
        accu_init,
        loop_cond,
        loop_step,
        result,
    })))
}

/// An expression in which a variable has a value: a loop that never runs.
fn bind(helper: &mut Helper<'_>, name: &str, value: IdedExpr, body: IdedExpr) -> IdedExpr {
    let iter_range = list(helper, Vec::new());
    let loop_cond = literal(helper, LiteralValue::Boolean(false.into()));
    let loop_step = ident(helper, name);
    helper.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range,
        iter_var: UNUSED.to_owned(),
        iter_var2: None,
        accu_var: name.to_owned(),
        accu_init: value,
        loop_cond,
        loop_step,
        result: body,
    })))
}

fn only<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    arguments.pop().ok_or_else(ExecutionError::missing_argument_or_target)
}

/// The pairs of index and element of a list, or of key and value of a map in the order of its keys.
fn pairs<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let range = only(arguments)?;
    let pair = |key: Box<dyn Val + 'v>, value: &(dyn Val + 'v)| -> Box<dyn Val + 'v> {
        Box::new(CelList::from(vec![key, value.clone_as_boxed()]))
    };
    let pairs: Vec<Box<dyn Val + 'v>> = if let Some(list) = range.downcast_ref::<CelList<'v>>() {
        let items = (0_i64..).zip(list.inner());
        items.map(|(index, item)| pair(Box::new(CelInt::from(index)), item.as_ref())).collect()
    } else if let Some(map) = range.downcast_ref::<CelMap<'v>>() {
        let mut entries: Vec<_> = map.inner().iter().collect();
        entries.sort_by(|(left, _), (right, _)| order::compare(left, right));
        entries.into_iter().map(|(key, value)| pair(order::box_key(key), value.as_ref())).collect()
    } else {
        return Err(ExecutionError::UnexpectedType {
            got: range.get_type().name().to_owned(),
            want: "list or map".to_owned(),
        });
    };
    Ok(CowVal::owned(CelList::from(pairs)))
}

/// The map of a list of pairs, which have different keys.
fn map_of<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = only(arguments)?;
    let mut entries = std::collections::HashMap::new();
    for pair in items(&list, "transformMap")? {
        let pair = pair.downcast_ref::<CelList<'v>>().map(CelList::inner);
        if let Some([key, value]) = pair {
            entries.insert(key_of(key.as_ref())?, value.clone_as_boxed());
        }
    }
    Ok(CowVal::owned(CelMap::from(entries)))
}

/// The map with the entries of all maps of a list.
fn merged<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    const NAME: &str = "transformMapEntry";
    let list = only(arguments)?;
    let mut entries = std::collections::HashMap::new();
    for item in items(&list, NAME)? {
        let Some(map) = item.downcast_ref::<CelMap<'v>>() else {
            return Err(ExecutionError::UnexpectedType {
                got: item.get_type().name().to_owned(),
                want: "map".to_owned(),
            });
        };
        for (key, value) in map.inner() {
            if entries.insert(key.clone(), value.clone_as_boxed()).is_some() {
                let key = order::text_of(key);
                return Err(ExecutionError::function_error(
                    NAME,
                    format!("insert failed: key '{key}' already exists"),
                ));
            }
        }
    }
    Ok(CowVal::owned(CelMap::from(entries)))
}

fn items<'a, 'v>(
    list: &'a CowVal<'_, 'v>,
    name: &str,
) -> Result<&'a [Box<dyn Val + 'v>], ExecutionError> {
    list.downcast_ref::<CelList<'v>>()
        .map(CelList::inner)
        .ok_or_else(|| ExecutionError::function_error(name, "the items are no list"))
}

fn key_of<'v>(key: &(dyn Val + 'v)) -> Result<CelMapKey<'v>, ExecutionError> {
    if let Some(key) = key.downcast_ref::<CelString<'v>>() {
        return Ok(CelMapKey::String(key.clone()));
    }
    if let Some(key) = key.downcast_ref::<CelInt>() {
        return Ok(CelMapKey::Int(*key));
    }
    if let Some(key) = key.downcast_ref::<CelUInt>() {
        return Ok(CelMapKey::UInt(*key));
    }
    if let Some(key) = key.downcast_ref::<CelBool>() {
        return Ok(CelMapKey::Bool(*key));
    }
    Err(ExecutionError::UnexpectedType {
        got: key.get_type().name().to_owned(),
        want: "a key of a map".to_owned(),
    })
}
