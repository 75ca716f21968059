//! Small modules in text: their runs, their failures, and the diagnostics of invalid ones.

use writ_model::{CONTEXT_BYTES_MAX, Digest, Language, RawJson};

use super::*;
use crate::{Budget, Call, Failure, Method, Outcome};

mod refused;
mod runs;

/// A module with text at 16 and an allocator that starts at 4096.
fn module(imports: &str, data: &str, eval: &str) -> String {
    format!(
        r#"(module {imports}
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))
  (func $alloc (export "writ_alloc") (param $n i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $n))))
  (func $at (param $p i32) (param $n i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $p)) (i64.const 32))
            (i64.extend_i32_u (local.get $n))))
  (func $eval (export "eval") (param $p i32) (param $n i32) (result i64)
{eval})
  (data (i32.const 16) "{data}"))"#
    )
}

fn compile(code: &str) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    runtime().compile(&Source {
        language: Language::Wasm,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data: None,
        schemas: Default::default(),
    })
}

fn compiled(code: &str) -> Box<dyn Program> {
    compile(code).unwrap_or_else(|problems| panic!("{problems:#?}\n{code}"))
}

fn call(input: &str) -> Call {
    Call {
        rule_id: "test:1.0-beta".to_owned(),
        settings: RawJson::parse(r#"{"s": 1.00}"#).unwrap(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: RawJson::parse(input).unwrap() },
        now_ms: 1_700_000_000_123,
        seed: 7,
        context: None,
        coverage: false,
    }
}

fn with_context(context: &str) -> Call {
    Call { context: Some(RawJson::parse(context).unwrap()), ..call("1") }
}

/// The result of a run as one line: the output, or `kind: message`.
fn line(result: &Result<Outcome, Failure>) -> String {
    match result {
        Ok(outcome) => outcome.output.as_str().to_owned(),
        Err(Failure::Raised { kind, message, .. }) => format!("{kind}: {message}"),
        Err(other) => other.to_string(),
    }
}
