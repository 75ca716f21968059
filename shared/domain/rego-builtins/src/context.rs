//! What a built-in function may use of a run, and how it fails.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::value::Value;

/// Whether an error leaves the expression undefined or ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// An argument has the wrong type: the expression is undefined.
    Type,
    /// An argument has the wrong value: the expression is undefined.
    Builtin,
    /// The run must end with this error: it takes too much, or the result would not be that of OPA.
    Halt,
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What the error does to the run.
    pub kind: ErrorKind,
    /// The reason, without the name of the function.
    pub message: String,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Builtin, message: message.into() }
    }

    pub(crate) fn halt(message: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Halt, message: message.into() }
    }

    /// The operand at a position, counted from 1, has the wrong type.
    pub(crate) fn operand(position: usize, found: &Value, expected: &[&str]) -> Self {
        let expected = match expected {
            [one] => (*one).to_owned(),
            several => format!("one of {{{}}}", several.join(", ")),
        };
        let message =
            format!("operand {position} must be {expected} but got {}", found.type_name());
        Error { kind: ErrorKind::Type, message }
    }

    /// A member of the operand at a position has the wrong type.
    pub(crate) fn element(
        position: usize,
        operand: &Value,
        found: &Value,
        expected: &[&str],
    ) -> Self {
        let expected = match expected {
            [one] => (*one).to_owned(),
            several => format!("(any of) {{{}}}", several.join(", ")),
        };
        let (outer, inner) = (operand.type_name(), found.type_name());
        let message = format!(
            "operand {position} must be {outer} of {expected}s but got {outer} containing {inner}"
        );
        Error { kind: ErrorKind::Type, message }
    }

    /// The code that OPA gives the error.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::Type => "eval_type_error",
            ErrorKind::Builtin => "eval_builtin_error",
            ErrorKind::Halt => "eval_cancel_error",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What a schema finds wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The field and the description.
    pub error: String,
    /// The kind of the mistake, for example `required`.
    pub kind: String,
    /// The path of the field, `(root)` for the whole document.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// Checks a document by a JSON Schema: schema, document. `Err`: the schema itself is wrong.
pub type SchemaCheck<'a> = dyn Fn(&Value, Option<&Value>) -> Result<Vec<SchemaError>, String> + 'a;

/// What a built-in function may use of a run.
pub struct Context<'a> {
    /// The time of the run, in nanoseconds since 1970.
    pub now_ns: i64,
    /// The seed of all random numbers of the run.
    pub seed: u64,
    /// How many bytes the results of all calls may still take.
    pub budget: u64,
    /// Checks documents by JSON schemas; without it, the functions that need it end the run.
    pub check_schema: Option<&'a SchemaCheck<'a>>,
    /// Remarks for the log of the run.
    pub notes: Vec<String>,
    pub(crate) regexes: HashMap<Arc<str>, Arc<Compiled>>,
    pub(crate) globs: HashMap<(Arc<str>, String), Arc<regex::Regex>>,
}

/// A compiled regular expression, and the names of its groups from 1 on.
pub(crate) struct Compiled {
    pub(crate) regex: regex::Regex,
    pub(crate) names: Vec<Option<String>>,
}

/// How many compiled patterns a run keeps.
const PATTERNS_MAX: usize = 200;

impl<'a> Context<'a> {
    /// A context of a run.
    pub fn new(now_ns: i64, seed: u64, budget: u64) -> Self {
        Context {
            now_ns,
            seed,
            budget,
            check_schema: None,
            notes: Vec::new(),
            regexes: HashMap::new(),
            globs: HashMap::new(),
        }
    }

    /// Takes bytes from the budget; the run ends where it has too few.
    pub fn charge(&mut self, bytes: usize) -> Result<(), Error> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Error::halt("the results of built-in functions take too much memory")),
        }
    }

    /// A number below `limit` that depends on the seed and the key alone.
    pub(crate) fn draw(&self, key: &str, limit: u64) -> u64 {
        // FNV-1a spreads the key, splitmix64 the sum. The policy has both the key and the number, so neither
        // needs to resist an attacker.
        let mut state = key.bytes().fold(0xcbf2_9ce4_8422_2325 ^ self.seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        u64::try_from((u128::from(state) * u128::from(limit)) >> 64).unwrap_or_default()
    }
}

/// Keeps a compiled pattern; a full table is emptied first.
pub(crate) fn keep<K: std::hash::Hash + Eq, V>(table: &mut HashMap<K, V>, key: K, value: V) {
    if table.len() >= PATTERNS_MAX {
        table.clear();
    }
    table.insert(key, value);
}
