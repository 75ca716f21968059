//! Comparison and membership.

use crate::builtin::{Answer, Args, Call, some};
use crate::context::Context;
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("equal", |_, args| some(args.value(0) == args.value(1))),
    ("neq", |_, args| some(args.value(0) != args.value(1))),
    ("lt", |_, args| some(args.value(0) < args.value(1))),
    ("lte", |_, args| some(args.value(0) <= args.value(1))),
    ("gt", |_, args| some(args.value(0) > args.value(1))),
    ("gte", |_, args| some(args.value(0) >= args.value(1))),
    ("internal.member_2", member),
    ("internal.member_3", member_with_key),
];

/// Whether a value is a member of a collection; a scalar has no members.
fn member(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let item = args.value(0);
    some(match args.value(1) {
        Value::Array(array) => array.iter().any(|found| found == item),
        Value::Set(set) => set.contains(item),
        Value::Object(object) => object.values().any(|found| found == item),
        _ => false,
    })
}

fn member_with_key(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (key, item) = (args.value(0), args.value(1));
    some(args.value(2).get(key).is_some_and(|found| found == item))
}
