//! The attacks, read from data files.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use writ_model::run::{Budget, Call, Failure, Method, Source};
use writ_model::{Digest, Language, RawJson};

/// The `functionality_data` of a rego case without its own.
const QUERY: &str = r#"{"query": "data.p.out"}"#;

/// A python policy around the body of its `eval`.
const PYTHON: &str = "<above>
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.settings = settings
    def eval(self, parameters, input_data, context):
        <body>
";

/// A module around the body of its `eval`; the text `true` stands at 16, the argument at 4096.
const WASM: &str = r#"(module
  <above>
  (memory (export "memory") 2)
  (func (export "writ_alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "eval") (param $argument i32) (param $length i32) (result i64)
    <body>)
  (data (i32.const 16) "true"))
"#;

/// The kinds of attack that every language has to face, or to say why it cannot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// The name of the kind, as in the cases.
    pub kind: String,
    /// What an attack of this kind tries, for the guide.
    pub what: String,
}

/// The data file of one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// The language that the attacks are written in.
    pub language: Language,
    /// An honest policy, which must keep working beside the attacks.
    pub canary: Canary,
    /// Kinds that cannot be expressed in the language, each with the reason.
    #[serde(default)]
    pub cannot: BTreeMap<String, String>,
    /// The attacks, in the order of the file.
    pub cases: Vec<Case>,
}

/// A policy with its input and its only answer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The source text of the policy.
    pub code: String,
    /// The data of the policy, as JSON text.
    #[serde(default)]
    pub functionality_data: Option<String>,
    /// The input of every call, as JSON text.
    pub input: String,
    /// The output of every call, as JSON text.
    pub answer: String,
}

/// One attack on a language.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The kind, as `kinds.yaml` names it.
    pub kind: String,
    /// The name, unique in its file.
    pub name: String,
    #[serde(default)]
    code: String,
    /// For python and wasm: the code above the entry point.
    #[serde(default)]
    above: String,
    #[serde(default)]
    body: String,
    /// Texts that are too long to write down; each replaces `<NAME>`.
    #[serde(default)]
    fill: BTreeMap<String, Fill>,
    #[serde(default)]
    functionality_data: Option<String>,
    #[serde(default)]
    input: Option<String>,
    /// The context that the run finds; without one it is stateless.
    #[serde(default)]
    context: Option<String>,
    /// The expected failures, of which one must occur.
    #[serde(default)]
    pub expect: Vec<String>,
    /// The harmless answer that is expected if no failure occurs.
    #[serde(default)]
    pub answer: Option<String>,
    #[serde(default)]
    time_ms: Option<u64>,
    #[serde(default)]
    memory_mib: Option<u64>,
    /// The input of another workspace's call of the same policy just before; the attack must not
    /// see any part of it.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The input of an honest call of the same policy just after; the attack must not affect it.
    #[serde(default)]
    pub then: Option<String>,
    /// Whether the benchmark runs the attack beside another workspace.
    #[serde(default)]
    pub worst: bool,
}

/// `open` times a number, `core`, `close` times the number. `#` in them counts from 0, `##` is
/// one more.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    times: usize,
    open: String,
    #[serde(default)]
    core: String,
    #[serde(default)]
    close: String,
}

impl Fill {
    fn text(&self) -> String {
        let counted = |part: &str, at: usize| {
            part.replace("##", &(at + 1).to_string()).replace('#', &at.to_string())
        };
        let opened = (0..self.times).map(|at| counted(&self.open, at));
        let closed = (0..self.times).rev().map(|at| counted(&self.close, at));
        opened.chain([self.core.clone()]).chain(closed).collect()
    }
}

/// The batteries of every language.
#[must_use]
pub fn batteries() -> Vec<Battery> {
    let texts = [
        include_str!("../attacks/python.yaml"),
        include_str!("../attacks/rego.yaml"),
        include_str!("../attacks/cedar.yaml"),
        include_str!("../attacks/cel.yaml"),
        include_str!("../attacks/wasm.yaml"),
    ];
    texts.into_iter().map(|text| yaml_serde::from_str(text).unwrap()).collect()
}

