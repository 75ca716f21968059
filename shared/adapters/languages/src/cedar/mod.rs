//! Cedar policies, run by the crate `cedar-policy`.
//!
//! A policy's code is a set of Cedar policies. `functionality_data` may hold a schema, against
//! which they are validated when the policy is created and every request when it runs, and links
//! of templates. Entities come from the settings, the parameters and the input; a request is the
//! input itself, in Cedar's own JSON notation, and the output is Cedar's decision with the policies
//! that determined it.

mod compile;
mod diagnose;
mod entities;
mod json_fast_path;
mod links;
mod outcome;
mod policies;
mod program;
mod reference;
mod request;
mod schema;

use std::str::FromStr;

use cedar_policy::PolicySet;
use writ_model::{Diagnostic, Digest, Language, RawJson};

use crate::language::{Program, Runtime};
use crate::{Budget, Call, Method, Source};

/// Starts the language's runtime, warm: a worker forks from a process that has built the parsers'
/// tables and has read the size of its stack, which the evaluator needs and a sandboxed process
/// cannot read.
pub(crate) fn runtime() -> impl Runtime {
    warm();
    Cedar
}

struct Cedar;

impl Runtime for Cedar {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let compiled = compile::compile(source)?;
        Ok(Box::new(program::CedarProgram::new(compiled)))
    }
}

/// Compiles and runs a policy once, so that lazy initialisation is done in the zygote. The outcome
/// is ignored.
fn warm() {
    const CODE: &str = r#"permit(principal, action, resource) when { ip("::1").isLoopback() && decimal("1.0") == decimal("1.0") && duration("1s") == duration("1s") && [1].contains(1) };"#;
    const SCHEMA: &str =
        r#"{"schema": "entity U; action a appliesTo {principal: U, resource: U};"}"#;
    const INPUT: &str = r#"{"principal": "U::\"u\"", "action": "Action::\"a\"", "resource": "U::\"u\"", "entities": [{"uid": {"type": "U", "id": "u"}, "attrs": {}, "parents": []}]}"#;
    let json = |text| RawJson::parse(text).unwrap_or_default();
    let source = Source {
        language: Language::Cedar,
        code: CODE.to_owned(),
        digest: Digest::of(CODE.as_bytes()),
        functionality_data: Some(json(SCHEMA)),
        schemas: Default::default(),
    };
    let call = Call {
        rule_id: String::new(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: json(INPUT) },
        now_ms: 0,
        seed: 0,
        context: None,
        coverage: false,
    };
    if let Ok(compiled) = compile::compile(&source) {
        let _ = program::CedarProgram::new(compiled).run(&call, &Budget::default());
    }
    // The reporting of syntax errors has tables of its own.
    let _ = PolicySet::from_str("permit(");
}
