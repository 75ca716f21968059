//! Tests that a run cannot observe the library's caches that an earlier run has filled.

use super::*;

fn proven(python: &mut Python, code: &str) -> Box<dyn Program> {
    let program = compile(python, code).unwrap_or_else(|found| panic!("{found:?}\n{code}"));
    assert_eq!(program.checked().warnings, [], "{code}");
    program
}

fn output(program: &mut dyn Program, input: &str) -> String {
    let done = program.run(&call("{}", input), &Budget::default()).unwrap();
    assert_eq!(program.isolation(), Isolation::Reusable);
    done.output.as_str().to_owned()
}

#[test]
fn a_cache_accepts_no_key_that_is_only_equal() {
    let cases = [
        ("import re", r#"re.compile("abcd", 2)"#, r#"re.compile("abcd", 2.0)"#),
        ("import re", r#"re.match("abcd", "", 2)"#, r#"re.match("abcd", "", 2.0)"#),
        (
            "import ipaddress",
            r#"ipaddress.ip_network(("10.0.0.0", 13))"#,
            r#"ipaddress.ip_network(("10.0.0.0", 13.0))"#,
        ),
    ];
    with_python(|python| {
        for (imports, warm, probe) in cases {
            let body = format!(
                "try: {warm} if input_data else {probe}\nexcept Exception as e: return type(e).__name__"
            );
            let mut program = proven(python, &policy(imports, &body));
            assert_eq!(output(&mut *program, "1"), "null", "{warm}");
            assert!(output(&mut *program, "0").contains("Error"), "{probe}");
        }
    });
}

/// A cache that is filled needs less of the stack than one that is not.
#[test]
fn what_is_cached_takes_no_less_depth_than_before() {
    let cases = [
        ("import re", r#"re.compile("(a|(b+|(c)*))+x")"#),
        // The deepest of the patterns that are cached.
        ("import re", r#"re.compile("(a|[bc]+|" * 12 + "d*" + ")*" * 12)"#),
        ("import re", r#"re.sub("(a)", r"\1b", "a")"#),
        ("import fnmatch", r#"fnmatch.fnmatch("abc", "a*[bc]")"#),
        ("import ipaddress", r#"ipaddress.ip_address("10.1.2.3").is_private"#),
        ("import ipaddress", r#"ipaddress.ip_network("10.0.0.0/255.128.0.0")"#),
        ("from urllib.parse import urlsplit", r#"urlsplit("http://a.b/c?d#e")"#),
        ("from urllib.parse import quote", r#"quote("ä/b", safe="~")"#),
        ("from fractions import Fraction", "hash(Fraction(1, 3))"),
        ("from datetime import datetime", r#"datetime.strptime("2024", "%Y")"#),
        ("from typing import Dict, List", "Dict[str, List[int]]"),
        ("from collections.abc import Mapping", "isinstance(1, Mapping)"),
        ("from collections.abc import Sized", "isinstance(1, Sized)"),
        ("from collections.abc import Sequence", "isinstance((), Sequence)"),
        ("import numbers, decimal", "isinstance(decimal.Decimal(1), numbers.Number)"),
        ("import hashlib", "hashlib.new('sha3_256')"),
        ("import json", "json.loads('[1]')"),
    ];
    with_python(|python| {
        for (imports, step) in cases {
            let body = format!(
                "def deep(n):\n    if n: deep(n - 1)\n    else: {step}\nfor n in range(198, -1, -1):\n    \
                 try: deep(n)\n    except RecursionError: continue\n    return n"
            );
            let mut program = proven(python, &policy(imports, &body));
            let first = output(&mut *program, "0");
            assert_ne!(first, "198", "{step} never ran out of stack");
            assert_eq!(output(&mut *program, "0"), first, "{step}");
        }
    });
}

#[test]
fn a_run_that_makes_the_library_load_something_is_the_last_of_its_process() {
    with_python(|python| {
        let mut program = proven(python, &policy("", "return 'a'.encode(input_data).decode()"));
        assert_eq!(output(&mut *program, r#""latin-1""#), r#""a""#);
        program.run(&call("{}", r#""cp437""#), &Budget::default()).unwrap();
        assert_eq!(program.isolation(), Isolation::SingleUse);
    });
}

#[test]
fn a_logging_format_reads_no_attribute() {
    let body = "logging.basicConfig(format=input_data, style='{', level=20)\nlogging.info('x')";
    with_python(|python| {
        for (format, fine) in [
            ("{message} {levelno:>4}", true),
            ("{{a.b}}", true),
            ("{msg.x}", false),
            ("{args[0]}", false),
            ("{message:{msg.x}}", false),
        ] {
            let mut program = proven(python, &policy("import logging", body));
            let done = program.run(&call("{}", &format!("{format:?}")), &Budget::default());
            assert_eq!(done.is_ok(), fine, "{format}");
        }
    });
}
