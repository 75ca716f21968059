//! The allow-list of library names that are known to leave nothing behind.

use std::collections::HashMap;
use std::sync::OnceLock;

/// How a listed name may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// As a value, which may be called, passed and stored.
    Value,
    /// As a value or as a base class.
    Base,
    /// As the innermost decorator only.
    Decorator,
}

/// All listed names by their dotted path.
pub(super) fn allowlist() -> &'static HashMap<String, Use> {
    static ALLOWLIST: OnceLock<HashMap<String, Use>> = OnceLock::new();
    ALLOWLIST.get_or_init(|| {
        let lines = include_str!("allowlist.txt").lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(": "));
        pairs
            .flat_map(|(module, names)| {
                names.split_whitespace().map(move |name| entry(module, name))
            })
            .collect()
    })
}

fn entry(module: &str, name: &str) -> (String, Use) {
    let (name, usage) = match (name.strip_suffix('+'), name.strip_suffix('@')) {
        (Some(name), _) => (name, Use::Base),
        (_, Some(name)) => (name, Use::Decorator),
        _ => (name, Use::Value),
    };
    (format!("{module}.{name}"), usage)
}

/// Builtin functions that read or change what the proof cannot follow.
pub(super) const BUILTINS_REFUSED: &[&str] = &[
    "__import__",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "exit",
    "globals",
    "help",
    "input",
    "locals",
    "open",
    "quit",
    "setattr",
    "vars",
];

/// Builtin names that the proof relies on: a policy that rebinds one of them is not proven.
pub(super) const BUILTINS_RELIED_ON: &[&str] =
    &["classmethod", "getattr", "object", "property", "staticmethod", "super", "type"];

/// Builtin classes that may be bases.
pub(super) const BUILTIN_BASES: &[&str] = &[
    "object",
    "dict",
    "list",
    "set",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "Exception",
    "IndexError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "RuntimeError",
    "StopIteration",
    "TimeoutError",
    "TypeError",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
];

/// Builtin bases with instances that the library takes for plain values.
pub(super) const BUILTIN_KEYS: &[&str] =
    &["bytes", "complex", "float", "frozenset", "int", "str", "tuple"];

/// Attributes that lead from an object of a run to what all runs share.
pub(super) const ATTRIBUTES_REFUSED: &[&str] = &[
    "ag_await",
    "ag_code",
    "ag_frame",
    "cache_clear",
    "cache_info",
    "cache_parameters",
    "cr_await",
    "cr_code",
    "cr_frame",
    "cr_origin",
    "f_back",
    "f_builtins",
    "f_code",
    "f_globals",
    "f_locals",
    "f_trace",
    "fdel",
    "fget",
    "format",
    "format_map",
    "fset",
    "func",
    "get_field",
    "gi_code",
    "gi_frame",
    "gi_yieldfrom",
    "groupindex",
    "mro",
    "obj",
    "register",
    "tb_frame",
    "tb_next",
];

/// Names with an underscore that the library gives a policy's own classes for use.
pub(super) const PRIVATE_READABLE: &[&str] =
    &["_asdict", "_fields", "_make", "_name_", "_replace", "_value_"];

/// Dunder attributes that are plain text.
pub(super) const DUNDERS_READABLE: &[&str] = &["__doc__", "__module__", "__name__", "__qualname__"];

/// Special methods that a policy's class may define: Python calls them on its instances only, and
/// during the run only. `__eq__` and `__hash__` are not among them: an object that the library took
/// for the key of a cache would run an earlier run's code.
pub(super) const DUNDERS_DEFINABLE: &[&str] = &[
    "__abs__",
    "__add__",
    "__and__",
    "__bool__",
    "__call__",
    "__contains__",
    "__delitem__",
    "__enter__",
    "__exit__",
    "__float__",
    "__floordiv__",
    "__format__",
    "__ge__",
    "__getitem__",
    "__gt__",
    "__iadd__",
    "__iand__",
    "__index__",
    "__init__",
    "__int__",
    "__invert__",
    "__ior__",
    "__isub__",
    "__iter__",
    "__le__",
    "__len__",
    "__lt__",
    "__missing__",
    "__mod__",
    "__mul__",
    "__ne__",
    "__neg__",
    "__next__",
    "__or__",
    "__pos__",
    "__post_init__",
    "__pow__",
    "__radd__",
    "__rand__",
    "__repr__",
    "__reversed__",
    "__rmul__",
    "__ror__",
    "__round__",
    "__rsub__",
    "__rtruediv__",
    "__setitem__",
    "__str__",
    "__sub__",
    "__truediv__",
    "__xor__",
];

/// Dunder names that may be assigned.
pub(super) const DUNDERS_ASSIGNABLE: &[&str] =
    &["__all__", "__author__", "__doc__", "__license__", "__slots__", "__version__"];

/// Methods of text and numbers that the library calls with tables of its own: a class that derives
/// from a builtin value may not define them.
pub(super) const VALUE_METHODS_REFUSED: &[&str] =
    &["format", "format_map", "join", "maketrans", "translate"];

/// The special methods that such a class may define.
pub(super) const VALUE_DUNDERS: &[&str] =
    &["__bool__", "__init__", "__post_init__", "__repr__", "__str__"];
