use super::*;

/// What is wrong, as `code message (place) help`, one line each.
fn problems(code: &str) -> String {
    let Err(problems) = compile(code) else { panic!("accepted: {code:.200}") };
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| {
            let help = problem.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
            format!("{} {problem}{help}", problem.code)
        })
        .collect();
    lines.join("\n")
}

const NOTHING: &str = "(call $at (i32.const 16) (i32.const 0))";

#[test]
fn a_module_without_its_exports_says_what_to_export() {
    assert_eq!(
        problems("(module)"),
        "wasm.export the module exports no `memory`; export its linear memory: `(memory (export \"memory\") 1)`\n\
         wasm.export the module exports no `writ_alloc`; export the function `writ_alloc: (i32) -> i32`\n\
         wasm.export the module exports no `eval`; export the function `eval: (i32, i32) -> i64`"
    );
    let code = module("", "", NOTHING);
    let cases = [
        (
            code.replace("\"eval\") (param $p i32)", "\"eval\") (param $p i64)"),
            "wasm.export `eval` is exported as the function `(i64, i32) -> i64`; export the function `eval: (i32, i32) -> i64`",
        ),
        (
            code.replace("(data ", "(export \"management\" (global $next)) (data "),
            "wasm.export `management` is exported as a global; export the function `management: (i32, i32) -> i64`",
        ),
        (
            code.replace(
                "(memory (export \"memory\") 1)",
                "(memory 1) (export \"memory\" (func $eval))",
            ),
            "wasm.export `memory` is exported as the function `(i32, i32) -> i64`; export its linear memory: `(memory (export \"memory\") 1)`",
        ),
    ];
    for (code, expected) in cases {
        // The body does not fit a changed signature; only the first case needs another.
        let code = match code.contains("$p i64") {
            true => code.replace(NOTHING, "(i64.const 0)"),
            false => code,
        };
        assert_eq!(problems(&code), expected);
    }
}

#[test]
fn what_cannot_be_imported_is_refused_by_name() {
    let cases = [
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
            "there is no `wasi_snapshot_preview1.fd_write` to import; a policy has no operating system: build for `wasm32-unknown-unknown` or `wasm32-freestanding`",
        ),
        (
            r#"(import "env" "abort" (func (param i32 i32 i32 i32)))"#,
            "there is no `env.abort` to import; compile AssemblyScript with `--use abort=`",
        ),
        (
            r#"(import "writ" "now" (func (result i64)))"#,
            "there is no `writ.now` to import; the module `writ` has `now_ms`, `random`, `print`, `fail`, `context_get`, `context_set`, `context_delete`; nothing else can be imported",
        ),
        (
            r#"(import "writ" "now_ms" (func (result i32)))"#,
            "`writ.now_ms` is imported as the function `() -> i32`; import it as `() -> i64`",
        ),
        (
            r#"(import "writ" "print" (global i32))"#,
            "`writ.print` is imported as a global; import it as `(i32, i32)`",
        ),
    ];
    for (import, expected) in cases {
        let code = module(import, "", NOTHING);
        assert_eq!(problems(&code), format!("wasm.import {expected}"));
    }
}

#[test]
fn a_mistake_in_the_text_has_its_line_and_column() {
    let unclosed = "(module\n  (func (result i32)\n    (i32.const x)))";
    let unknown = "(module\n  (func\n    (call $nobody)))";
    let wrong = "(module\n  (func $a)\n  (func $b (result i32)\n    (i64.const 1)))";
    let cases = [
        (unclosed, "wasm.syntax expected a i32 (line 3, column 16)"),
        (unknown, "wasm.syntax unknown func: failed to find name `$nobody` (line 3, column 11)"),
        (
            wrong,
            "wasm.invalid type mismatch: expected i32, found i64, in this function (line 3, column 4)",
        ),
        ("", "wasm.syntax the source is empty; write a module as text"),
        ("fn main() {}", "(line 1, column 1); write a module as text"),
        ("é (", "(line 1, column 1)"),
        ("(component)", "(line 1, column 2)"),
    ];
    for (code, expected) in cases {
        let problems = problems(code);
        assert!(problems.contains(expected), "{code}: {problems}");
    }
}

