//! The evaluator.

mod documents;
mod machine;
mod members;
mod rules;
mod terms;

use crate::diagnostic::Span;

pub(crate) use machine::{Env, Machine};

/// Why a run has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) span: Span,
}

impl Failure {
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span }
    }

    fn conflict(span: Span, message: &str) -> Self {
        Self::new("eval_conflict_error", span, message)
    }
}

pub(crate) type Run<T> = Result<T, Failure>;
