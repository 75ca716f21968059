//! The interface: diagnostics, prints, coverage, documents, bounds.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use writ_rego::builtin::{Context, Value, from_json_str};
use writ_rego::{Diagnostic, EvalError, Module, Options, Policy, Sink, Span, Version, compile};

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    notes: Vec<String>,
    covered: BTreeSet<u32>,
}

impl Sink for Log {
    fn print(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn trace(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    fn cover(&mut self, at: Span) {
        if at.file == 0 {
            self.covered.insert(at.line);
        }
    }
}

fn module(text: &str, version: Version) -> Module {
    Module { name: "policy.rego".to_owned(), text: text.to_owned(), version }
}

fn policy(text: &str, version: Version) -> Policy {
    compile(&[module(text, version)]).unwrap_or_else(|found| panic!("{text}\n{found:#?}"))
}

fn refused(text: &str, version: Version) -> Vec<Diagnostic> {
    match compile(&[module(text, version)]) {
        Ok(_) => panic!("accepted: {text}"),
        Err(found) => found,
    }
}

fn run(
    policy: &Policy,
    path: &[&str],
    input: &str,
    log: &mut Log,
    options: Options,
) -> Result<Option<String>, EvalError> {
    let query = policy.prepare(path).unwrap();
    let mut context = Context::new(0, 0, 1 << 30);
    let input = from_json_str(input).ok();
    let data = Value::object([]);
    let answer = policy.evaluate(&query, input, data, &mut context, log, options)?;
    Ok(answer.map(|value| value.to_json()))
}

fn decide(text: &str, version: Version, path: &[&str], input: &str) -> Option<String> {
    run(&policy(text, version), path, input, &mut Log::default(), Options::default()).unwrap()
}

#[test]
fn version_0_has_its_own_rules() {
    let cases = [
        ("package p\np { input.x }", r#"{"x": 1}"#, Some("true")),
        ("package p\np[x] { x := input[_] }", "[2, 1]", Some("[1,2]")),
        ("package p\np[x] = y { y := input[x] }", r#"{"a": 1}"#, Some(r#"{"a":1}"#)),
        ("package p\np = x { x := input.a } else = 2 { true }", "{}", Some("2")),
        (
            "package p\np[msg] { input.a; msg := \"a\" } { input.b; msg := \"b\" }",
            r#"{"b": 1}"#,
            Some(r#"["b"]"#),
        ),
        ("package p\np = 1 { in := input.x; in == 1 }", r#"{"x": 1}"#, Some("1")),
        ("package p\nimport future.keywords.in\np { 1 in input }", "[1]", Some("true")),
        ("package p\nimport rego.v1\np contains 1 if input.x", r#"{"x": 1}"#, Some("[1]")),
        ("package p\nif := 1\np := if", "{}", Some("1")),
        ("package p\np.q { true }", "{}", Some(r#"["q"]"#)),
        ("package p\np { any([false, true]) }", "{}", Some("true")),
    ];
    for (text, input, wanted) in cases {
        assert_eq!(decide(text, Version::V0, &["p", "p"], input).as_deref(), wanted, "{text}");
    }
}

#[test]
fn what_is_refused_says_where_and_what_to_write() {
    let cases = [
        ("package p\nallow { true }", "rego_parse_error", 2, 7, "if"),
        ("package p\ndeny[x] { x := 1 }", "rego_parse_error", 2, 9, "if"),
        ("package p\nx := 'a'", "rego_parse_error", 2, 6, "double quotes"),
        ("package p\nx := \"a", "rego_parse_error", 2, 6, "backticks"),
        ("x := 1", "rego_parse_error", 1, 1, "package"),
        ("package p\n\n\té := 1", "rego_parse_error", 3, 2, ""),
        ("package p\nx if not y\n", "rego_unsafe_var_error", 2, 10, "positive"),
        ("package p\nx if { a := 1; a := 2 }", "rego_compile_error", 2, 16, "different"),
        ("package p\nx if http.send({})", "rego_type_error", 2, 6, "input"),
        ("package p\nx if frobnicate(1)", "rego_type_error", 2, 6, "spelling"),
        ("package p\nx if y\ny if x", "rego_recursion_error", 2, 1, "walk"),
        ("package p\nx := 1\nx(y) := 2", "rego_type_error", 3, 1, "complete"),
        ("package p\nx := any([true])", "rego_type_error", 2, 6, "true in"),
        ("package p\nx := count(1, 2, 3)", "rego_type_error", 2, 6, ""),
        ("package p\nx := input.a\n  [0]", "rego_parse_error", 3, 3, ""),
        ("package p\nx if { \"é\" == 1 ? 2 }", "rego_parse_error", 2, 17, ""),
        ("package p\nimport foo.bar", "rego_parse_error", 2, 1, "import data.foo.bar"),
    ];
    for (text, code, line, column, help) in cases {
        let found = refused(text, Version::V1);
        let first = found.first().unwrap();
        let place = (first.code, first.line, first.column);
        assert_eq!(place, (code, line, column), "{text}\n{found:#?}");
        assert_eq!(first.file, "policy.rego");
        let said = format!("{} {}", first.message, first.help.clone().unwrap_or_default());
        assert!(said.contains(help), "{text}: {said}");
    }
}

#[test]
fn all_findings_are_reported() {
    let found = refused("package p\nx if not y\nz if foo(1)\nw if { a := 1; a := 1 }", Version::V1);
    let lines: Vec<u32> = found.iter().map(|one| one.line).collect();
    assert_eq!(lines, [2, 3, 4]);
}

#[test]
fn prints_go_to_the_sink_whatever_is_undefined() {
    let text = "package p\nx if {\n\tprint(\"a\", input.b, [1, \"c\"], input.list[_])\n\tprint()\n\ttrace(\"note\")\n}";
    let mut log = Log::default();
    let answer = run(
        &policy(text, Version::V1),
        &["p", "x"],
        r#"{"list": [1, 2]}"#,
        &mut log,
        Options::default(),
    );
    assert_eq!(answer.unwrap().as_deref(), Some("true"));
    assert_eq!(log.lines, ["a <undefined> [1, \"c\"] 1", "a <undefined> [1, \"c\"] 2", ""]);
    assert_eq!(log.notes, ["note"]);
}

#[test]
fn coverage_has_the_lines_that_ran() {
    let text = "package p\n\ndefault allow := false\n\nallow if {\n\tinput.a == 1\n\tinput.b == 2\n}\n\nallow if {\n\tinput.c\n}\n";
    let compiled = policy(text, Version::V1);
    let mut log = Log::default();
    let options = Options { coverage: true, ..Options::default() };
    let answer = run(&compiled, &["p", "allow"], r#"{"a": 1, "b": 3}"#, &mut log, options).unwrap();
    assert_eq!(answer.as_deref(), Some("false"));
    assert_eq!(compiled.lines(0), BTreeSet::from([3, 5, 6, 7, 10, 11]));
    assert!(log.covered.is_subset(&compiled.lines(0)), "{:?}", log.covered);
    assert!(log.covered.contains(&3) && !log.covered.contains(&5), "{:?}", log.covered);
}

#[test]
fn errors_of_a_run_have_a_place() {
    let text = "package p\nx := 1 if input.a\nx := 2 if input.b\nloop := count([1 | some i in numbers.range(1, 1000)])";
    let compiled = policy(text, Version::V1);
    let input = r#"{"a": 1, "b": 1}"#;
    let failure =
        run(&compiled, &["p", "x"], input, &mut Log::default(), Options::default()).unwrap_err();
    assert_eq!(
        (failure.code, failure.file.as_str(), failure.line),
        ("eval_conflict_error", "policy.rego", 3)
    );
    let few = Options { steps_max: 100, ..Options::default() };
    let failure = run(&compiled, &["p", "loop"], input, &mut Log::default(), few).unwrap_err();
    assert_eq!(failure.code, "eval_cancel_error");
    let strict = Options { strict: true, ..Options::default() };
    let text = "package p\nx := to_number(input)";
    let lenient = run(
        &policy(text, Version::V1),
        &["p", "x"],
        "\"z\"",
        &mut Log::default(),
        Options::default(),
    );
    assert_eq!(lenient, Ok(None));
    let failure =
        run(&policy(text, Version::V1), &["p", "x"], "\"z\"", &mut Log::default(), strict);
    assert_eq!(failure.unwrap_err().code, "eval_builtin_error");
}

#[test]
fn a_policy_lists_its_rules_and_tests() {
    let text =
        "package a.b\nallow if f(1)\nf(x) if x\ntest_allow if allow\ntest_f(x) := x\np.q.r := 1";
    let compiled = policy(text, Version::V1);
    let paths: Vec<String> = compiled.rules().iter().map(|rule| rule.path.join(".")).collect();
    assert_eq!(paths, ["a.b.allow", "a.b.f", "a.b.p.q.r", "a.b.test_allow", "a.b.test_f"]);
    let tests: Vec<String> = compiled.tests().iter().map(|rule| rule.path.join(".")).collect();
    assert_eq!(tests, ["a.b.test_allow"]);
    assert_eq!(compiled.packages(), [["a", "b"]]);
    assert!(compiled.has(&["a", "b", "p"]) && !compiled.has(&["a", "c"]));
    assert_eq!(compiled.documents(), 3);
}

/// The texts that an attacker would send; each is answered by a finding or a value.
#[test]
fn no_source_overflows_the_stack() {
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    thread.spawn(run_hostile_sources).unwrap().join().unwrap();
}

fn run_hostile_sources() {
    let many = 50_000;
    let deep: Vec<String> =
        ["(", "[", "{", "{\"a\":", "[x | x := ", "f(", "-", "not ", "a[", "$\"{"]
            .iter()
            .flat_map(|open| {
                [format!("x := {}", open.repeat(many)), format!("x if {}", open.repeat(60))]
            })
            .collect();
    let chains = [
        format!("x := {}", vec!["1"; many].join(" + ")),
        format!("x := {}", vec!["1"; 190].join(" + ")),
        format!("x := {}", vec!["1"; many].join(" in ")),
        format!("x := input{}", ".a".repeat(many)),
        format!("x if {{\n{}}}", "true\n".repeat(5_000)),
        format!("x := 1 if {{ false }}{}", " else := 1 if { false }".repeat(2_000)),
        (0..2_000).map(|n| format!("a{n} := a{}\n", n + 1)).collect::<String>()
            + "a2000 := 1\nx := a0",
        format!(
            "x if {{\n{}}}",
            (0..700).map(|n| format!("some a{n} in [1]\n")).collect::<String>()
        ),
        (0..60).map(|n| format!("f{n}(x) := f{}(x) + f{}(x)\n", n + 1, n + 1)).collect::<String>()
            + "f60(x) := x\nx := f0(1)",
        format!("x := {}1{}", "{".repeat(60), "}".repeat(60)),
        format!("x := {}1{}", "[".repeat(30), " | 2, 3]".repeat(30)),
    ];
    for source in deep.iter().chain(&chains) {
        let text = format!("package p\n{source}\n");
        if let Ok(compiled) = compile(&[module(&text, Version::V1)]) {
            let _ = run(&compiled, &["p", "x"], "{}", &mut Log::default(), Options::default());
        }
    }
}

#[test]
fn functions_keep_their_results() {
    let chain: String =
        (0..40).map(|n| format!("f{n}(x) := f{}(x) + f{}(x)\n", n + 1, n + 1)).collect();
    let text = format!("package p\n{chain}f40(x) := x\nx := f0(1)\n");
    assert_eq!(decide(&text, Version::V1, &["p", "x"], "{}").as_deref(), Some("1099511627776"));
}