/// The kinds, in the order of the guide.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    yaml_serde::from_str(include_str!("../attacks/kinds.yaml")).unwrap()
}

impl Case {
    /// The policy, with every text filled in.
    #[must_use]
    pub fn source(&self, language: Language) -> Source {
        let code = match language {
            _ if self.body.is_empty() => self.code.clone(),
            Language::Wasm => WASM.replace("<above>", &self.above).replace("<body>", &self.body),
            _ => {
                let body = self.body.replace('\n', "\n        ");
                PYTHON.replace("<above>", &self.above).replace("<body>", &body)
            }
        };
        let data = self.functionality_data.as_deref().map(|text| self.filled(text));
        let data = data.or_else(|| (language == Language::Rego).then(|| QUERY.to_owned()));
        source(language, &self.filled(&code), data.as_deref())
    }

    /// The call that attacks.
    #[must_use]
    pub fn call(&self) -> Call {
        let input = self.input.as_deref().map_or_else(|| "{}".to_owned(), |text| self.filled(text));
        let context =
            self.context.as_deref().map(|text| RawJson::parse(&self.filled(text)).unwrap());
        Call { rule_id: self.name.clone(), context, ..call(&input) }
    }

    /// The budget of the call.
    #[must_use]
    pub fn budget(&self) -> Budget {
        // Ten times the default budget: an attack that ends by itself must do so on a slow machine
        // too. Attacks on the time set their own.
        let mut budget = Budget { time: Duration::from_secs(10), ..Budget::default() };
        if let Some(time_ms) = self.time_ms {
            budget.time = Duration::from_millis(time_ms);
        }
        if let Some(memory_mib) = self.memory_mib {
            budget.memory_bytes_max = memory_mib << 20;
        }
        budget
    }

    fn filled(&self, text: &str) -> String {
        // Twice: one text may contain the name of another.
        self.fill.iter().chain(&self.fill).fold(text.to_owned(), |text, (name, fill)| {
            text.replace(&format!("<{name}>"), &fill.text())
        })
    }
}

impl Canary {
    /// The source of the policy.
    #[must_use]
    pub fn source(&self, language: Language) -> Source {
        source(language, &self.code, self.functionality_data.as_deref())
    }

    /// A call of the policy with its input.
    #[must_use]
    pub fn call(&self) -> Call {
        Call { rule_id: "canary".to_owned(), ..call(&self.input) }
    }
}

fn source(language: Language, code: &str, functionality_data: Option<&str>) -> Source {
    let digested = format!("{language} {code} {}", functionality_data.unwrap_or_default());
    Source {
        language,
        code: code.to_owned(),
        digest: Digest::of(digested.as_bytes()),
        functionality_data: functionality_data.map(|text| RawJson::parse(text).unwrap()),
        schemas: Default::default(),
    }
}

/// A call with this input.
#[must_use]
pub fn call(input: &str) -> Call {
    Call {
        rule_id: String::new(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: RawJson::parse(input).unwrap() },
        now_ms: 1_700_000_000_000,
        seed: 7,
        context: None,
        coverage: false,
    }
}

/// The name of a failure in the data files.
#[must_use]
pub fn name_of(failure: &Failure) -> &'static str {
    match failure {
        Failure::Compile(_) => "compile",
        Failure::Schema { .. } => "schema",
        Failure::InvalidInput(_) => "invalid_input",
        Failure::InvalidOutput(_) => "invalid_output",
        Failure::Raised { .. } => "raised",
        Failure::NotJson { .. } => "not_json",
        Failure::TimedOut { .. } => "timed_out",
        Failure::OutOfMemory { .. } => "out_of_memory",
        Failure::TooDeep { .. } => "too_deep",
        Failure::OutputTooLarge { .. } => "output_too_large",
        Failure::Crashed { .. } => "crashed",
        Failure::WorkerLost { .. } => "worker_lost",
        Failure::Busy { .. } => "busy",
    }
}
