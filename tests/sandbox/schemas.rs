//! Hostile schemas and documents: each costs its own call, and the platform's process next to nothing.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Map, Value, json};
use writ_engine::{Budget, Engine, EngineConfig, Failure, Source};
use writ_model::run::{Document, DocumentKind, Schemas};
use writ_model::{Digest, Language, RawJson};
use writ_tests::procfs;
use writ_tests::schemas::{doubling, errors_in_errors, reference_chain};

use crate::policies::{WORKSPACE, ample_budget, call, echo, engine, engine_with, run, source};
use crate::trial;

/// Schemas and documents that the generator makes.
const GENERATED: u64 = 150;
/// What this process may grow by meanwhile, in kB. A document has up to a megabyte, and a schema that
/// the worker applies to it may take what the worker may.
const GROWTH_KB_MAX: u64 = 150 << 10;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_chain_of_references_is_followed_or_refused", chain),
        trial("a_schema_that_never_ends_costs_its_own_run", endless),
        trial("of_half_a_million_violations_at_most_twenty_are_made", many_violations),
        trial("a_worker_with_a_large_schema_serves_many_runs", large_and_reused),
        trial("nothing_that_is_generated_harms_the_platform", generated),
    ]
}

/// A policy of `true` with this schema of its input.
fn with_schema(schema: &Value) -> Source {
    let schemas = Schemas { input: RawJson::of(schema), ..Schemas::default() };
    let digest = Digest::of(schema.to_string().as_bytes());
    Source { schemas, digest, ..source(Language::Cel, "true") }
}

fn input(value: Value) -> [Document; 1] {
    let (subject, value) = ("inputs".to_owned(), RawJson::of(&value));
    [Document { subject, kind: DocumentKind::Input, value }]
}

fn assert_serves_others(engine: &Engine) {
    let outcome = engine.run("others", &echo(Language::Rego), &call("1"), &ample_budget());
    assert_eq!(outcome.unwrap().output.as_str(), "1");
}

/// The largest memory that this process had, in kB.
fn peak_kb() -> u64 {
    let peak = procfs::status(procfs::own(), "VmHWM").unwrap();
    peak.trim_end_matches("kB").trim().parse().unwrap()
}

fn chain() {
    let engine = engine();
    let policy = with_schema(&reference_chain(20_000));
    engine.check(WORKSPACE, &policy, &[]).unwrap();
    engine.validate(WORKSPACE, &policy, &input(json!("a"))).unwrap();
    for failure in [
        engine.validate(WORKSPACE, &policy, &input(json!(1))).unwrap_err(),
        run(&engine, &policy, "1").unwrap_err(),
    ] {
        let Failure::InvalidInput(violations) = failure else { panic!("{failure:?}") };
        assert_eq!(violations.len(), 1);
    }
    assert_serves_others(&engine);
}

fn endless() {
    let engine = engine_with(|config| config.compile.time = Duration::from_millis(700));
    let policy = with_schema(&doubling(40));
    engine.check(WORKSPACE, &policy, &[]).unwrap();
    let budget = Budget { time: Duration::from_millis(300), ..ample_budget() };
    let failed = engine.run(WORKSPACE, &policy, &call("1"), &budget).unwrap_err();
    assert_eq!(failed.failure, Failure::TimedOut { budget_ms: 300 });
    assert_serves_others(&engine);
    let failure = engine.validate(WORKSPACE, &policy, &input(json!(1))).unwrap_err();
    let Failure::Schema { location, message } = &failure else { panic!("{failure:?}") };
    assert_eq!(location, "/policy_input_schema");
    assert!(message.contains("700 ms"), "{message}");
    assert_serves_others(&engine);
}

fn many_violations() {
    let before = peak_kb();
    let engine = engine();
    let policy = with_schema(&errors_in_errors());
    // The larger one is what a request's body can hold.
    for (count, most) in [(3, 3), (450_000, 20)] {
        let value = json!(vec![1_234_567; count]);
        let failure = engine.validate(WORKSPACE, &policy, &input(value.clone())).unwrap_err();
        let Failure::InvalidInput(violations) = failure else { panic!("{failure:?}") };
        assert!((1..=most).contains(&violations.len()), "{}", violations.len());
        // Within the usual budget of memory.
        let failure = run(&engine, &policy, &value.to_string()).unwrap_err();
        assert!(matches!(failure, Failure::InvalidInput(_)), "{failure:?}");
    }
    assert!(peak_kb() - before < GROWTH_KB_MAX, "{} kB", peak_kb() - before);
}

