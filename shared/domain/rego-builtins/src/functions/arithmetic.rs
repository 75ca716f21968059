//! Arithmetic, ranges and random numbers.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::number::{ArithmeticError, Number};
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("plus", |_, args| some(args.number(0)?.add(args.number(1)?))),
    ("minus", minus),
    ("mul", |_, args| some(args.number(0)?.mul(args.number(1)?))),
    ("div", |_, args| partial(args.number(0)?.div(args.number(1)?))),
    ("rem", |_, args| partial(args.number(0)?.rem(args.number(1)?))),
    ("abs", |_, args| some(args.number(0)?.abs())),
    ("round", |_, args| some(args.number(0)?.round())),
    ("ceil", |_, args| some(args.number(0)?.ceil())),
    ("floor", |_, args| some(args.number(0)?.floor())),
    ("numbers.range", |context, args| {
        range(context, &integer(args, 0)?, &integer(args, 1)?, &BigInt::from(1))
    }),
    ("numbers.range_step", range_step),
    ("rand.intn", random),
];

fn partial(result: Result<Number, ArithmeticError>) -> Answer {
    result.map(|number| Some(number.into())).map_err(|error| Error::new(error.message()))
}

fn minus(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    match (args.value(0), args.value(1)) {
        (Value::Number(left), Value::Number(right)) => some(left.sub(right)),
        (Value::Set(left), Value::Set(right)) => some(left.difference(right)),
        (Value::Number(_), _) => Err(args.wrong(1, &["number"])),
        (Value::Set(_), _) => Err(args.wrong(1, &["set"])),
        _ => Err(args.wrong(0, &["number", "set"])),
    }
}

/// An integer of any size, in whatever form it is written.
pub(super) fn integer(args: &Args<'_>, place: usize) -> Result<BigInt, Error> {
    let Value::Number(number) = args.value(place) else {
        return Err(args.wrong(place, &["integer"]));
    };
    number.as_bigint().ok_or_else(|| {
        Error::new(format!(
            "operand {} must be integer number but got floating-point number",
            place + 1
        ))
    })
}

fn range_step(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (from, to, step) = (integer(args, 0)?, integer(args, 1)?, integer(args, 2)?);
    if !step.is_positive() {
        return Err(Error::new("numbers.range_step: step must be a positive integer"));
    }
    range(context, &from, &to, &step)
}

fn range(context: &mut Context<'_>, from: &BigInt, to: &BigInt, step: &BigInt) -> Answer {
    let count = ((to - from).abs() / step)
        .to_usize()
        .and_then(|count| count.checked_add(1))
        .unwrap_or(usize::MAX);
    context.charge(count.saturating_mul(24))?;
    let step = if to < from { -step } else { step.clone() };
    let mut next = from.clone();
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(Value::from(Number::from_bigint(&next)));
        next += &step;
    }
    some(Value::array(items))
}

fn random(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let key = args.text(0)?;
    let limit = integer(args, 1)?;
    if limit.is_zero() {
        return some(0_i64);
    }
    let limit =
        limit.abs().to_u64().ok_or_else(|| Error::new("the limit has more than 64 bits"))?;
    let number = context.draw(&format!("{key}-{limit}"), limit);
    some(Number::from_bigint(&BigInt::from(number)))
}
