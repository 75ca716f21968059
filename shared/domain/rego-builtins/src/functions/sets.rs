//! Functions of sets.

use crate::builtin::{Answer, Args, Call, some};
use crate::context::Error;
use crate::value::{Set, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("and", |_, args| some(args.set(0)?.intersection(args.set(1)?))),
    ("or", |_, args| some(args.set(0)?.union(args.set(1)?))),
    ("set_diff", |_, args| some(args.set(0)?.difference(args.set(1)?))),
    ("intersection", |_, args| joined(args, Set::intersection)),
    ("union", |_, args| joined(args, Set::union)),
];

fn joined(args: &Args<'_>, join: fn(&Set, &Set) -> Set) -> Answer {
    let mut result: Option<Set> = None;
    for item in args.set(0)?.iter() {
        let Value::Set(set) = item else {
            return Err(Error::element(1, args.value(0), item, &["set"]));
        };
        result = Some(match result {
            Some(result) => join(&result, set),
            None => set.clone(),
        });
    }
    some(result.unwrap_or_default())
}