/// The allocator of the C library serves ever larger pieces from its heap, after large ones were
/// freed.
fn large_and_reused() {
    let engine = engine();
    let policy = with_schema(&reference_chain(20_000));
    for _ in 0..5 {
        assert_eq!(run(&engine, &policy, r#""a""#).unwrap().output.as_str(), "true");
    }
    assert_eq!((engine.stats().starts, engine.stats().reuses), (1, 4));
}

/// Numbers from a seed (SplitMix64), so that each case can be repeated.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()].clone()
    }

    fn number(&mut self) -> Value {
        let texts = ["0", "-1", "1e400", "1e-400", "123456789012345678901234567890", "0.1", "3"];
        serde_json::from_str(self.pick(&texts)).unwrap()
    }

    /// A schema with parts that refer to the whole and to one another.
    fn schema(&mut self, depth: u64) -> Value {
        let reference = |seeded: &mut Self| {
            let targets =
                ["#", "#/$defs/x", "#/$defs/y", "#/$defs/missing", "https://example.com/s"];
            json!({"$ref": seeded.pick(&targets)})
        };
        if depth == 0 {
            return match self.below(4) {
                0 => reference(self),
                1 => json!({"type": self.pick(&["string", "array", "object", "integer", "null"])}),
                2 => json!({"enum": [1, "a", null, [], {}]}),
                _ => json!(true),
            };
        }
        let below = |seeded: &mut Self| seeded.schema(depth - 1);
        let several = |seeded: &mut Self| {
            let count = 1 + seeded.below(4);
            (0..count).map(|_| seeded.schema(depth - 1)).collect::<Vec<_>>()
        };
        match self.below(14) {
            0 => json!({"anyOf": several(self)}),
            1 => json!({"allOf": several(self)}),
            2 => json!({"oneOf": several(self), "unevaluatedProperties": false}),
            3 => json!({"not": below(self)}),
            4 => json!({"if": below(self), "then": below(self), "else": below(self)}),
            5 => json!({"items": below(self), "uniqueItems": true, "contains": below(self)}),
            6 => json!({"prefixItems": several(self), "unevaluatedItems": below(self)}),
            7 => json!({"properties": {"a": below(self)}, "additionalProperties": below(self)}),
            8 => json!({"patternProperties": {"^(a|b|c)*$": below(self)}}),
            9 => json!({"propertyNames": below(self), "minProperties": self.number()}),
            10 => json!({"multipleOf": self.number(), "maximum": self.number()}),
            11 => json!({"pattern": self.pick(&[
                "(a|aa)+$", "(x{1000}){1000}", "[a-z]*[0-9]*", "(?=x)", "\\p{L}{1,1000}", "(",
            ])}),
            12 => json!({"minLength": self.number(), "maxItems": self.number()}),
            _ => reference(self),
        }
    }

    fn document(&mut self) -> Value {
        match self.below(7) {
            0 => (0..100).fold(json!(1), |inner, _| json!([inner])),
            1 => (0..100).fold(json!(1), |inner, _| json!({"a": inner})),
            2 => json!(vec![self.number(); 20_000]),
            3 => (0..5_000).map(|n| (format!("k{n}"), json!(n))).collect::<Map<_, _>>().into(),
            4 => "a".repeat(500_000).into(),
            5 => self.number(),
            _ => json!((0..1_000).map(|n| json!({"a": n, "b": [n]})).collect::<Vec<_>>()),
        }
    }
}

/// Each of them is applied or refused; whatever it takes, other workspaces are served, and this
/// process, which is the platform's, neither ends nor grows beyond its bound.
fn generated() {
    let config = |config: &mut EngineConfig| config.compile.time = Duration::from_millis(500);
    let engine = engine_with(config);
    assert_serves_others(&engine);
    let before = peak_kb();
    let budget = Budget { time: Duration::from_millis(200), ..ample_budget() };
    for seed in 0..GENERATED {
        let mut seeded = Seeded(seed);
        let depth = 1 + seeded.below(5);
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": "#/$defs/x", "$defs": {"x": seeded.schema(depth), "y": seeded.schema(depth)},
        });
        let (policy, document) = (with_schema(&schema), seeded.document());
        let validated = engine.validate(WORKSPACE, &policy, &input(document.clone()));
        let ran = engine.run(WORKSPACE, &policy, &call(&document.to_string()), &budget);
        let ran = ran.map(drop).map_err(|failed| failed.failure);
        let applied = |result: &Result<(), Failure>| {
            !matches!(result, Err(Failure::WorkerLost { .. } | Failure::Busy { .. }))
        };
        assert!(applied(&validated) && applied(&ran), "{seed}: {validated:?} {ran:?}\n{schema}");
        if seed % 10 == 0 {
            assert_serves_others(&engine);
        }
    }
    assert_serves_others(&engine);
    let growth = peak_kb() - before;
    println!("{GENERATED} schemas: this process grew by {growth} kB");
    assert!(growth < GROWTH_KB_MAX, "{growth} kB");
}
