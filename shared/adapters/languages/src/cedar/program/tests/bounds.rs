//! The bounds on a policy's source and output.

use super::*;

/// A worker has 64 MiB of stack; the bounds are chosen for an eighth of it, in a debug build.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(8 << 20).spawn(test).unwrap().join().unwrap();
}

#[test]
fn sources_built_to_overflow_a_stack_are_refused() {
    on_a_small_stack(|| {
        let nested = |open: &str, close: &str| {
            format!("{PERMIT} when {{ {}1{} }};", open.repeat(20_000), close.repeat(20_000))
        };
        let chain = |link: &str| format!("{PERMIT} when {{ context.a{} }};", link.repeat(20_000));
        let cases = [
            nested("(", ")"),
            nested("[", "]"),
            nested("{a: ", "}"),
            nested("if true then 1 else ", ""),
            chain(" + 1"),
            chain(" && true"),
            chain(".a"),
            chain(".contains(1)"),
            format!("{PERMIT} {};", "when { true }".repeat(20_000)),
        ];
        for code in cases {
            let problems = compile(&code, "").err().unwrap_or_default();
            assert_eq!(
                problems.first().map(|problem| problem.code.as_str()),
                Some("cedar.too-deep")
            );
            assert!(problems[0].line.is_some());
        }
        let schema =
            format!("entity A {{ x: {}Long{} }};", "Set<".repeat(20_000), ">".repeat(20_000));
        let data = serde_json::json!({ "schema": schema }).to_string();
        let problems = compile(&format!("{PERMIT};"), &data).err().unwrap();
        assert_eq!(problems[0].code, "cedar.too-deep");
        let large = format!("// {}\n{PERMIT};", "x".repeat(1 << 20));
        assert_eq!(compile(&large, "").err().unwrap()[0].code, "cedar.too-large");
    });
}

#[test]
fn what_is_just_within_the_bounds_runs() {
    on_a_small_stack(|| {
        let cases = [
            format!("{}true{}", "(".repeat(63), ")".repeat(63)),
            format!("true{}", " && true".repeat(990)),
            format!("1{} == 1", " * 1".repeat(990)),
            format!("{}true", "if false then true else ".repeat(990)),
        ];
        for condition in cases {
            let code = format!("{PERMIT} when {{ {condition} }};");
            assert_eq!(
                run(&code, &schema(), &request(r#", "context": {"ip": "::1"}"#)),
                allow("\"policy0\"")
            );
        }
        let many = format!("{PERMIT} when {{ false }};\n").repeat(3_000);
        assert_eq!(run(&many, "", &request("")), deny(""));
    });
}

#[test]
fn an_output_beyond_its_bounds_is_refused() {
    let budget = Budget { output_bytes_max: 10, ..Budget::default() };
    let mut program = compiled("", "");
    assert_eq!(
        program.run(&call(&request("")), &budget).unwrap_err(),
        Failure::OutputTooLarge { budget_bytes: 10 }
    );
}
