use super::*;

const ECHO: &str = "(call $at (local.get $p) (local.get $n))";
const PLATFORM: &str = r#"
  (import "writ" "now_ms" (func $now (result i64)))
  (import "writ" "random" (func $random (param i32 i32)))
  (import "writ" "print" (func $print (param i32 i32)))
  (import "writ" "fail" (func $fail (param i32 i32)))
  (import "writ" "context_get" (func $get (param i32 i32) (result i64)))
  (import "writ" "context_set" (func $set (param i32 i32 i32 i32)))
  (import "writ" "context_delete" (func $delete (param i32 i32)))"#;

fn run(data: &str, eval: &str, call: &Call) -> Result<Outcome, Failure> {
    compiled(&module(PLATFORM, data, eval)).run(call, &Budget::default())
}

#[test]
fn a_module_gets_every_document_as_its_own_bytes() {
    let mut program = compiled(&module("", "", ECHO));
    let outcome = program.run(&call(r#"{"b": 1.0, "a": "\u00e9"}"#), &Budget::default()).unwrap();
    assert_eq!(
        outcome.output.as_str(),
        r#"{"rule_id":"test:1.0-beta","settings":{"s":1.00},"parameters":{},"input":{"b":1.0,"a":"\u00e9"}}"#
    );
}

#[test]
fn management_gets_the_command_where_the_module_has_it() {
    let command = Call {
        method: Method::Management {
            action: "reset \"all\"".to_owned(),
            data: RawJson::parse("[1]").unwrap(),
        },
        ..call("1")
    };
    let code = module("", "", ECHO);
    let mut program = compiled(&code);
    assert!(line(&program.run(&command, &Budget::default())).starts_with("wasm.no-management: "));
    let code = code.replace(r#"(data "#, r#"(export "management" (func $eval)) (data "#);
    assert_eq!(
        line(&compiled(&code).run(&command, &Budget::default())),
        r#"{"rule_id":"test:1.0-beta","settings":{"s":1.00},"parameters":{},"action":"reset \"all\"","data":[1]}"#
    );
}

#[test]
fn bytes_in_base64_are_the_same_module() {
    use base64::Engine as _;
    let bytes = source::parse(&module("", "", ECHO)).unwrap_or_else(|_| panic!()).bytes;
    let mut code = base64::engine::general_purpose::STANDARD.encode(bytes);
    code.insert(8, '\n');
    let outcome = compiled(&code).run(&call("1"), &Budget::default());
    assert!(line(&outcome).contains(r#""input":1"#));
}

/// Text at 16, the body of `eval`, what comes out.
const ENDINGS: &[(&str, &str, &str)] = &[
    ("true", "(call $at (i32.const 16) (i32.const 4))", "true"),
    (
        "tru ",
        "(call $at (i32.const 16) (i32.const 4))",
        "the policy returned text that is no json at offset 3 (expected ident), which JSON cannot hold",
    ),
    (
        "\\ff",
        "(call $at (i32.const 16) (i32.const 1))",
        "the policy returned bytes that are no utf-8 at offset 0, which JSON cannot hold",
    ),
    (
        "",
        "(call $at (i32.const 65535) (i32.const 2))",
        "wasm.out-of-bounds: `eval` spoke of 2 bytes at 65535, in a memory of 65536 bytes",
    ),
    (
        "",
        "(call $at (i32.const -1) (i32.const 1))",
        "wasm.out-of-bounds: `eval` spoke of 1 bytes at 4294967295, in a memory of 65536 bytes",
    ),
    ("", "(i64.const -1)", "the policy returned more than its 1048576 bytes"),
    (
        "",
        "(loop $l (br $l)) (unreachable)",
        "wasm.out-of-fuel: the policy executed more than the 1000000 instructions of its 10 ms",
    ),
    (
        "",
        "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)) (unreachable)",
        "wasm.out-of-fuel: the policy executed more than the 1000000 instructions of its 10 ms",
    ),
    (
        "",
        "(loop $l (call $random (i32.const 0) (i32.const 65536)) (br $l)) (unreachable)",
        "wasm.out-of-fuel: the policy executed more than the 1000000 instructions of its 10 ms",
    ),
    (
        "",
        "(call $eval (local.get $p) (local.get $n))",
        "the policy went deeper than its 10000 nested calls",
    ),
    (
        "",
        "(unreachable)",
        "wasm.trap: the module gave up: it executed `unreachable`; `writ.fail` can say why",
    ),
    ("", "(i64.div_u (i64.const 1) (i64.const 0))", "wasm.trap: integer divide by zero"),
    ("", "(i64.load (i32.const -1))", "wasm.trap: out of bounds memory access"),
    (
        "no such list",
        "(call $fail (i32.const 16) (i32.const 12)) (i64.const 0)",
        "wasm.failed: no such list",
    ),
    (
        "",
        "(call $print (i32.const 65530) (i32.const 7)) (i64.const 0)",
        "wasm.out-of-bounds: `print` spoke of 7 bytes at 65530, in a memory of 65536 bytes",
    ),
    // It asks for pages until there are none, and then gives up.
    (
        "",
        "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)",
        "the policy needed more than its 67108864 bytes of memory",
    ),
    // Being refused is no failure to a module that lives with it.
    (
        "true",
        "(drop (memory.grow (i32.const 60000))) (call $at (i32.const 16) (i32.const 4))",
        "true",
    ),
    // Nor does it excuse what comes later and has its own name.
    (
        "",
        "(drop (memory.grow (i32.const 60000))) (call $fail (i32.const 16) (i32.const 0)) (i64.const 0)",
        "wasm.failed: ",
    ),
];

#[test]
fn every_way_to_end_has_its_words() {
    // Little fuel, so that what never ends does so soon.
    let budget = Budget { time: std::time::Duration::from_millis(10), ..Budget::default() };
    for (data, eval, expected) in ENDINGS {
        let ended = compiled(&module(PLATFORM, data, eval)).run(&call("1"), &budget);
        assert_eq!(line(&ended), *expected, "{eval}");
    }
}

#[test]
fn a_module_that_is_larger_than_the_budget_is_out_of_memory() {
    for pages in [769, 65536] {
        let code = module("", "", ECHO).replace("\"memory\") 1", &format!("\"memory\") {pages}"));
        let ended = compiled(&code).run(&call("1"), &Budget::default());
        assert_eq!(line(&ended), "the policy needed more than its 67108864 bytes of memory");
    }
    let code = module("", "", ECHO).replace("\"memory\") 1", "\"memory\") 768");
    assert!(compiled(&code).run(&call("1"), &Budget::default()).is_ok());
}

#[test]
fn a_module_without_memory_to_give_says_so() {
    for (body, expected) in [
        ("(i32.const 0)", "wasm.alloc: `writ_alloc` returned 0: it has no memory"),
        (
            "(i32.const 65500)",
            "wasm.out-of-bounds: `writ_alloc` spoke of 76 bytes at 65500, in a memory of 65536 bytes",
        ),
        (
            "(drop (memory.grow (i32.const 60000))) (i32.const 0)",
            "the policy needed more than its 67108864 bytes of memory",
        ),
    ] {
        let code = format!(
            r#"(module (memory (export "memory") 1)
                (func (export "writ_alloc") (param i32) (result i32) {body})
                (func (export "eval") (param i32 i32) (result i64) (i64.const 0)))"#
        );
        assert_eq!(line(&compiled(&code).run(&call("1"), &Budget::default())), expected);
    }
}

#[test]
fn clock_chance_and_capture_are_the_runs_own() {
    let eval = "(i64.store (i32.const 16) (call $now)) (call $random (i32.const 24) (i32.const 12))
        (call $print (i32.const 16) (i32.const 20)) (call $print (i32.const 36) (i32.const 1))
        (call $at (i32.const 37) (i32.const 4))";
    let data = "                    \\ntrue";
    let first = run(data, eval, &call("1")).unwrap();
    let mut expected = 1_700_000_000_123_i64.to_le_bytes().to_vec();
    let mut random = [0; 12];
    crate::rng::Rng::new(7).fill(&mut random);
    expected.extend(random);
    assert_eq!(first.printed, format!("{}\n", String::from_utf8_lossy(&expected)));
    assert_eq!(run(data, eval, &call("1")).unwrap().printed, first.printed);
    assert_ne!(run(data, eval, &Call { seed: 8, ..call("1") }).unwrap().printed, first.printed);
}

#[test]
fn printing_is_bounded() {
    let eval = "(local $i i32) (loop $l (call $print (i32.const 16) (i32.const 4))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 10)))) (call $at (i32.const 16) (i32.const 4))";
    let budget = Budget { output_bytes_max: 6, ..Budget::default() };
    let outcome = compiled(&module(PLATFORM, "true", eval)).run(&call("1"), &budget).unwrap();
    assert_eq!(outcome.printed, "truetr");
}

#[test]
fn what_is_printed_before_a_run_fails_is_kept() {
    let cases = [
        ("(call $fail (i32.const 16) (i32.const 4)) (unreachable)", "wasm.failed"),
        ("(unreachable)", "wasm.trap"),
        ("(loop $l (br $l)) (unreachable)", "wasm.out-of-fuel"),
        ("(call $at (i32.const 16) (i32.const 3))", "JSON"),
        ("(call $at (i32.const 16) (i32.const 9))", "bytes"),
    ];
    // Little fuel, so that what never ends does so soon.
    let time = std::time::Duration::from_millis(10);
    let budget = Budget { output_bytes_max: 6, time, ..Budget::default() };
    for (end, message) in cases {
        let eval = format!("(call $print (i32.const 16) (i32.const 4)) {end}");
        let mut program = compiled(&module(PLATFORM, "true", &eval));
        let ended = line(&program.run(&call("1"), &budget));
        assert!(ended.contains(message), "{ended}");
        assert_eq!(program.take_printed(), "true", "{end}");
        assert_eq!(program.take_printed(), "");
    }
}

#[test]
fn not_a_number_has_one_form() {
    // Any NaN through an operation, as bits; which NaN comes out is the machine's choice.
    let eval = "(local $bits i64)
        (local.set $bits (i64.reinterpret_f64 (f64.add (f64.const nan:0x8000000000001)
            (f64.div (f64.const 0) (f64.const 0)))))
        (if (i64.ne (local.get $bits) (i64.const 0x7ff8000000000000)) (then (unreachable)))
        (call $at (i32.const 16) (i32.const 4))";
    assert_eq!(line(&run("true", eval, &call("1"))), "true");
}

#[test]
fn no_run_sees_an_earlier_one() {
    // Counts in a global, in memory and in a table that it grows.
    let code = module(
        "(table $t 1 funcref) (global $runs (mut i32) (i32.const 0))",
        "0",
        "(global.set $runs (i32.add (global.get $runs) (i32.const 1)))
         (drop (table.grow $t (ref.null func) (i32.const 1)))
         (i32.store8 (i32.const 16) (i32.add (i32.load8_u (i32.const 16))
            (i32.add (global.get $runs) (table.size $t))))
         (call $at (i32.const 16) (i32.const 1))",
    );
    let mut program = compiled(&code);
    for _ in 0..3 {
        assert_eq!(line(&program.run(&call("1"), &Budget::default())), "3");
    }
}

#[test]
fn fuel_runs_out_at_the_same_instruction_whatever_ran_before() {
    // Counts in memory until the fuel is gone; the count is lost with the run, so the largest
    // number of rounds that still fits is looked for, on a fresh and on a used program.
    let code = |rounds: u32| {
        let eval = format!(
            "(local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br_if $l (i32.lt_u (local.get $i) (i32.const {rounds}))))
             (call $at (i32.const 16) (i32.const 4))"
        );
        module("", "true", &eval)
    };
    let budget = Budget { time: std::time::Duration::from_millis(1), ..Budget::default() };
    let fits = |rounds: u32| compiled(&code(rounds)).run(&call("1"), &budget).is_ok();
    let (mut low, mut high) = (1, 200_000);
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if fits(middle) { low = middle } else { high = middle }
    }
    assert!(low > 1_000, "{low}");
    for (rounds, ends) in [(low, true), (high, false)] {
        let mut program = compiled(&code(rounds));
        for _ in 0..3 {
            assert_eq!(program.run(&call("1"), &budget).is_ok(), ends, "{rounds}");
        }
    }
}

/// Context before, body of `eval`, output or failure, what is kept.
const CONTEXTS: &[(&str, &str, &str, &str)] = &[
    // The key is `k`, at 16; the value `[1, 2]`, at 17; `true` at 23.
    (r#"{"k": 1.50}"#, "(call $get (i32.const 16) (i32.const 1))", "1.50", "{}"),
    (
        "{}",
        "(if (i64.ne (call $get (i32.const 16) (i32.const 1)) (i64.const 0)) (then unreachable))
         (call $at (i32.const 23) (i32.const 4))",
        "true",
        "{}",
    ),
    (
        "{}",
        "(call $set (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 6))
         (call $get (i32.const 16) (i32.const 1))",
        "[1,2]",
        r#"{"set":{"k":[1,2]}}"#,
    ),
    (
        r#"{"k": 1}"#,
        "(call $delete (i32.const 16) (i32.const 1)) (call $delete (i32.const 17) (i32.const 1))
         (if (i64.ne (call $get (i32.const 16) (i32.const 1)) (i64.const 0)) (then unreachable))
         (call $at (i32.const 23) (i32.const 4))",
        "true",
        r#"{"deleted":["k"]}"#,
    ),
    (
        r#"{"k": 1}"#,
        "(call $delete (i32.const 16) (i32.const 1))
         (call $set (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 6))
         (call $at (i32.const 23) (i32.const 4))",
        "true",
        r#"{"set":{"k":[1,2]}}"#,
    ),
    (
        "{}",
        "(call $set (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 5)) (i64.const 0)",
        "wasm.context: `context_set` was given text that is no json at offset 5 (EOF while parsing a list) for `k`",
        "",
    ),
];

#[test]
fn a_context_is_read_and_changed() {
    for (before, eval, expected, kept) in CONTEXTS {
        let result = run("k[1, 2]true", eval, &with_context(before));
        assert_eq!(line(&result), *expected, "{eval}");
        if let Ok(outcome) = result {
            let change = outcome.context.expect("a change");
            assert_eq!(serde_json::to_string(&change).unwrap(), *kept, "{eval}");
        }
    }
}

#[test]
fn a_stateless_run_has_a_context_of_its_own_and_keeps_nothing() {
    let eval = "(call $set (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 6))
        (call $get (i32.const 16) (i32.const 1))";
    let outcome = run("k[1, 2]", eval, &call("1")).unwrap();
    assert_eq!((outcome.output.as_str(), outcome.context), ("[1,2]", None));
}

#[test]
fn a_context_cannot_grow_beyond_its_bound() {
    let half = format!(r#"{{"a": "{}"}}"#, "x".repeat(CONTEXT_BYTES_MAX / 2));
    // Writes a string of `$n` letters under `k`, and again under `l`.
    let eval = |length: usize, again: &str| {
        format!(
            "(drop (memory.grow (i32.const 8)))
             (memory.fill (i32.const 8192) (i32.const 120) (i32.const {length}))
             (i32.store8 (i32.const 8192) (i32.const 34))
             (i32.store8 (i32.const {}) (i32.const 34))
             (call $set (i32.const 16) (i32.const 1) (i32.const 8192) (i32.const {length}))
             {again} (call $at (i32.const 18) (i32.const 4))",
            8192 + length - 1
        )
    };
    let twice = "(call $set (i32.const 17) (i32.const 1) (i32.const 8192) (i32.const 200000))";
    let same = "(call $set (i32.const 16) (i32.const 1) (i32.const 8192) (i32.const 200000))";
    for (before, length, again, fits) in [
        ("{}", 200_000, "", true),
        ("{}", 200_000, same, true),
        ("{}", 200_000, twice, false),
        ("{}", CONTEXT_BYTES_MAX, "", false),
        (half.as_str(), 200_000, "", false),
    ] {
        let result = run("kltrue", &eval(length, again), &with_context(before));
        let expected = if fits {
            "true"
        } else {
            "wasm.context-too-large: the context would hold more than 262144 bytes; delete what is not needed"
        };
        assert_eq!(line(&result), expected, "{length} {again}");
    }
}

#[test]
fn a_module_cannot_use_the_platform_to_leave_its_stack() {
    // `writ_alloc` asks for the context, which asks `writ_alloc`.
    let code = module(PLATFORM, "k", "(call $get (i32.const 16) (i32.const 1))").replace(
        "(global.get $next)\n",
        "(drop (call $get (i32.const 16) (i32.const 1))) (global.get $next)\n",
    );
    let result = compiled(&code).run(&with_context(r#"{"k": 1}"#), &Budget::default());
    assert_eq!(
        line(&result),
        "wasm.alloc: `writ_alloc` called `context_get`, which needs `writ_alloc`"
    );
}

#[test]
fn a_module_may_prepare_itself_before_it_is_asked() {
    let ready = r#"(func $ready (i32.store8 (i32.const 16) (i32.const 50)))"#;
    let code = module("", "1", "(call $at (i32.const 16) (i32.const 1))");
    for how in [r#"(export "_initialize" (func $ready))"#, "(start $ready)"] {
        let code = code.replace("(data ", &format!("{ready} {how} (data "));
        assert_eq!(line(&compiled(&code).run(&call("1"), &Budget::default())), "2", "{how}");
    }
    let code = code.replace("(data ", "(func $ready (loop $l (br $l))) (start $ready) (data ");
    let budget = Budget { time: std::time::Duration::from_millis(10), ..Budget::default() };
    let ended = line(&compiled(&code).run(&call("1"), &budget));
    assert!(ended.starts_with("wasm.out-of-fuel"), "{ended}");
}
