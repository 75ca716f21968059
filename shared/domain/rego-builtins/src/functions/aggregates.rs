//! Functions of whole collections: how many, how much, which is the largest.

use num_bigint::BigInt;

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::float::Float;
use crate::number::Number;
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("count", count),
    ("sum", sum),
    ("product", product),
    ("max", |_, args| Ok(args.members(0)?.into_iter().max().cloned())),
    // Of equal members the last one is the answer, as with the largest.
    ("min", |_, args| Ok(args.members(0)?.into_iter().rev().min().cloned())),
    ("sort", sort),
    ("any", |_, args| some(args.members(0)?.into_iter().any(Value::is_true))),
    ("all", |_, args| some(args.members(0)?.into_iter().all(Value::is_true))),
];

fn count(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    some(match args.value(0) {
        Value::Array(array) => array.len(),
        Value::Object(object) => object.len(),
        Value::Set(set) => set.len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(args.wrong(0, &["array", "object", "set", "string"])),
    })
}

fn numbers<'a>(args: &Args<'a>) -> Result<Vec<&'a Number>, Error> {
    let number = |item: &'a Value| {
        item.as_number().ok_or_else(|| Error::element(1, args.value(0), item, &["number"]))
    };
    args.members(0)?.into_iter().map(number).collect()
}

/// Exact for integers; with any other number, a sum of floats.
fn sum(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let numbers = numbers(args)?;
    if numbers.iter().all(|number| number.is_integer()) {
        return some(numbers.into_iter().fold(Number::from(0_i64), |sum, number| sum.add(number)));
    }
    let zero = Float::from_int(&BigInt::ZERO);
    some(Number::from_float(
        &numbers.into_iter().fold(zero, |sum, number| sum.add(&number.as_float())),
    ))
}

/// Exact for integers; with any other number, OPA rounds each step to the precision of a double.
fn product(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    const DOUBLE: u64 = 53;
    let numbers = numbers(args)?;
    if numbers.iter().all(|number| number.is_integer()) {
        return some(
            numbers.into_iter().fold(Number::from(1_i64), |product, number| product.mul(number)),
        );
    }
    let one = Float::from_int(&BigInt::from(1));
    let step = |product: Float, number: &Number| product.mul_to(&number.as_float(), DOUBLE);
    some(Number::from_float(&numbers.into_iter().fold(one, step)))
}

fn sort(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut items = args.members(0)?;
    items.sort();
    some(Value::array(items.into_iter().cloned()))
}
