//! The table of built-in functions, and their arguments.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::context::{Context, Error};
use crate::declarations::{DECLARATIONS, Declaration};
use crate::number::Number;
use crate::value::{Array, MAX_DEPTH, Object, Set, Value};

/// The result of a call: `Ok(None)` and errors leave the expression undefined, but for errors that end the run.
pub type Answer = Result<Option<Value>, Error>;

/// The code of a built-in function.
pub(crate) type Call = fn(&mut Context<'_>, &Args<'_>) -> Answer;

/// A built-in function: its declaration and its code.
pub struct Builtin {
    /// Name, arguments and result.
    pub declaration: &'static Declaration,
    call: Call,
}

impl Builtin {
    /// The name that calls use.
    pub fn name(&self) -> &'static str {
        self.declaration.name
    }

    /// The number of arguments.
    pub fn arity(&self) -> usize {
        self.declaration.args.len()
    }

    /// Calls the function. A relation answers an array of all its results.
    pub fn call(&self, context: &mut Context<'_>, args: &[Value]) -> Answer {
        if args.len() != self.arity() {
            return Err(Error::halt(format!("{} takes {} arguments", self.name(), self.arity())));
        }
        let answer = (self.call)(context, &Args(args))?;
        if let Some(value) = &answer {
            if value.depth() > MAX_DEPTH {
                return Err(Error::halt(format!("values nest deeper than {MAX_DEPTH} levels")));
            }
            context.charge(size(value))?;
        }
        Ok(answer)
    }
}

/// About the bytes that the outermost level of a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(array) => array.len() * 24,
        Value::Set(set) => set.len() * 32,
        Value::Object(object) => object.len() * 64,
        _ => 0,
    }
}

/// The function of a name. `None`: OPA has no such function, or [`crate::declaration`] says why it is missing.
pub fn lookup(name: &str) -> Option<&'static Builtin> {
    BUILTINS.get(name)
}

static BUILTINS: LazyLock<HashMap<&'static str, Builtin>> = LazyLock::new(|| {
    let calls: HashMap<&str, Call> =
        crate::functions::tables().flatten().map(|(name, call)| (*name, *call)).collect();
    let builtins = DECLARATIONS.iter().filter_map(|declaration| {
        let call = *calls.get(declaration.name)?;
        Some((declaration.name, Builtin { declaration, call }))
    });
    builtins.collect()
});

/// The arguments of a call, as many as the function declares.
pub(crate) struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    pub(crate) fn value(&self, place: usize) -> &'a Value {
        self.0.get(place).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, place: usize) -> Result<&'a str, Error> {
        self.value(place).as_str().ok_or_else(|| self.wrong(place, &["string"]))
    }

    pub(crate) fn number(&self, place: usize) -> Result<&'a Number, Error> {
        self.value(place).as_number().ok_or_else(|| self.wrong(place, &["number"]))
    }

    pub(crate) fn array(&self, place: usize) -> Result<&'a Array, Error> {
        self.value(place).as_array().ok_or_else(|| self.wrong(place, &["array"]))
    }

    pub(crate) fn object(&self, place: usize) -> Result<&'a Object, Error> {
        self.value(place).as_object().ok_or_else(|| self.wrong(place, &["object"]))
    }

    pub(crate) fn set(&self, place: usize) -> Result<&'a Set, Error> {
        self.value(place).as_set().ok_or_else(|| self.wrong(place, &["set"]))
    }

    /// An integer of 64 bits that is written as one.
    pub(crate) fn int(&self, place: usize) -> Result<i64, Error> {
        let position = place + 1;
        let number = self.number(place)?;
        number.as_i64().ok_or_else(|| {
            Error::new(format!(
                "operand {position} must be integer number but got floating-point number"
            ))
        })
    }

    /// The members of an array or a set.
    pub(crate) fn members(&self, place: usize) -> Result<Vec<&'a Value>, Error> {
        match self.value(place) {
            Value::Array(array) => Ok(array.iter().collect()),
            Value::Set(set) => Ok(set.iter().collect()),
            _ => Err(self.wrong(place, &["array", "set"])),
        }
    }

    /// The texts of an array or a set.
    pub(crate) fn texts(&self, place: usize) -> Result<Vec<&'a str>, Error> {
        let text = |item: &'a Value| {
            item.as_str()
                .ok_or_else(|| Error::element(place + 1, self.value(place), item, &["string"]))
        };
        self.members(place)?.into_iter().map(text).collect()
    }

    pub(crate) fn wrong(&self, place: usize, expected: &[&str]) -> Error {
        Error::operand(place + 1, self.value(place), expected)
    }
}

/// A result that is there.
pub(crate) fn some(value: impl Into<Value>) -> Answer {
    Ok(Some(value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the evaluator does by itself, since it is part of the language or of the run.
    const OF_THE_EVALUATOR: [&str; 5] = ["assign", "eq", "internal.print", "print", "trace"];

    #[test]
    fn every_declared_function_is_there_or_says_why_not() {
        for declaration in DECLARATIONS {
            let is_there = lookup(declaration.name).is_some();
            let is_elsewhere = OF_THE_EVALUATOR.contains(&declaration.name);
            let places = [is_there, is_elsewhere, declaration.missing.is_some()];
            assert_eq!(
                places.iter().filter(|place| **place).count(),
                1,
                "{}: {places:?}",
                declaration.name
            );
        }
        let declared = |name| crate::declaration(name).is_some();
        for (name, _) in crate::functions::tables().flatten() {
            assert!(declared(name), "{name} is not declared");
        }
    }

    #[test]
    fn declarations_are_sorted_by_name() {
        assert!(DECLARATIONS.is_sorted_by_key(|declaration| declaration.name));
    }

    #[test]
    fn a_call_with_too_few_arguments_ends_the_run() {
        let mut context = Context::new(0, 0, 1_000);
        let count = lookup("count").unwrap();
        assert_eq!(count.call(&mut context, &[]).unwrap_err().kind, crate::ErrorKind::Halt);
    }

    #[test]
    fn results_beyond_the_budget_end_the_run() {
        let big = Value::from(3_000_000_i64);
        let cases: [(&str, Vec<Value>); 6] = [
            ("numbers.range", vec![Value::from(0_i64), big.clone()]),
            ("sprintf", vec![Value::from("%900000d"), Value::array([Value::from(1_i64)])]),
            ("net.cidr_expand", vec![Value::from("::/64")]),
            ("bits.lsh", vec![Value::from(1_i64), big]),
            (
                "replace",
                vec![
                    Value::from("a".repeat(2_000)),
                    Value::from("a"),
                    Value::from("b".repeat(1_000)),
                ],
            ),
            (
                "concat",
                vec![Value::from("c".repeat(2_000)), Value::array(vec![Value::from(""); 1_000])],
            ),
        ];
        for (name, args) in cases {
            let mut context = Context::new(0, 0, 500_000);
            let error = lookup(name).unwrap().call(&mut context, &args).unwrap_err();
            assert_eq!(error.kind, crate::ErrorKind::Halt, "{name}: {error}");
        }
    }
}
