mod modules;

use writ_model::{Diagnostic, Digest, Language, RawJson};

use super::*;
use crate::Source;

fn source(code: &str, query: Option<&str>) -> Source {
    let data = query.map(|query| RawJson::of(&serde_json::json!({ "query": query })));
    Source {
        language: Language::Rego,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data: data,
        schemas: Default::default(),
    }
}

fn compile(code: &str, query: Option<&str>) -> Result<RegoProgram, Vec<Diagnostic>> {
    crate::rego::compile::compile(&source(code, query)).map(RegoProgram::new)
}

fn call(input: &str) -> Call {
    Call {
        rule_id: "test:1.0-beta".to_owned(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: RawJson::parse(input).unwrap() },
        now_ms: 1_700_000_000_123,
        seed: 7,
        context: None,
        coverage: false,
    }
}

fn run(code: &str, query: Option<&str>, input: &str) -> Result<Outcome, Failure> {
    let mut program =
        compile(code, query).unwrap_or_else(|problems| panic!("{problems:#?}\n{code}"));
    program.run(&call(input), &Budget::default())
}

/// The result of a run as one line: the output, or `kind: message`.
fn line(result: &Result<Outcome, Failure>) -> String {
    match result {
        Ok(outcome) => outcome.output.as_str().to_owned(),
        Err(Failure::Raised { kind, message, .. }) => format!("{kind}: {message}"),
        Err(other) => other.to_string(),
    }
}

const ALLOW: Option<&str> = Some("data.p.allow");

