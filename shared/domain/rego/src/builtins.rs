//! The functions that calls run: those of the evaluator, and those of the table.

use writ_rego_builtins::{self as table, Builtin, Type, Value};

use crate::compile::{PRINT, TEMPLATE};

/// A function that is no rule.
#[derive(Clone, Copy)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) code: Code,
}

#[derive(Clone, Copy)]
pub(crate) enum Code {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Member,
    MemberWithKey,
    Print,
    Template,
    Trace,
    /// The metadata of rules, known when modules are compiled.
    Table(&'static Builtin),
    /// One that enumerates its results.
    Relation(&'static Builtin),
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Function {
    pub(crate) fn arity(&self) -> usize {
        match self.code {
            Code::Table(builtin) | Code::Relation(builtin) => builtin.arity(),
            Code::Print | Code::Template | Code::Trace => 1,
            Code::MemberWithKey => 3,
            _ => 2,
        }
    }
}

const OWN: [(&str, Code); 14] = [
    ("equal", Code::Equal),
    ("eq", Code::Equal),
    ("neq", Code::NotEqual),
    ("lt", Code::Less),
    ("lte", Code::LessOrEqual),
    ("gt", Code::Greater),
    ("gte", Code::GreaterOrEqual),
    ("internal.member_2", Code::Member),
    ("internal.member_3", Code::MemberWithKey),
    (PRINT, Code::Print),
    ("print", Code::Print),
    (TEMPLATE, Code::Template),
    ("trace", Code::Trace),
    ("assign", Code::Equal),
];

/// The function of a name.
pub(crate) fn lookup(name: &str) -> Option<Function> {
    if let Some((name, code)) = OWN.iter().find(|(own, _)| *own == name) {
        return Some(Function { name, code: *code });
    }
    let builtin = table::lookup(name)?;
    let code = if builtin.declaration.is_relation {
        Code::Relation(builtin)
    } else {
        Code::Table(builtin)
    };
    Some(Function { name: builtin.name(), code })
}

/// Whether a value has the type that a function declares for an argument, its items left aside.
pub(crate) fn accepts(wanted: &Type, value: &Value) -> bool {
    match wanted {
        Type::Any => true,
        Type::Null => matches!(value, Value::Null),
        Type::Boolean => matches!(value, Value::Bool(_)),
        Type::Number => matches!(value, Value::Number(_)),
        Type::String => matches!(value, Value::String(_)),
        Type::Array { .. } => matches!(value, Value::Array(_)),
        Type::Object { .. } => matches!(value, Value::Object(_)),
        Type::Set(_) => matches!(value, Value::Set(_)),
        Type::OneOf(types) => types.iter().any(|wanted| accepts(wanted, value)),
    }
}

/// What to write instead of a function that is missing.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    table::declaration(name)?.missing
}

/// Whether modules of version 1 may not call the function.
pub(crate) fn is_deprecated(name: &str) -> bool {
    table::declaration(name).is_some_and(|declaration| declaration.is_deprecated)
}
