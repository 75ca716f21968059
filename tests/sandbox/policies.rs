//! Policies, calls and engines for the trials.

use std::sync::Arc;
use std::time::Duration;

use writ_engine::{Budget, Call, Engine, EngineConfig, Failure, Method, Outcome, Source};
use writ_model::{Digest, Language, RawJson};

/// The workspace of trials that need only one.
pub(crate) const WORKSPACE: &str = "default";

pub(crate) fn engine() -> Arc<Engine> {
    engine_with(|_| {})
}

/// An engine with long timeouts for a slow machine, changed by `change`.
pub(crate) fn engine_with(change: impl FnOnce(&mut EngineConfig)) -> Arc<Engine> {
    let mut config =
        EngineConfig { acquire_timeout: Duration::from_secs(60), ..EngineConfig::default() };
    config.compile.time = Duration::from_secs(60);
    change(&mut config);
    Arc::new(Engine::start(config).unwrap())
}

/// A budget that is long enough for every run that ends by itself, on any machine.
pub(crate) fn ample_budget() -> Budget {
    Budget { time: Duration::from_secs(60), ..Budget::default() }
}

/// A budget that is short enough to wait for.
pub(crate) fn short_budget() -> Budget {
    Budget { time: Duration::from_millis(500), ..Budget::default() }
}

pub(crate) fn source(language: Language, code: &str) -> Source {
    let query = match language {
        Language::Python | Language::Cedar | Language::Cel | Language::Wasm => None,
        Language::Rego => Some(RawJson::parse(r#"{"query":"data.p.out"}"#).unwrap()),
    };
    Source {
        language,
        code: code.to_owned(),
        digest: Digest::of(format!("{language} {code}").as_bytes()),
        functionality_data: query,
        schemas: Default::default(),
    }
}

/// A policy class with this body of `eval`; `before` is the code above the class.
pub(crate) fn python(before: &str, body: &str) -> Source {
    let body = body.replace('\n', "\n        ");
    source(
        Language::Python,
        &format!(
            "{before}\n\n\
             class AIOSv1PolicyRule:\n    \
                 def __init__(self, rule_id, settings, parameters):\n        \
                     self.parameters = parameters\n\n    \
                 def eval(self, parameters, input_data, context):\n        \
                     {body}\n"
        ),
    )
}

/// The languages in which a policy can return any value, so also its input.
pub(crate) const ECHO_LANGUAGES: [Language; 3] = [Language::Python, Language::Rego, Language::Cel];

/// A policy that returns its input.
pub(crate) fn echo(language: Language) -> Source {
    match language {
        Language::Python => python("", "return input_data"),
        Language::Rego => source(language, "package p\nout := input\n"),
        Language::Cel => source(language, "input"),
        Language::Cedar | Language::Wasm => panic!("{language} cannot return its input"),
    }
}

/// A policy that hangs if its input is true, and returns it otherwise.
pub(crate) fn hang_if_input_is_true() -> Source {
    python("", "while input_data:\n    pass\nreturn input_data")
}

pub(crate) fn call(input: &str) -> Call {
    Call {
        rule_id: "sandbox:1.0-test".to_owned(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: RawJson::parse(input).unwrap() },
        now_ms: 1_700_000_000_000,
        seed: 7,
        context: None,
        coverage: false,
    }
}

pub(crate) fn run(engine: &Engine, source: &Source, input: &str) -> Result<Outcome, Failure> {
    engine.run(WORKSPACE, source, &call(input), &ample_budget()).map_err(|failed| failed.failure)
}

/// A policy with a constant output, its input, and the output.
pub(crate) fn constant_policy(language: Language) -> (Source, &'static str, &'static str) {
    let document = r#"{"a":[1,2.5]}"#;
    match language {
        Language::Python | Language::Rego | Language::Cel => (echo(language), document, document),
        Language::Cedar => (
            source(language, "@id(\"all\") permit(principal, action, resource);"),
            r#"{"principal":"U::\"a\"","action":"Action::\"b\"","resource":"R::\"c\""}"#,
            r#"{"decision":"allow","reasons":["all"],"errors":[]}"#,
        ),
        Language::Wasm => (
            source(
                language,
                r#"(module
                     (memory (export "memory") 1)
                     (func (export "writ_alloc") (param i32) (result i32) (i32.const 1024))
                     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x10_00000004))
                     (data (i32.const 16) "true"))"#,
            ),
            document,
            "true",
        ),
    }
}

/// Asserts that the engine runs a policy of every language.
pub(crate) fn assert_serves(engine: &Engine) {
    for language in Language::ALL {
        let (source, input, output) = constant_policy(language);
        let outcome = run(engine, &source, input).unwrap();
        assert_eq!(outcome.output.as_str(), output, "{language}");
    }
}
