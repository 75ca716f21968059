//! Integers as bits, in two's complement of any length.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::arithmetic::integer;
use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::number::Number;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("bits.and", |_, args| number(&(integer(args, 0)? & integer(args, 1)?))),
    ("bits.or", |_, args| number(&(integer(args, 0)? | integer(args, 1)?))),
    ("bits.xor", |_, args| number(&(integer(args, 0)? ^ integer(args, 1)?))),
    ("bits.negate", |_, args| number(&!integer(args, 0)?)),
    ("bits.lsh", left),
    ("bits.rsh", |_, args| number(&(integer(args, 0)? >> shift(args)?))),
];

fn number(int: &BigInt) -> Answer {
    some(Number::from_bigint(int))
}

fn left(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (int, shift) = (integer(args, 0)?, shift(args)?);
    // The digits in decimal take a third of the bits; printing them takes the square of that.
    if shift > 1_000_000 {
        return Err(Error::halt("a number is shifted by more than a million bits"));
    }
    context.charge(shift)?;
    number(&(int << shift))
}

fn shift(args: &Args<'_>) -> Result<usize, Error> {
    let shift = integer(args, 1)?;
    if shift.is_negative() {
        return Err(Error::new(
            "operand 2 must be an unsigned integer number but got a negative integer",
        ));
    }
    Ok(shift.to_usize().unwrap_or(usize::MAX))
}