#[test]
fn a_mistake_in_the_bytes_has_its_offset() {
    let cases = [
        ("AGFzbQ", "wasm.base64 the base64 is broken"),
        (
            "AGFzbQE\n!AAA",
            "wasm.base64 the base64 is broken: Invalid symbol 33, offset 7. (line 2, column 1)",
        ),
        ("AGFzbQEA", "unexpected end-of-file at offset 0x4"),
        ("AGFzbQ0AAQA=", "a component"),
        ("AGFzbQEAAAABAv8A", "at offset 0x"),
    ];
    for (code, expected) in cases {
        let problems = problems(code);
        assert!(problems.contains(expected), "{code}: {problems}");
    }
}

#[test]
fn what_stands_for_too_much_is_refused_before_it_is_compiled() {
    let functions = "(func)".repeat(10_001);
    let locals = format!("(func (local {}))", "i32 ".repeat(10_001));
    let parameters = format!("(type (func (param {})))", "i32 ".repeat(101));
    let tables = "(table 1 funcref)".repeat(11);
    let long = format!("(module) ;;{}", "x".repeat(1 << 20));
    let cases = [
        (format!("(module {functions})"), "the module has 10001 functions, more than 10000"),
        (format!("(module {locals})"), "a function has 10001 locals, more than 10000"),
        (format!("(module {parameters})"), "a function type has 101 parameters and 0 results"),
        (format!("(module {tables})"), "the module has 11 tables, more than 10"),
        (long, "the module has 1048587 bytes, more than 1048576"),
    ];
    for (code, expected) in cases {
        let problems = problems(&code);
        assert!(
            problems.starts_with("wasm.too-large") && problems.contains(expected),
            "{problems}"
        );
    }
}

/// A few bytes for very many locals, which no text can write.
#[test]
fn locals_are_counted_over_all_functions() {
    use base64::Engine as _;
    let functions = 200_u8;
    let mut body = vec![6_u8, 1, 0x90, 0x4e, 0x7f, 0x0b];
    assert_eq!(usize::from(body.remove(0)), body.len() + 1);
    body.insert(0, 5);
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0".to_vec();
    let mut section = |id: u8, content: Vec<u8>| {
        let length = u16::try_from(content.len()).unwrap();
        bytes.extend([id, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
        bytes.extend(content);
    };
    let counted = |items: Vec<u8>| [vec![functions & 0x7f | 0x80, functions >> 7], items].concat();
    section(3, counted(vec![0; usize::from(functions)]));
    section(10, counted(body.repeat(usize::from(functions))));
    let problems = problems(&base64::engine::general_purpose::STANDARD.encode(bytes));
    assert!(problems.contains("the module has more than 1000000 locals at offset"), "{problems}");
}

#[test]
fn what_the_engine_does_not_have_is_refused() {
    let simd = module("", "", "(drop (v128.const i64x2 0 0)) (i64.const 0)");
    let two = module("(memory 1)", "", NOTHING);
    let wide = "(module (memory (export \"memory\") i64 1))";
    for (code, expected) in [(simd, "simd"), (two, "multi"), (wide.to_owned(), "memory64")] {
        let problems = problems(&code);
        assert!(
            problems.starts_with("wasm.invalid") && problems.to_lowercase().contains(expected),
            "{problems}"
        );
    }
}

/// On a thread with the stack of a test, smaller than a worker's.
#[test]
fn deep_nesting_is_refused_or_compiled_but_never_overflows() {
    let folded =
        format!("(drop {}(i32.const 1){})", "(i32.eqz ".repeat(50_000), ")".repeat(50_000));
    let blocks = format!("{}{}", "(block ".repeat(50_000), ")".repeat(50_000));
    let plain = format!("{}{}", "block ".repeat(50_000), "end ".repeat(50_000));
    let outside = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
    for body in [folded, blocks, plain] {
        // Either is fine: what counts is that it comes back.
        let _ = compile(&module("", "", &format!("{body} (i64.const 0)")));
    }
    assert!(problems(&outside).starts_with("wasm.syntax"));
}
