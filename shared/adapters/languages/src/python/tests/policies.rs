//! Whole policies, their outcomes and their failures.

use super::*;

const IP_ALLOWLIST: &str = include_str!("ip_allowlist.py");

#[test]
fn the_ip_allow_list_decides_as_documented() {
    with_python(|python| {
        let mut program = compile(python, IP_ALLOWLIST).unwrap();
        assert_eq!(program.checked().warnings, []);
        let parameters = r#"{"local_allowlist": ["10.0.0.0/8", "192.168.1.7"]}"#;
        let cases = [
            (
                r#"{"ip": "10.1.2.3"}"#,
                r#"{"allowed":true,"input_data":{"ip":"10.1.2.3"},"reason":"allowed"}"#,
            ),
            (
                r#"{"ip": "8.8.8.8"}"#,
                r#"{"allowed":false,"input_data":{"ip":"8.8.8.8"},"reason":"denied"}"#,
            ),
            (
                r#"{"ip": "172.16.0.1"}"#,
                r#"{"allowed":true,"input_data":{"ip":"172.16.0.1"},"reason":"allowed"}"#,
            ),
            (
                r#"{"z": 1}"#,
                r#"{"allowed":false,"input_data":{"z":1},"reason":"IP missing from input"}"#,
            ),
        ];
        for (input, want) in cases {
            let mut call = call(parameters, input);
            call.settings =
                RawJson::parse(r#"{"remote_allowlist": "[\"172.16.0.0/12\"]"}"#).unwrap();
            let outcome = program.run(&call, &Budget::default()).unwrap();
            assert_eq!(outcome.output.as_str(), want);
        }
    });
}

/// Runs a policy. Returns its output, its failure or its diagnostics on one line.
fn run_to_line(python: &mut Python, code: &str, call: &Call, budget: &Budget) -> String {
    let mut program = match compile(python, code) {
        Ok(program) => program,
        Err(found) => return found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    };
    match program.run(call, budget) {
        Ok(outcome) => outcome.output.as_str().to_owned(),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn values_go_in_and_out_as_json_would_have_them() {
    let cases = [
        (
            r#"{"b":1,"a":[null,true,false,"ü\u0000\"\\"]}"#,
            r#"{"b":1,"a":[null,true,false,"ü\u0000\"\\"]}"#,
        ),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-0", "0"),
        ("1.0", "1.0"),
        ("1e16", "1e+16"),
        ("0.1", "0.1"),
        ("1E-7", "1e-07"),
        ("2.50", "2.5"),
        ("\"\\ud83d\\ude00\"", "\"😀\""),
        ("[]", "[]"),
        ("{}", "{}"),
    ];
    with_python(|python| {
        for (input, want) in cases {
            let got = run_to_line(
                python,
                &policy("", "return input_data"),
                &call("{}", input),
                &Budget::default(),
            );
            assert_eq!(got, want, "{input}");
        }
        let long = "9".repeat(20_000);
        let got = run_to_line(
            python,
            &policy("", "return input_data"),
            &call("{}", &long),
            &Budget::default(),
        );
        assert_eq!(got, long);
        let deep = format!("{}{}", "[".repeat(99), "]".repeat(99));
        let got = run_to_line(
            python,
            &policy("", "return input_data"),
            &call("{}", &deep),
            &Budget::default(),
        );
        assert_eq!(got, deep);
    });
}

#[test]
fn results_are_written_or_refused_with_their_path() {
    let cases = [
        (
            "return {1: 1, True: 2, None: 3, 1.5: 4, 'x': (1, 2)}",
            r#"{"1":2,"null":3,"1.5":4,"x":[1,2]}"#,
        ),
        ("import collections\nreturn collections.OrderedDict(b=1, a=2)", r#"{"b":1,"a":2}"#),
        ("import enum\nclass E(enum.IntEnum):\n    A = 3\nreturn [E.A, True]", "[3,true]"),
        ("class S(str): pass\nreturn S('s')", r#""s""#),
        ("return 7 ** 40", "6366805760909027985741435139224001"),
        (
            "return {'scores': [0, 1, float('nan')]}",
            "the policy returned nan at `scores[2]`, which JSON cannot hold",
        ),
        ("return -float('inf')", "the policy returned -inf at the top, which JSON cannot hold"),
        (
            "return {'a b': {1, 2}}",
            "the policy returned a value of type `set` at `[\"a b\"]`, which JSON cannot hold",
        ),
        (
            "return [b'x']",
            "the policy returned a value of type `bytes` at `[0]`, which JSON cannot hold",
        ),
        (
            "return {'a': [self]}",
            "the policy returned a value of type `AIOSv1PolicyRule` at `a[0]`, which JSON cannot hold",
        ),
        (
            "return {(1, 2): 1}",
            "the policy returned a key of type `tuple` at the top, which JSON cannot hold",
        ),
        (
            "return '\\ud800'",
            "the policy returned a lone surrogate at the top, which JSON cannot hold",
        ),
        (
            "x = {}\nx['me'] = [x]\nreturn x",
            "the policy returned a reference to what contains it at `me[0]`, which JSON cannot hold",
        ),
        (
            "x = []\nfor _ in range(200): x = [x]\nreturn x",
            "the policy returned values nested more than 100 deep, which JSON cannot hold",
        ),
        ("return 'x' * 2000000", "the policy returned more than its 1048576 bytes"),
        ("return [1] * 600000", "the policy returned more than its 1048576 bytes"),
        ("def f(): return f()\nreturn f()", "the policy went deeper than its 200 nested calls"),
        ("raise MemoryError()", "the policy needed more than its 67108864 bytes of memory"),
        ("import sys\nsys.exit(3)", "the policy raised SystemExit: 3"),
        ("return {}['k']", "the policy raised KeyError: 'k'"),
    ];
    with_python(|python| {
        for (body, want) in cases {
            assert_eq!(
                run_to_line(python, &policy("", body), &call("{}", "{}"), &Budget::default()),
                want,
                "{body}"
            );
        }
    });
}

#[test]
fn an_exception_comes_with_its_line_and_the_policys_own_frames() {
    let code = "import json\n\nclass AIOSv1PolicyRule:\n    def __init__(self, rule_id, settings, parameters): pass\n\n    \
                def load(self, text):\n        return json.loads(text)\n\n    def eval(self, parameters, input_data, context):\n        \
                try:\n            return self.load('{')\n        except ValueError as error:\n            \
                raise KeyError('config') from error\n";
    with_python(|python| {
        let failure = run(python, code, &call("{}", "{}")).unwrap_err();
        let Failure::Raised { kind, message, line, traceback } = failure else {
            panic!("{failure:?}")
        };
        assert_eq!((kind.as_str(), message.as_str(), line), ("KeyError", "'config'", Some(13)));
        let (cause, effect) = traceback
            .split_once(
                "\nThe above exception was the direct cause of the following exception:\n\n",
            )
            .unwrap();
        assert!(
            cause.starts_with(
                "Traceback (most recent call last):\n  File \"policy\", line 11, in eval\n"
            ),
            "{cause}"
        );
        assert!(cause.contains("\n  File \"policy\", line 7, in load\n    return json.loads(text)\njson.decoder.JSONDecodeError: "));
        assert_eq!(
            effect,
            "Traceback (most recent call last):\n  File \"policy\", line 13, in eval\n    raise KeyError('config') from \
             error\nKeyError: 'config'\n"
        );
    });
}

#[test]
fn what_cannot_run_is_refused_with_its_location_and_help() {
    let class = "class AIOSv1PolicyRule:\n    def __init__(self, rule_id, settings, parameters): pass\n    \
                 def eval(self, parameters, input_data, context): return 1\n";
    let cases = [
        ("def f(:\n    pass\n".to_owned(), "python.syntax", Some((1, 7))),
        ("x = (1,\n".to_owned(), "python.syntax", Some((1, 5))),
        ("if True:\nx = 1\n".to_owned(), "python.syntax", Some((2, 1))),
        (format!("import socket\n{class}"), "python.unsupported-import", Some((1, 8))),
        (format!("import requests as r, json\n{class}"), "python.unsupported-import", Some((1, 8))),
        (format!("from numpy import array\n{class}"), "python.unsupported-import", Some((1, 1))),
        (format!("from . import x\n{class}"), "python.unsupported-import", Some((1, 1))),
        (format!("from os import listdir\n{class}"), "python.unsupported-name", Some((1, 16))),
        (format!("import os\nos.system('ls')\n{class}"), "python.unsupported-name", Some((2, 1))),
        (
            class.replace("return 1", "return open('x').read()"),
            "python.unsupported-builtin",
            Some((3, 61)),
        ),
        (class.replace("return 1", "return input()"), "python.unsupported-builtin", Some((3, 61))),
        (class.replace("def eval", "async def eval"), "python.async-entry", Some((3, 15))),
        (class.replace(", context", ""), "python.method-arguments", Some((3, 9))),
        (class.replace("rule_id, ", ""), "python.method-arguments", Some((2, 9))),
        (class.replace("eval", "evaluate"), "python.method-missing", Some((1, 7))),
        (class.replace("__init__", "setup"), "python.method-missing", Some((1, 7))),
        ("x = 1\n".to_owned(), "python.class-missing", None),
        (
            class.replace("AIOSv1PolicyRule", "A") + &class.replace("AIOSv1PolicyRule", "B"),
            "python.class-ambiguous",
            Some((4, 7)),
        ),
        (
            format!("{class}    def management(self, action): return 1\n"),
            "python.method-arguments",
            Some((4, 9)),
        ),
        (format!("x = {}\n{class}", "(".repeat(20_000)), "python.too-deep", Some((1, 105))),
    ];
    with_python(|python| {
        for (code, want, place) in cases {
            let found = compile(python, &code).err().unwrap_or_else(|| panic!("{want}\n{code}"));
            let first = found.first().unwrap();
            let got = first.line.zip(first.column);
            assert_eq!((first.code.as_str(), got), (want, place), "{first:?}\n{code:.300}");
            assert!(first.help.is_some() || want == "python.syntax", "{first:?}");
        }
    });
}

#[test]
fn other_forms_of_the_class_are_accepted() {
    let method = "def eval(self, parameters, input_data, context): return type(self).__name__";
    let init = "def __init__(self, *args): pass";
    let cases = [
        (format!("class Mine:\n    {init}\n    {method}\n"), "\"Mine\""),
        (
            format!("class Base:\n    {init}\n    {method}\nclass Mine(Base): \n    {method}\n"),
            "\"Mine\"",
        ),
        (format!("class Mine:\n    {init}\n    {method}\nAIOSv1PolicyRule = Mine\n"), "\"Mine\""),
        (
            format!("class Help:\n    def x(self): pass\nclass Mine:\n    {init}\n    {method}\n"),
            "\"Mine\"",
        ),
        (
            format!(
                "try:\n    import numpy\nexcept ImportError:\n    numpy = None\nclass Mine:\n    {init}\n    {method}\n"
            ),
            "\"Mine\"",
        ),
    ];
    with_python(|python| {
        for (code, want) in cases {
            assert_eq!(
                run_to_line(python, &code, &call("{}", "{}"), &Budget::default()),
                want,
                "{code}"
            );
        }
    });
}

#[test]
fn a_run_sees_nothing_of_the_run_before() {
    let code = "import logging, random\nseen = []\nclass AIOSv1PolicyRule:\n    count = [0]\n    \
                def __init__(self, rule_id, settings, parameters): self.calls = []\n    \
                def eval(self, parameters, input_data, context):\n        seen.append(1)\n        self.count[0] += 1\n        \
                self.calls.append(1)\n        context.set('n', (context.get('n') or 0) + 1)\n        \
                logging.getLogger('a').setLevel(logging.DEBUG)\n        parameters['x'] = parameters.get('x', 0) + 1\n        \
                return [len(seen), self.count, len(self.calls), context.get('n'), parameters, random.random(), hash('a')]\n";
    with_python(|python| {
        let mut program = compile(python, code).unwrap();
        let call = call("{}", "{}");
        let first = program.run(&call, &Budget::default()).unwrap();
        assert!(first.output.as_str().starts_with("[1,[1],1,1,{\"x\":1},0."), "{:?}", first.output);
        for _ in 0..200 {
            assert_eq!(program.run(&call, &Budget::default()).unwrap().output, first.output);
        }
        let other = Call { seed: 8, ..call };
        assert_ne!(program.run(&other, &Budget::default()).unwrap().output, first.output);
    });
}

#[test]
fn time_and_random_numbers_come_from_the_call() {
    let body = "import time, datetime, uuid, random, secrets, os\nreturn [time.time(), time.time_ns(), time.monotonic(), \
                str(datetime.datetime.now()), str(datetime.datetime.utcnow()), str(datetime.date.today()), \
                time.strftime('%H:%M:%S'), str(uuid.uuid4()), random.random(), secrets.token_hex(4), os.urandom(3).hex(), \
                random.SystemRandom().random()]";
    with_python(|python| {
        let call = call("{}", "{}");
        let code = policy("", body);
        let first = run(python, &code, &call).unwrap().output;
        let want = "[1700000000.123,1700000000123000000,1700000000.123,\"2023-11-14 22:13:20.123000\",\
                    \"2023-11-14 22:13:20.123000\",\"2023-11-14\",\"22:13:20\",";
        assert!(first.as_str().starts_with(want), "{first:?}");
        assert_eq!(run(python, &code, &call).unwrap().output, first);
        let other = run(python, &code, &Call { seed: 9, ..call }).unwrap().output;
        let tail = |json: &RawJson| json.value().as_array().unwrap()[7..].to_vec();
        assert!(tail(&other).iter().zip(tail(&first)).all(|(a, b)| *a != b), "{other:?} {first:?}");
    });
}

#[test]
fn a_dataclass_may_have_annotations_that_are_text() {
    let code = policy(
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\n\
         @dataclass\nclass Seen:\n    ip: str\n    times: list[int] = field(default_factory=list)\n",
        "return [Seen('a').ip, Seen('a', [1]).times]",
    );
    with_python(|python| {
        let outcome = run(python, &code, &call("{}", "{}")).unwrap();
        assert_eq!(outcome.output.as_str(), r#"["a",[1]]"#);
    });
}

#[test]
fn management_is_called_or_missed() {
    with_python(|python| {
        let mut call = call(r#"{"local_allowlist": ["a"]}"#, "{}");
        let data = RawJson::empty_object();
        call.method = Method::Management { action: "show".to_owned(), data: data.clone() };
        let outcome = run(python, IP_ALLOWLIST, &call).unwrap();
        assert_eq!(outcome.output.as_str(), r#"{"status":"success","allowlist":["a"]}"#);
        call.method = Method::Management { action: "explode".to_owned(), data };
        let outcome = run(python, IP_ALLOWLIST, &call).unwrap();
        assert_eq!(
            outcome.output.as_str(),
            r#"{"status":"error","message":"Unknown action 'explode'"}"#
        );
        let Err(Failure::Raised { kind, message, .. }) =
            run(python, &policy("", "return 1"), &call)
        else {
            panic!()
        };
        assert_eq!(kind, "AttributeError");
        assert!(message.contains("def management(self, action, data)"), "{message}");
    });
}

#[test]
fn coverage_tells_which_statements_ran() {
    let code = "\"\"\"Doc.\"\"\"\nimport json\n\nclass AIOSv1PolicyRule:\n    \"\"\"Doc.\"\"\"\n    \
                def __init__(self, rule_id, settings, parameters):\n        self.a = json.dumps(\n            settings\n        )\n\n    \
                def eval(self, parameters, input_data, context):\n        if input_data.get('x'):\n            return 1\n        \
                elif input_data.get('y'):\n            return 2\n        for n in [1, 2]:\n            continue\n        \
                return {\n            'a': 1,\n        }\n\n    def management(self, action, data):\n        return 1\n";
    with_python(|python| {
        let mut call = call("{}", "{}");
        call.coverage = true;
        let coverage = run(python, code, &call).unwrap().coverage.unwrap();
        assert_eq!(coverage.covered, [2, 4, 6, 7, 11, 12, 16, 17, 18, 22]);
        assert_eq!(coverage.missed, [13, 15, 23]);
        call.coverage = false;
        assert_eq!(run(python, code, &call).unwrap().coverage, None);
    });
}

/// Sources at the bounds fit a worker's stack: in the parser, in the code generator and in the
/// destructors of their data.
#[test]
fn the_deepest_accepted_source_fits_the_stack() {
    let inner = [
        format!("{}1{}", "(".repeat(99), ")".repeat(99)),
        format!("1{}", " + 1".repeat(390)),
        format!("{}1", "-".repeat(390)),
        format!("{}1", "not ".repeat(390)),
        format!("{}1", "lambda: ".repeat(390)),
        format!("{}1", "1 if parameters else ".repeat(390)),
        format!("{}1{}", "[1+1+1,".repeat(90), "]".repeat(90)),
        format!("str{}", ".a".repeat(390)),
        format!("{}1{}", "f'{".repeat(45), "}'".repeat(45)),
        format!("1{}", " ** 1".repeat(190)),
    ];
    with_python(|python| {
        for expression in inner {
            let code = policy("", &format!("if parameters:\n    return {expression}\nreturn 1"));
            let compiled = compile(python, &code).map(|_| ());
            // The compiler may accept or refuse it, but must not overflow the stack.
            assert!(
                compiled.is_ok() || compiled.as_ref().is_err_and(|found| !found.is_empty()),
                "{expression:.60}"
            );
        }
        let blocks: String =
            (0..95).map(|n| format!("{}if parameters:\n", "    ".repeat(n))).collect();
        let code = policy("", &format!("{blocks}{}pass\nreturn 1", "    ".repeat(95)));
        let found = compile(python, &code).map(|_| ());
        assert!(found.is_ok(), "{found:?}");
        let branches: String =
            (0..1_000).map(|n| format!("elif parameters == {n}:\n    return {n}\n")).collect();
        let code = policy("", &format!("if parameters:\n    return 0\n{branches}return 1"));
        assert!(compile(python, &code).is_ok());
    });
}

#[test]
fn a_failed_run_leaves_no_exception_to_the_next() {
    let body = "if parameters:\n    try: 1 / 0\n    except ZeroDivisionError: raise ValueError('first')\n\
                logging.exception('second')\nraise KeyError('last')";
    with_python(|python| {
        let mut program = compile(python, &policy("import logging", body)).unwrap();
        let (bad, good) = (call(r#"{"x": 1}"#, "{}"), call("{}", "{}"));
        let clean = program.run(&good, &Budget::default()).unwrap_err();
        program.run(&bad, &Budget::default()).unwrap_err();
        assert_eq!(program.run(&good, &Budget::default()).unwrap_err(), clean);
        assert!(clean.to_string().ends_with("KeyError: 'last'"), "{clean}");
    });
}
