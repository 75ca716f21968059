//! Tests of whole policies, each run in one interpreter per test thread.

use writ_model::{Diagnostic, Digest, Language, RawJson};

use super::{Python, start};
use crate::language::{Program, Runtime};
use crate::{Budget, Call, Failure, Method, Outcome, Source};

mod context;
mod policies;
mod printed;
mod subset;

/// Runs a test on a thread with a stack that is large enough for the parser and the interpreter.
pub(super) fn with_python<R: Send>(test: impl FnOnce(&mut Python) -> R + Send) -> R {
    std::thread::scope(|scope| {
        let big = std::thread::Builder::new().stack_size(8 << 20);
        let run = || test(&mut start().unwrap());
        big.spawn_scoped(scope, run)
            .unwrap()
            .join()
            .unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    })
}

pub(super) fn source(code: &str) -> Source {
    Source {
        language: Language::Python,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data: None,
        schemas: Default::default(),
    }
}

pub(super) fn compile(
    python: &mut Python,
    code: &str,
) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    python.compile(&source(code))
}

pub(super) fn call(parameters: &str, input: &str) -> Call {
    let json = |text: &str| RawJson::parse(text).unwrap();
    Call {
        rule_id: "probe:1.0-test".to_owned(),
        settings: json("{}"),
        parameters: json(parameters),
        method: Method::Eval { input_data: json(input) },
        now_ms: 1_700_000_000_123,
        seed: 7,
        context: None,
        coverage: false,
    }
}

/// A policy with this body of `eval`.
pub(super) fn policy(imports: &str, body: &str) -> String {
    let body: String = body.lines().map(|line| format!("        {line}\n")).collect();
    format!(
        "{imports}\nclass AIOSv1PolicyRule:\n    def __init__(self, rule_id, settings, parameters):\n        \
         self.rule_id = rule_id\n    def eval(self, parameters, input_data, context):\n{body}"
    )
}

pub(super) fn run(python: &mut Python, code: &str, call: &Call) -> Result<Outcome, Failure> {
    let mut program = compile(python, code).unwrap_or_else(|found| panic!("{found:?}\n{code}"));
    program.run(call, &Budget::default())
}