/// Code after `package p`, query, input, expected result.
type Run = (&'static str, Option<&'static str>, &'static str, &'static str);
const RUNS: &[Run] = &[
    ("default allow := false\nallow if input.x > 1", ALLOW, r#"{"x": 2}"#, "true"),
    ("default allow := false\nallow if input.x > 1", ALLOW, r#"{"x": 1}"#, "false"),
    ("import rego.v1\nallow if input.x > 1", ALLOW, r#"{"x": 2}"#, "true"),
    (
        "allow if input.x > 1",
        ALLOW,
        "{}",
        "rego.undefined: `data.p.allow` is undefined for this input; decide the rest by `default allow := ...`",
    ),
    ("a := 1\nb if input.x\nc := {3, 1, 2}\nf(x) := x", None, "{}", r#"{"a":1,"c":[1,2,3]}"#),
    (
        "a.b := 1\na.c := input.x\nd contains x if some x in input.l",
        None,
        r#"{"x": 5, "l": [2, 1, 2]}"#,
        r#"{"a":{"b":1,"c":5},"d":[1,2]}"#,
    ),
    ("m[k] := v if some k, v in input", None, r#"{"z": 1, "a": 2}"#, r#"{"m":{"a":2,"z":1}}"#),
    ("", None, "{}", "{}"),
    ("allow := data.context", ALLOW, "{}", "{}"),
    ("allow := input", ALLOW, "123456789012345678901234567890", "123456789012345678901234567890"),
    ("allow := input + 1", ALLOW, "18446744073709551615", "18446744073709551616"),
    ("allow := input", ALLOW, "0.1", "0.1"),
    ("allow := {1: \"a\", true: null}", ALLOW, "{}", r#"{"1":"a","true":null}"#),
    ("allow := upper(input)", ALLOW, "\"e\u{301}😀\"", "\"E\u{301}😀\""),
    ("allow := count([x | some x in input; x > 1])", ALLOW, "[1,2,3]", "2"),
    ("allow if every x in input { x > 0 }", ALLOW, "[1,2]", "true"),
    ("allow := x if { some i; x := input[i]; i > 0 }", ALLOW, "[1,2]", "2"),
    ("allow := 1 if input.a else := 2 if input.b else := 3", ALLOW, r#"{"b": true}"#, "2"),
    ("allow if not input.denied", ALLOW, "{}", "true"),
    (
        "allow if 1 / input == 1",
        ALLOW,
        "0",
        "rego.undefined: `data.p.allow` is undefined for this input; decide the rest by `default allow := ...`",
    ),
    ("allow := to_number(\"x\")", None, "0", "{}"),
    ("allow := sprintf(\"%d of %s\", [1, \"x\"])", ALLOW, "0", "\"1 of x\""),
    ("allow := sprintf(input, [1])", ALLOW, "\"<%d>\"", "\"<1>\""),
    ("allow := numbers.range(1, input)", ALLOW, "4", "[1,2,3,4]"),
    ("allow := numbers.range_step(0, 10, 5)", ALLOW, "4", "[0,5,10]"),
    (
        "allow := count(numbers.range(1, 1000000000))",
        ALLOW,
        "4",
        "rego.evaluation: numbers.range: the results of built-in functions take too much memory",
    ),
    ("allow := numbers.range_step(1, 5, 0)", None, "4", "{}"),
    ("allow := time.now_ns()", ALLOW, "0", "1700000000123000000"),
    ("allow if rand.intn(\"a\", 9) == rand.intn(\"a\", 9)", ALLOW, "0", "true"),
    ("allow if uuid.rfc4122(\"a\") == uuid.rfc4122(\"a\")", ALLOW, "0", "true"),
    (
        "allow := [x | walk(input, [_, x]); is_number(x)]",
        ALLOW,
        "{\"a\": [1, {\"b\": 2}]}",
        "[1,2]",
    ),
    ("allow := time.parse_rfc3339_ns(input)", ALLOW, "\"1970-01-01T00:00:01Z\"", "1000000000"),
    ("allow := time.clock([time.now_ns(), \"Asia/Kolkata\"])", ALLOW, "0", "[3,43,20]"),
    ("allow := time.clock([time.now_ns(), \"Local\"])", ALLOW, "0", "[22,13,20]"),
    ("allow := [time.date(input), time.weekday(input)]", ALLOW, "0", "[[1970,1,1],\"Thursday\"]"),
    (
        "allow := time.format([0, \"UTC\", \"RFC1123\"])",
        ALLOW,
        "0",
        "\"Thu, 01 Jan 1970 00:00:00 UTC\"",
    ),
    ("allow := base64url.encode_no_pad(input)", ALLOW, "\"a?>\"", "\"YT8-\""),
    (
        "allow := urlquery.decode_object(input)",
        ALLOW,
        "\"a=1&a=2&b=\"",
        r#"{"a":["1","2"],"b":[""]}"#,
    ),
    ("allow := yaml.unmarshal(input)", ALLOW, "\"a: [1, x]\"", r#"{"a":[1,"x"]}"#),
    (
        "allow := json.patch(input, [{\"op\": \"add\", \"path\": \"/a/b\", \"value\": 2}])",
        ALLOW,
        r#"{"a": {}}"#,
        r#"{"a":{"b":2}}"#,
    ),
    ("allow := json.match_schema(input, {\"type\": \"string\"})[0]", ALLOW, "{}", "false"),
    ("allow := json.match_schema(input, {})", ALLOW, "[1]", "[true,[]]"),
    (
        "allow := json.match_schema(json.marshal(input), {\"required\": [\"owner\"]})[1][_].error",
        ALLOW,
        "{}",
        "\"(Root): owner is required\"",
    ),
    (
        "allow := graph.reachable(input, {\"a\"})",
        ALLOW,
        r#"{"a": ["b"], "b": [], "c": []}"#,
        r#"["a","b"]"#,
    ),
    ("allow if net.cidr_expand(\"10.0.0.0/30\")[\"10.0.0.3\"]", ALLOW, "0", "true"),
    (
        "allow := count(net.cidr_expand(\"10.0.0.0/8\"))",
        ALLOW,
        "0",
        "rego.evaluation: net.cidr_expand: the results of built-in functions take too much memory",
    ),
    (
        "allow := count(graph.reachable_paths({x: [x + 1] | some x in numbers.range(1, 2000)}, {1}))",
        ALLOW,
        "0",
        "1",
    ),
    (
        "allow := crypto.sha256(input)",
        ALLOW,
        "\"\"",
        "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
    ),
    ("allow if trace(\"seen\")", ALLOW, "0", "true"),
    // Other evaluators had these wrong.
    (
        "allow if input.package.format == \"npm\"",
        ALLOW,
        r#"{"package": {"format": "npm"}}"#,
        "true",
    ),
    ("allow := data.nothing if input else := 2", ALLOW, "true", "2"),
    ("default allow := [x | some x in [1, 2]]", ALLOW, "0", "[1,2]"),
    (
        "default f(_) := \"no\"\nf(1) := \"yes\"\nallow := [f(1), f(2)]",
        ALLOW,
        "0",
        r#"["yes","no"]"#,
    ),
    ("allow if net.cidr_contains(\"10.0.0.0/8\", input)", ALLOW, "\"10.9.9.9\"", "true"),
    ("x := input.y\nallow if x == 5 with input.y as 5", ALLOW, r#"{"y": 1}"#, "true"),
    (
        "a.b := 1\na.c := a.b + 1\nx := y if { y := a.c }\ny := x",
        None,
        "0",
        r#"{"a":{"b":1,"c":2},"x":2,"y":2}"#,
    ),
    ("allow := x if some x in input", ALLOW, "[1, 1]", "1"),
    (
        "allow := x if some x in input",
        ALLOW,
        "[1, 2]",
        "rego.conflict: complete rules must not produce multiple outputs",
    ),
    (
        "m[k] := v if some v, k in input",
        None,
        "[1, 1]",
        "rego.conflict: object keys must be unique",
    ),
    (
        "allow := {k: v | some v, k in input}",
        ALLOW,
        "[1, 1]",
        "rego.conflict: object keys must be unique",
    ),
    ("allow if input.a\nallow if input.b", ALLOW, r#"{"a": 1, "b": 1}"#, "true"),
    (
        "allow := 1 if input.a\nallow := 2 if input.b",
        ALLOW,
        r#"{"a": true, "b": true}"#,
        "rego.conflict: complete rules must not produce multiple outputs",
    ),
    (
        "f(x) := 1 if x.a\nf(x) := 2 if x.b\nallow := f(input)",
        ALLOW,
        r#"{"a": true, "b": true}"#,
        "rego.conflict: functions must not produce multiple outputs for same inputs",
    ),
];

#[test]
fn runs_give_what_opa_users_expect() {
    let mut wrong = Vec::new();
    for (rules, query, input, expected) in RUNS {
        let code = format!("package p\n{rules}\n");
        let found = line(&run(&code, *query, input));
        let covered = Call { coverage: true, ..call(input) };
        let with_coverage =
            line(&compile(&code, *query).unwrap().run(&covered, &Budget::default()));
        if found != *expected || with_coverage != *expected {
            wrong.push(format!(
                "{rules}\n  expected {expected}\n  found    {found}\n  covered  {with_coverage}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Code, code of the diagnostic, its location, a part of its message or help.
type Problem = (&'static str, &'static str, Option<(u32, u32)>, &'static str);
const PROBLEMS: &[Problem] = &[
    ("package p\nallow if (", "rego.syntax", Some((2, 11)), "end of file"),
    ("package p\nallow { true }", "rego.syntax", Some((2, 7)), "OPA 1.0"),
    ("package p\ndeny[x] { x := 1 }", "rego.syntax", Some((2, 9)), "OPA 1.0"),
    ("package p\nallow if { x = y; y = x }", "rego.unsafe-variable", Some((2, 12)), "positive"),
    ("package p\nallow if { x == y; y := x }", "rego.unsafe-variable", Some((2, 12)), "var x"),
    ("package p\nallow if x > 1", "rego.unsafe-variable", Some((2, 10)), "var x"),
    (
        "package p\nallow if not q\nq if not allow",
        "rego.recursion",
        Some((2, 1)),
        "data.p.allow -> data.p.q -> data.p.allow",
    ),
    (
        "package p\nallow := f(1)\nf(x) := f(x - 1)",
        "rego.recursion",
        Some((3, 1)),
        "data.p.f -> data.p.f",
    ),
    ("package p\nx := count(data.p)", "rego.recursion", Some((2, 1)), "data.p.x -> data.p.x"),
    (
        "package p\nimport data.p as own\nx if own.y\ny if x",
        "rego.recursion",
        Some((3, 1)),
        "data.p.x -> data.p.y -> data.p.x",
    ),
    ("package p\na := b\nb := c with input as 1\nc := a", "rego.syntax", Some((3, 8)), "with"),
    (
        "package p\n\n  allow if http.send({}).x",
        "rego.unknown-function",
        Some((3, 12)),
        "needs the network",
    ),
    ("package p\nallow if opa.runtime().x", "rego.unknown-function", Some((2, 10)), "in `input`"),
    (
        "package p\nf(x) := crypto.x509.parse_certificates(x)",
        "rego.unknown-function",
        Some((2, 9)),
        "before the call",
    ),
    (
        "package p\nallow := rego.parse_module(\"a\", \"b\")",
        "rego.unknown-function",
        Some((2, 10)),
        "run time",
    ),
    ("package p\nallow := count([1], x, 2)", "rego.arguments", Some((2, 10)), "takes 1 arguments"),
    ("package parameters\nallow := 1", "rego.reserved-package", Some((1, 9)), "data.parameters"),
    ("package p\nallow := 1e1000000000", "rego.number", Some((2, 10)), "exponent"),
    ("", "rego.syntax", None, ""),
];

#[test]
fn what_cannot_run_is_refused_with_its_location_and_help() {
    let mut wrong = Vec::new();
    for (code, finding, place, says) in PROBLEMS {
        let problems = compile(code, None).err().unwrap_or_default();
        let Some(problem) = problems.first() else {
            wrong.push(format!("{code}\n  compiles"));
            continue;
        };
        let text = format!("{} {}", problem.message, problem.help.as_deref().unwrap_or_default());
        let found = problem.line.zip(problem.column);
        if problem.code != *finding || (place.is_some() && found != *place) || !text.contains(says)
        {
            wrong.push(format!("{code}\n  {problem:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_query_that_names_no_rule_is_refused_with_the_rules_that_are() {
    for query in ["data.p.alow", "data.q.allow", "data.p[x]", "input", "alow", "data"] {
        let problems = compile("package p\nallow := 1\ndeny := 2", Some(query)).err().unwrap();
        assert_eq!(problems.len(), 1, "{query}");
        assert_eq!(problems[0].code, "rego.query", "{query}");
    }
    let problems = compile("package p\nallow := 1\ndeny := 2", Some("data.p.alow")).err().unwrap();
    assert_eq!(problems[0].help.as_deref(), Some("the rules are `allow`, `deny`"));
}

#[test]
fn sources_built_to_overflow_a_stack_are_refused() {
    let cases = [
        format!("package p\nx := {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("package p\nx := {}{}", "[".repeat(20_000), "]".repeat(20_000)),
        format!("package p\nx := 1{}", "\n+ 1".repeat(100_000)),
        format!("package p\nx := {}", "y[".repeat(40)),
        format!("package p\nx if {}true", "not ".repeat(20_000)),
    ];
    for code in cases {
        let problems = compile(&code, None).err();
        assert!(problems.is_some_and(|problems| !problems.is_empty()), "{}", &code[..40]);
    }
}

#[test]
fn a_package_may_have_several_parts_of_any_spelling() {
    let cases = [
        ("package a.b.c", None, r#"{"x":1}"#),
        ("package a[\"b-c\"].d", None, r#"{"x":1}"#),
        ("package a.b.c", Some("data.a.b.c"), r#"{"x":1}"#),
        ("package a.b.c", Some("data.a.b.c.x"), "1"),
        ("package a[\"b-c\"].d", Some("data.a[\"b-c\"].d.x"), "1"),
    ];
    for (package, query, expected) in cases {
        assert_eq!(line(&run(&format!("{package}\nx := 1"), query, "{}")), expected, "{package}");
    }
}

#[test]
fn parameters_and_settings_hold_what_their_names_say() {
    let mut program =
        compile("package p\nallow := [data.settings.a, data.parameters.a]", ALLOW).unwrap();
    for (settings, parameters, expected) in
        [("1", "2", "[1,2]"), ("1", "3", "[1,3]"), ("4", "3", "[4,3]")]
    {
        let document = |value: &str| RawJson::parse(&format!("{{\"a\": {value}}}")).unwrap();
        let call =
            Call { settings: document(settings), parameters: document(parameters), ..call("0") };
        let outcome = program.run(&call, &Budget::default()).unwrap();
        assert_eq!(outcome.output.as_str(), expected);
    }
}

#[test]
fn a_run_sees_nothing_of_an_earlier_one() {
    let code = "package p\nseen := object.union(input, {\"n\": rand.intn(\"k\", 1000), \"t\": time.now_ns()})\nlen := count(data.parameters)";
    let mut program = compile(code, None).unwrap();
    let first = program.run(&call("{\"a\": 1}"), &Budget::default()).unwrap().output;
    let mut other = call("{\"b\": 2}");
    other.seed = 8;
    other.now_ms = 5;
    other.parameters = RawJson::parse("{\"p\": [1]}").unwrap();
    let between = program.run(&other, &Budget::default()).unwrap().output;
    assert_ne!(first, between);
    assert!(between.as_str().contains("\"len\":1") && !between.as_str().contains("\"a\""));
    let again = program.run(&call("{\"a\": 1}"), &Budget::default()).unwrap().output;
    assert_eq!(first, again);
}

#[test]
fn what_is_printed_is_captured_and_bounded() {
    let mut program =
        compile("package p\nallow if { print(\"x is\", input.x, [1, \"é\"]); true }", ALLOW)
            .unwrap();
    let outcome = program.run(&call("{\"x\": \"y\"}"), &Budget::default()).unwrap();
    assert_eq!(outcome.printed, "x is y [1, \"é\"]\n");
    let budget = Budget { output_bytes_max: 6, ..Budget::default() };
    assert_eq!(program.run(&call("{\"x\": \"y\"}"), &budget).unwrap().printed, "x is y");
}

#[test]
fn what_is_printed_before_a_run_fails_is_kept() {
    let cases = [
        ("allow := 1 if { print(\"p\"); input.x == 2 }", "is undefined", "p\n"),
        (
            "allow := 1 if { print(\"p\"); trace(\"t\") }\nallow := 2 if input.x == 1",
            "conflict",
            "p\nnote: t\n",
        ),
        ("allow := numbers.range(1, 99) if print(\"p\")", "bytes", "p\n"),
    ];
    for (rule, message, printed) in cases {
        let mut program = compile(&format!("package p\n{rule}"), ALLOW).unwrap();
        let budget = Budget { output_bytes_max: 12, ..Budget::default() };
        let failure = program.run(&call("{\"x\": 1}"), &budget).unwrap_err();
        assert!(failure.to_string().contains(message), "{failure}");
        assert_eq!(program.take_printed(), printed, "{rule}");
    }
}

#[test]
fn notes_of_trace_are_captured_behind_what_is_printed() {
    let code = "package p\nallow if { trace(sprintf(\"x is %v\", [input.x])); print(\"p\"); trace(\"b\") }";
    let mut program = compile(code, ALLOW).unwrap();
    let outcome = program.run(&call("{\"x\": 1}"), &Budget::default()).unwrap();
    assert_eq!(outcome.printed, "p\nnote: x is 1\nnote: b\n");
    assert_eq!(outcome.output.as_str(), "true");
    let budget = Budget { output_bytes_max: 11, ..Budget::default() };
    assert_eq!(program.run(&call("{\"x\": 1}"), &budget).unwrap().printed, "p\nnote: x i");
}

#[test]
fn what_earlier_runs_stored_is_read_from_the_context() {
    let mut program = compile("package p\nallow := data.context.n + 1", ALLOW).unwrap();
    for (context, expected) in [("{\"n\": 1}", "2"), ("{\"n\": 5}", "6"), ("{\"n\": 1}", "2")] {
        let context = Some(RawJson::parse(context).unwrap());
        let outcome = program.run(&Call { context, ..call("0") }, &Budget::default()).unwrap();
        assert_eq!((outcome.output.as_str(), outcome.context), (expected, None));
    }
    assert!(line(&program.run(&call("0"), &Budget::default())).starts_with("rego.undefined"));
}

#[test]
fn coverage_names_the_lines_that_ran_and_those_that_did_not() {
    let code = "package p\n\ndefault allow := false\n\nallow if {\n  input.x + 0 == 1\n  input.y == input.x\n}\n\nother if input.z == 3\n";
    let mut program = compile(code, ALLOW).unwrap();
    let covered = Call { coverage: true, ..call("{\"x\": 2}") };
    let coverage = program.run(&covered, &Budget::default()).unwrap().coverage.unwrap();
    assert!(coverage.covered.contains(&6), "{coverage:?}");
    assert!(coverage.missed.contains(&7) && coverage.missed.contains(&10), "{coverage:?}");
    assert_eq!(program.run(&call("{}"), &Budget::default()).unwrap().coverage, None);
}

#[test]
fn an_error_of_a_run_names_its_line() {
    let code = "package p\n\nallow := 1 if input.a\n\nallow := 2 if input.b\n";
    let Err(Failure::Raised { line, message, traceback, .. }) =
        run(code, ALLOW, "{\"a\": 1, \"b\": 1}")
    else {
        panic!("not raised");
    };
    assert!(line.is_some_and(|line| line >= 3), "{line:?} {message} {traceback}");
    assert!(traceback.starts_with("policy.rego:"), "{traceback}");
}

#[test]
fn an_output_beyond_the_budget_is_refused() {
    let budget = Budget { output_bytes_max: 10, ..Budget::default() };
    let mut program = compile("package p\nallow := numbers.range(1, 100)", ALLOW).unwrap();
    assert_eq!(
        program.run(&call("0"), &budget).unwrap_err(),
        Failure::OutputTooLarge { budget_bytes: 10 }
    );
}

#[test]
fn rego_has_no_management() {
    let mut program = compile("package p\nallow := 1", ALLOW).unwrap();
    let method = Method::Management { action: "reset".to_owned(), data: RawJson::empty_object() };
    let result = program.run(&Call { method, ..call("0") }, &Budget::default());
    assert!(line(&result).starts_with("rego.no-management: "), "{}", line(&result));
}
