//! The built-in functions, a module for each kind.

use crate::builtin::Call;

mod aggregates;
mod arithmetic;
mod arrays;
mod bits;
mod comparison;
mod digests;
mod encoding;
mod formats;
mod globs;
mod keys;
mod layouts;
mod network;
mod objects;
mod patterns;
mod schemas;
mod sets;
mod sprintf;
mod strings;
mod times;
mod tokens;
mod types;
mod uri;
mod yaml;
mod yaml_text;

/// The tables of all modules: names and code.
pub(crate) fn tables() -> impl Iterator<Item = &'static [(&'static str, Call)]> {
    let tables: [&'static [(&'static str, Call)]; 18] = [
        aggregates::TABLE,
        arithmetic::TABLE,
        arrays::TABLE,
        bits::TABLE,
        comparison::TABLE,
        digests::TABLE,
        encoding::TABLE,
        formats::TABLE,
        network::TABLE,
        objects::TABLE,
        patterns::TABLE,
        schemas::TABLE,
        sets::TABLE,
        strings::TABLE,
        times::TABLE,
        tokens::TABLE,
        types::TABLE,
        yaml::TABLE,
    ];
    tables.into_iter()
}
