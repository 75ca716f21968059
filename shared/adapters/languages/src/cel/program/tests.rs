use writ_model::{Diagnostic, Digest, Language};

use super::*;
use crate::Source;
use crate::language::Runtime as _;

fn compile(code: &str) -> Result<CelProgram, Vec<Diagnostic>> {
    crate::cel::compile::compile(code).map(CelProgram::new)
}

fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

fn call(input: &str) -> Call {
    Call {
        rule_id: "test:1.0-beta".to_owned(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: json(input) },
        now_ms: 1_700_000_000_123,
        seed: 7,
        context: None,
        coverage: false,
    }
}

fn run(code: &str, input: &str) -> Result<Outcome, Failure> {
    let mut program = compile(code).unwrap_or_else(|problems| panic!("{problems:#?}\n{code}"));
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

/// Code, input, expected result.
const RUNS: &[(&str, &str, &str)] = &[
    ("input.x > 1", r#"{"x": 2}"#, "true"),
    (
        "input",
        r#"{"b": 1, "a": [1.0, -0.5, "é\u0000", null, true]}"#,
        r#"{"a":[1.0,-0.5,"é\u0000",null,true],"b":1}"#,
    ),
    ("input", "9223372036854775807", "9223372036854775807"),
    ("input", "-9223372036854775808", "-9223372036854775808"),
    ("input", "1e2", "100.0"),
    ("18446744073709551615u", "0", "18446744073709551615"),
    ("input.x == 1.0", r#"{"x": 1}"#, "true"),
    // Integers against doubles, exactly.
    ("input.n == 9007199254740992.0", r#"{"n": 9007199254740993}"#, "false"),
    ("input.n != 9007199254740992.0", r#"{"n": 9007199254740993}"#, "true"),
    ("input.n > 9007199254740992.0", r#"{"n": 9007199254740993}"#, "true"),
    ("9007199254740992.0 < input.n", r#"{"n": 9007199254740993}"#, "true"),
    ("input.n <= input.d", r#"{"n": 9007199254740993, "d": 9007199254740992.0}"#, "false"),
    ("input.d >= input.n", r#"{"n": 9007199254740993, "d": 9007199254740992.0}"#, "false"),
    ("uint(input.n) == input.d", r#"{"n": 9007199254740993, "d": 9007199254740992.0}"#, "false"),
    ("input.n in [9007199254740992.0]", r#"{"n": 9007199254740993}"#, "false"),
    ("[input.n] == [9007199254740992.0]", r#"{"n": 9007199254740993}"#, "false"),
    ("{'a': [input.n]} == {'a': [9007199254740992.0]}", r#"{"n": 9007199254740993}"#, "false"),
    ("{'a': [input.n]} == {'a': [9007199254740992.0]}", r#"{"n": 9007199254740992}"#, "true"),
    ("input.n == input.d", r#"{"n": 9223372036854775807, "d": 9223372036854775808.0}"#, "false"),
    ("input.n < input.d", r#"{"n": 9223372036854775807, "d": 9223372036854775808.0}"#, "true"),
    (
        "math.greatest(input.d, input.n)",
        r#"{"n": 9007199254740993, "d": 9007199254740992.0}"#,
        "9007199254740993",
    ),
    (
        "math.least([input.n, input.d])",
        r#"{"n": 9007199254740993, "d": 9007199254740992.0}"#,
        "9007199254740992.0",
    ),
    (
        "[1 < 2, 2u > 1, 'a' < 'b', 1.5 >= 1.5, input.x < input.y, input.x == input.y, 'a' in input, 3 in [1, 3]]",
        r#"{"x": "a", "y": "b"}"#,
        "[true,true,true,true,true,false,false,true]",
    ),
    // `cel.bind` and comprehensions with two variables.
    ("cel.bind(x, input.a + 1, x * x)", r#"{"a": 2}"#, "9"),
    ("cel.bind(x, 1, cel.bind(x, x + 1, x) + x)", "0", "3"),
    ("cel.bind(x, [], x + [1])", "0", "[1]"),
    ("[1, 2, 3].all(i, v, v == i + 1)", "0", "true"),
    ("input.all(k, v, k.startsWith('a') && v > 0)", r#"{"ab": 1, "ac": 0}"#, "false"),
    ("input.exists(k, v, k == 'b' && v == 2)", r#"{"a": 1, "b": 2}"#, "true"),
    ("[0, 1].exists(i, v, 1 / v == 1)", "0", "true"),
    ("[5, 5, 6].existsOne(i, v, v == 5)", "0", "false"),
    ("[5, 5, 6].exists_one(i, v, v == 6 && i == 2)", "0", "true"),
    ("[10, 20].transformList(i, v, v + i)", "0", "[10,21]"),
    (
        "input.transformList(k, v, v > 1, k + string(v))",
        r#"{"b": 2, "a": 1, "c": 3}"#,
        r#"["b2","c3"]"#,
    ),
    ("input.transformMap(k, v, v * 2)", r#"{"b": 2, "a": 1}"#, r#"{"a":2,"b":4}"#),
    ("[1, 2, 3].transformMap(i, v, i > 0, v)", "0", r#"{"1":2,"2":3}"#),
    ("input.transformMapEntry(k, v, {v: k})", r#"{"a": "x", "b": "y"}"#, r#"{"x":"a","y":"b"}"#),
    (
        "[[1, 2], [3]].transformList(i, row, row.transformList(j, v, v * 10 + i + j))",
        "0",
        "[[10,21],[31]]",
    ),
    ("[[1]].all(i, v, v.all(j, w, w == 1 && i == 0 && v == [1]))", "0", "true"),
    // Addresses.
    ("cidr('10.0.0.0/8').containsIP(input.ip)", r#"{"ip": "10.1.2.3"}"#, "true"),
    ("cidr('10.0.0.0/8').containsIP(ip(input.ip))", r#"{"ip": "11.1.2.3"}"#, "false"),
    ("[cidr('0.0.0.0/0'), cidr('::/0')].map(c, c.containsIP('8.8.8.8'))", "0", "[true,false]"),
    (
        "input.ips.filter(ip, isIP(ip) && !ip(ip).isLoopback())",
        r#"{"ips": ["::1", "x", "10.0.0.1"]}"#,
        r#"["10.0.0.1"]"#,
    ),
    ("['10.0.0.1'].exists(ip, ip.startsWith('10.'))", "0", "true"),
    (
        "string(cidr('10.1.2.3/8').masked()) + ' ' + string(cidr('10.1.2.3/8').ip())",
        "0",
        r#""10.0.0.0/8 10.1.2.3""#,
    ),
    (
        "[type(ip('::1')) == net.IP, type(cidr('::/1')) == net.CIDR, ip('::1') in [ip('0::1')]]",
        "0",
        "[true,true,true]",
    ),
    (
        "['10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/', '::/129', '10.0.0/8', '10.0.0.0/+8', '::ffff:10.0.0.0/104'].exists(c, isCIDR(c))",
        "0",
        "false",
    ),
    (
        "['010.0.0.1', '10.0.0.256', 'fe80::1%en0', '::ffff:10.0.0.1', ''].exists(a, isIP(a))",
        "0",
        "false",
    ),
    ("[ip.isCanonical('::1'), ip.isCanonical('0::1')]", "0", "[true,false]"),
    (
        "[cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16'), cidr('10.0.0.0/8').containsCIDR(cidr('10.0.0.0/7'))]",
        "0",
        "[true,false]",
    ),
    (
        "[cidr('10.0.0.0/8').prefixLength(), ip('::1').family(), ip('1.1.1.1').family()]",
        "0",
        "[8,6,4]",
    ),
    (
        "{'b': 1, 'a': {2: 'x', 1u: 'y', true: 'z'}}",
        "0",
        r#"{"a":{"true":"z","1":"y","2":"x"},"b":1}"#,
    ),
    (r#"{"b": "1 + 1", "a": "input.x"}"#, r#"{"x": "y"}"#, r#"{"b":2,"a":"y"}"#),
    ("{}", "0", "{}"),
    ("\n  {\"a\": \"true\"}\n", "0", r#"{"a":true}"#),
    ("{'c': 1, 'a': 2, 'b': 3}.map(k, k)", "0", r#"["a","b","c"]"#),
    ("input.map(k, input[k])", r#"{"c": 1, "a": 2, "b": 3}"#, "[2,3,1]"),
    ("input.filter(k, input[k] > 1)", r#"{"c": 1, "b": 2, "a": 3}"#, r#"["a","b"]"#),
    ("input.exists(input, input > 1)", "[1, 2]", "true"),
    ("[3, 1, 2].sort().map(x, x * 2)", "0", "[2,4,6]"),
    ("input.sortBy(x, x.n).map(x, x.n)", r#"[{"n": 2}, {"n": 1}]"#, "[1,2]"),
    ("'A-b'.lowerAscii().split('-').join('+')", "0", "\"a+b\""),
    ("math.greatest(1, 5, 3) + math.abs(-2)", "0", "7"),
    ("base64.encode(b'hello')", "0", "\"aGVsbG8=\""),
    ("b'hello'", "0", "\"aGVsbG8=\""),
    ("duration('1h') + duration('1500ms')", "0", "\"3601.5s\""),
    ("timestamp('2026-01-31T10:30:00+01:00')", "0", "\"2026-01-31T09:30:00Z\""),
    ("now", "0", "\"2023-11-14T22:13:20.123Z\""),
    ("now - timestamp('2023-11-14T22:13:20Z') < duration('1s')", "0", "true"),
    ("now.getFullYear('Europe/Amsterdam')", "0", "2023"),
    ("input.?x.?y.orValue('none')", "{}", "\"none\""),
    ("has(input.x) && input.x > 1", "{}", "false"),
    ("[?input.?a, ?input.?b]", r#"{"b": 1}"#, "[1]"),
    ("input.`a-b`", r#"{"a-b": 1}"#, "1"),
    ("type(input) == map && type(1u) == uint && type(null) == null_type", "{}", "true"),
    ("type(now) == google.protobuf.Timestamp", "0", "true"),
    ("'abc'.matches('^a.c$')", "0", "true"),
    ("'%s has %d'.format(['x', 2])", "0", "\"x has 2\""),
    ("context", "0", "{}"),
    (
        "input.x",
        "{}",
        "cel.no-such-key: there is no key `x`; `has(...)` tells whether there is one",
    ),
    (
        r#"{"a": "1", "b": "input.x"}"#,
        "{}",
        "cel.no-such-key: `b`: there is no key `x`; `has(...)` tells whether there is one",
    ),
    ("input[3]", "[1]", "cel.no-such-key: the list has no element 3"),
    ("input > 'x'", "1", "cel.type: `>` takes no int and string"),
    ("input * 2", "0.5", "cel.type: `*` takes no double and int"),
    ("input.x", "1", "cel.type: `.` takes no int and string"),
    ("input + {}", "{}", "cel.type: `+` takes no map and map"),
    ("'x'.contains(input)", "1", "cel.type: `contains` of string takes no (int)"),
    ("!input", "1", "cel.type: `!` takes no int"),
    ("1 in input", "1", "cel.type: `in` takes no int and int"),
    ("input ? 1 : 2", "1", "cel.type: there is int where bool is wanted"),
    ("1 / input", "0", "cel.division-by-zero: division by zero"),
    ("1 % input", "0", "cel.division-by-zero: division by zero"),
    ("input + 1", "9223372036854775807", "cel.overflow: `+` leaves the range of its type"),
    ("{'a': 1, input: 2}", "\"a\"", "cel.duplicate-key: a map has the key `a` twice"),
    (
        "input",
        "18446744073709551616",
        "cel.document: `input` holds 18446744073709551616, which is no 64-bit integer,; send it as a string",
    ),
    (
        "input",
        r#"{"a": [{"b/c": 9223372036854775808}]}"#,
        "cel.document: `input` holds 9223372036854775808, which is no 64-bit integer, at `/a/0/b~1c`; send it as a string",
    ),
    (
        "input",
        "[1e999]",
        "cel.document: `input` holds 1e+999, which is beyond a double, at `/0`; send it as a string",
    ),
    ("1", "18446744073709551616", "1"),
    ("{'a': [0.0 / 0.0]}", "0", "the policy returned nan at `a[0]`, which JSON cannot hold"),
    ("-1.0 / 0.0", "0", "the policy returned -inf, which JSON cannot hold"),
    (
        "optional.of(1)",
        "0",
        "the policy returned an optional; take its value by `.orValue(...)`, which JSON cannot hold",
    ),
    ("{'t': type(1)}", "0", "the policy returned a type at `t`, which JSON cannot hold"),
    (
        "{1: 'a', '1': 'b'}",
        "0",
        "the policy returned a map with two keys that are written `1`, which JSON cannot hold",
    ),
];

#[test]
fn runs_give_what_cel_users_expect() {
    let mut wrong = Vec::new();
    for (code, input, expected) in RUNS {
        let found = match compile(code) {
            Ok(mut program) => line(&program.run(&call(input), &Budget::default())),
            Err(problems) => format!("{problems:?}"),
        };
        if found != *expected {
            wrong.push(format!("{code}  of  {input}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Code, code of the diagnostic, its location, a part of its message or help.
const PROBLEMS: &[(&str, &str, (u32, u32), &str)] = &[
    ("input.x >", "cel.syntax", (1, 10), "<EOF>"),
    ("input.x\n  ++ 1", "cel.syntax", (2, 4), "`+`"),
    ("'é' é", "cel.syntax", (1, 5), "é"),
    ("", "cel.syntax", (1, 1), ""),
    ("{\"a\": \"1\", \"b\": 2,}}", "cel.syntax", (1, 20), "JSON object"),
    ("inputs.x > 1", "cel.unknown-variable", (1, 1), "`input`, `parameters`, `settings`"),
    ("input.x > 1 &&\n  'é' == limit", "cel.unknown-variable", (2, 10), "`limit`"),
    ("[1].map(x, x + y)", "cel.unknown-variable", (1, 16), "`y`"),
    ("[1].map(x, x).size() + x", "cel.unknown-variable", (1, 24), "`x`"),
    (
        "{\n  \"allowed\": \"true\",\n  \"reason\": \"\\\"é\\\" + reson\"\n}",
        "cel.unknown-variable",
        (3, 22),
        "`reson`",
    ),
    ("http.get('x')", "cel.unknown-function", (1, 9), "`get`"),
    ("fetch('x')", "cel.unknown-function", (1, 6), "`size`, `string`"),
    ("input.x.upper()", "cel.unknown-function", (1, 14), "`upperAscii`"),
    ("has(input)", "cel.syntax", (1, 5), "has"),
    ("[1].all(x)", "cel.unknown-function", (1, 8), "list.all(x, x > 0)"),
    ("Point{x: 1}", "cel.unknown-type", (1, 6), "`Point`"),
    ("{\"a\": \"1\", \"a\": \"2\"}", "cel.duplicate-name", (1, 17), "`a`"),
];

#[test]
fn what_cannot_run_is_refused_with_its_location_and_help() {
    let mut wrong = Vec::new();
    for (code, finding, place, says) in PROBLEMS {
        let problems = compile(code).err().unwrap_or_default();
        let Some(problem) = problems.first() else {
            wrong.push(format!("{code}\n  compiles"));
            continue;
        };
        let text = format!("{} {}", problem.message, problem.help.as_deref().unwrap_or_default());
        let found = problem.line.zip(problem.column);
        if problem.code != *finding || found != Some(*place) || !text.contains(says) {
            wrong.push(format!("{code}\n  {problem:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A worker has 64 MiB of stack. The library inlines its evaluator into this crate, which a debug
/// build does not optimise, so the test needs half of it.
fn on_half_a_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(32 << 20).spawn(test).unwrap().join().unwrap();
}

#[test]
fn sources_built_to_overflow_a_stack_are_refused() {
    on_half_a_stack(|| {
        let nested =
            |open: &str, close: &str| format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        let cases = [
            nested("(", ")"),
            nested("[", "]"),
            nested("{1: ", "}"),
            format!("{}1", "[1].map(x, ".repeat(5_000)),
            format!("1{}", "\n+ 1".repeat(20_000)),
            format!("{}true", "!".repeat(20_000)),
            format!("{}1", "true ? 1 : ".repeat(5_000)),
            format!("input{}", ".a".repeat(20_000)),
            format!("input{}", "[0]".repeat(20_000)),
            format!("input{}", ".size()".repeat(10_000)),
        ];
        for code in cases {
            let problems = compile(&code).err().unwrap_or_default();
            let kind = problems.first().map(|problem| problem.code.as_str());
            assert_eq!(kind, Some("cel.too-deep"), "{}", &code[..40]);
            assert!(problems.iter().all(|problem| problem.line.is_some()));
        }
        let large = format!("'{}'", "x".repeat(200 << 10));
        assert_eq!(compile(&large).err().unwrap()[0].code, "cel.too-large");
    });
}

#[test]
fn what_is_just_within_the_bounds_runs() {
    on_half_a_stack(|| {
        let cases = [
            (format!("{}1{}", "(".repeat(64), ")".repeat(64)), "1"),
            (format!("1{}", " + 1".repeat(999)), "1000"),
            (format!("{}true", "!".repeat(1000)), "true"),
            (format!("{}1", "false ? 1 : ".repeat(125)), "1"),
            (format!("{}1{} + 1", "[1].map(x, ".repeat(30), ")".repeat(30)), "cel.type"),
            (vec!["1 == 1"; 3_000].join(" && "), "true"),
        ];
        for (code, expected) in cases {
            let found = line(&run(&code, "0"));
            assert!(found.starts_with(expected), "{} {found}", &code[..40]);
        }
    });
}

#[test]
fn parameters_settings_and_context_hold_what_their_names_say() {
    let mut program = compile("[settings.a, parameters.a, context]").unwrap();
    for (settings, parameters, context, expected) in [
        ("1", "2", None, "[1,2,{}]"),
        ("1", "3", Some("{\"n\": 4}"), "[1,3,{\"n\":4}]"),
        ("4", "3", Some("{}"), "[4,3,{}]"),
    ] {
        let document = |value: &str| json(&format!("{{\"a\": {value}}}"));
        let call = Call {
            settings: document(settings),
            parameters: document(parameters),
            context: context.map(json),
            ..call("0")
        };
        let outcome = program.run(&call, &Budget::default()).unwrap();
        assert_eq!(outcome.output.as_str(), expected);
    }
}

#[test]
fn a_run_sees_nothing_of_an_earlier_one() {
    let mut program = compile(
        "{'input': input, 'sum': parameters.l.size(), 'now': now, 'm': 'a'.matches(input.r)}",
    )
    .unwrap();
    let with = |input: &str, list: &str, now_ms| Call {
        parameters: json(&format!("{{\"l\": {list}}}")),
        now_ms,
        ..call(input)
    };
    let first = with(r#"{"r": "a", "x": 1}"#, "[1]", 1);
    let before = program.run(&first, &Budget::default()).unwrap().output;
    let broken = with(r#"{"r": "["}"#, "[]", 5);
    assert!(program.run(&broken, &Budget::default()).is_err());
    let other = with(r#"{"r": "b"}"#, "[1, 2]", 9);
    let between = program.run(&other, &Budget::default()).unwrap().output;
    assert_eq!(
        between.as_str(),
        r#"{"input":{"r":"b"},"m":false,"now":"1970-01-01T00:00:00.009Z","sum":2}"#
    );
    assert_eq!(program.run(&first, &Budget::default()).unwrap().output, before);
}

#[test]
fn loops_over_maps_have_the_same_order_in_every_table() {
    let code = "input.map(k, k) + {'z': 1, 'y': 2, 'x': 3, 'w': 4, 'v': 5}.map(k, k)";
    let input = r#"{"e": 1, "d": 1, "c": 1, "b": 1, "a": 1, "f": 1}"#;
    for _ in 0..20 {
        let found = line(&run(code, input));
        assert_eq!(found, r#"["a","b","c","d","e","f","v","w","x","y","z"]"#);
    }
}

#[test]
fn an_error_of_a_run_names_its_line_where_there_is_one() {
    for (code, expected) in [
        ("\n  input.x", Some(2)),
        ("{\n\"a\": \"1\",\n\"b\": \"input.x\"}", Some(3)),
        ("1 == 1 &&\ninput.x", None),
    ] {
        let Err(Failure::Raised { line, .. }) = run(code, "{}") else { panic!("not raised") };
        assert_eq!(line, expected, "{code}");
    }
}

#[test]
fn an_output_beyond_its_bounds_is_refused() {
    let budget = Budget { output_bytes_max: 10, ..Budget::default() };
    for code in ["lists.range(100)", "'abcdefghijklm'", "b'abcdefghijklm'"] {
        assert_eq!(
            compile(code).unwrap().run(&call("0"), &budget).unwrap_err(),
            Failure::OutputTooLarge { budget_bytes: 10 },
            "{code}"
        );
    }
    let around = |value: &str, depth| format!("{}{value}{}", "[".repeat(depth), "]".repeat(depth));
    let code = format!("[{}].map(a, {})", around("1", 60), around("a", 45));
    let found = line(&run(&code, "0"));
    assert!(found.contains("nested more than 100 deep"), "{found}");
}

#[test]
fn cel_has_no_management() {
    let mut program = compile("1").unwrap();
    let method = Method::Management { action: "reset".to_owned(), data: RawJson::empty_object() };
    let result = program.run(&Call { method, ..call("0") }, &Budget::default());
    assert!(line(&result).starts_with("cel.no-management: "), "{}", line(&result));
}

#[test]
fn the_runtime_compiles_and_refuses() {
    let mut runtime = crate::cel::runtime();
    let source = |code: &str| Source {
        language: Language::Cel,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data: None,
        schemas: Default::default(),
    };
    let mut program = runtime.compile(&source("1 + 1")).ok().unwrap();
    assert!(program.checked().warnings.is_empty());
    assert_eq!(program.run(&call("0"), &Budget::default()).unwrap().output.as_str(), "2");
    assert!(runtime.compile(&source("1 +")).is_err());
}
