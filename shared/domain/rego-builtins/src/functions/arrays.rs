//! Functions of arrays.

use crate::builtin::{Answer, Args, Call, some};
use crate::context::Context;
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("array.concat", |_, args| {
        some(Value::array(args.array(0)?.iter().chain(args.array(1)?.iter()).cloned()))
    }),
    ("array.slice", slice),
    ("array.reverse", |_, args| some(Value::array(args.array(0)?.iter().rev().cloned()))),
    ("array.flatten", flatten),
];

fn slice(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let array = args.array(0)?.as_slice();
    let bound = |place| -> Result<usize, _> {
        Ok(usize::try_from(args.int(place)?.max(0)).unwrap_or(usize::MAX).min(array.len()))
    };
    let (from, to) = (bound(1)?, bound(2)?);
    some(Value::array(array.get(from..to).unwrap_or_default().iter().cloned()))
}

/// Takes the items of inner arrays out, one level deep.
fn flatten(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut items = Vec::new();
    for item in args.array(0)?.iter() {
        match item {
            Value::Array(inner) => items.extend(inner.iter().cloned()),
            _ => items.push(item.clone()),
        }
    }
    some(Value::array(items))
}
