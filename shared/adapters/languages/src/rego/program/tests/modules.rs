//! Policies of several modules, and the other members of `functionality_data`.

use super::*;

/// Compiles a policy with this `functionality_data`.
fn compiled(code: &str, form: serde_json::Value) -> Result<RegoProgram, Vec<Diagnostic>> {
    let source = Source { functionality_data: Some(RawJson::of(&form)), ..source(code, None) };
    crate::rego::compile::compile(&source).map(RegoProgram::new)
}

/// The result of a policy.
fn answer(code: &str, form: serde_json::Value, input: &str) -> String {
    let mut program = compiled(code, form).unwrap_or_else(|problems| panic!("{problems:#?}"));
    line(&program.run(&call(input), &Budget::default()))
}

const NET: &str = "package lib.net\n\nprivate := {\"10.0.0.0/8\"}\n\ninside(ip) if {\n  some n in private\n  net.cidr_contains(n, ip)\n}\n";

#[test]
fn a_module_is_imported_or_named_in_full() {
    let cases = [
        "package p\nimport data.lib.net\nallow if net.inside(input)",
        "package p\nimport data.lib.net as n\nallow if n.inside(input)",
        "package p\nimport data.lib\nallow if lib.net.inside(input)",
        "package p\nallow if data.lib.net.inside(input)",
    ];
    for code in cases {
        let form = serde_json::json!({"query": "allow", "modules": {"lib/net.rego": NET}});
        assert_eq!(answer(code, form, "\"10.1.2.3\""), "true", "{code}");
    }
}

#[test]
fn two_modules_may_share_a_package() {
    let other = "package p\nallow := true if input == 2\nlimits := {\"a\": 1}\n";
    let form = |query| serde_json::json!({"query": query, "modules": {"more.rego": other}});
    let code = "package p\ndefault allow := false\nallow := true if input == 1\n";
    for (input, expected) in [("1", "true"), ("2", "true"), ("3", "false")] {
        assert_eq!(answer(code, form("data.p.allow"), input), expected);
    }
    assert_eq!(answer(code, form("data.p"), "1"), r#"{"allow":true,"limits":{"a":1}}"#);
    // Two values of one rule are an error also where its definitions are in two modules.
    let code = "package p\nallow := false if input == 2\n";
    assert!(answer(code, form("allow"), "2").starts_with("rego.conflict: "));
}

#[test]
fn a_query_may_name_any_module_and_a_document_of_several_packages() {
    let form = |query: serde_json::Value| {
        serde_json::json!({"query": query, "modules": {
            "a.rego": "package lib.a\nx := input",
            "b.rego": "package lib.b\ny := data.lib.a.x + 1",
        }})
    };
    let cases = [
        ("data.lib.b.y", "2"),
        ("data.lib.b", r#"{"y":2}"#),
        ("data.lib", r#"{"a":{"x":1},"b":{"y":2}}"#),
        ("data.p.allow", "true"),
        ("allow", "true"),
    ];
    for (query, expected) in cases {
        assert_eq!(
            answer("package p\nallow := true", form(query.into()), "1"),
            expected,
            "{query}"
        );
    }
    assert_eq!(
        answer("package p\nallow := true", form(serde_json::Value::Null), "1"),
        r#"{"allow":true}"#
    );
    let problems = compiled("package p", form("data.lib.c.z".into())).err().unwrap();
    assert!(problems[0].message.contains("`lib.a`, `lib.b`, `p`"), "{problems:?}");
}

#[test]
fn the_document_of_a_package_holds_those_inside() {
    let form = serde_json::json!({"modules": {"in.rego": "package p.inner\nx := 1"}});
    assert_eq!(answer("package p\ny := 2", form, "0"), r#"{"inner":{"x":1},"y":2}"#);
    let form = serde_json::json!({"query": "z", "modules": {"q.rego": "package q\nx := 1"}});
    assert_eq!(answer("package p\nz := data.q", form, "0"), r#"{"x":1}"#);
}

/// Code of the policy, code of `lib.rego`, the diagnostic, its location, a part of its message.
const PROBLEMS: [(&str, &str, &str, Option<u32>, &str); 9] = [
    ("package p", "package lib\n\nx := (", "rego.syntax", None, "lib.rego:3:7: "),
    (
        "package p",
        "package lib\n\nx := http.send(1)",
        "rego.unknown-function",
        None,
        "lib.rego:3:6: undefined function",
    ),
    (
        "package p\nx := data.lib.f(1)",
        "package lib\ng(x) := x",
        "rego.unknown-function",
        Some(2),
        "data.lib.f",
    ),
    (
        "package p\nx := data.lib.y",
        "package lib\ny := data.p.x",
        "rego.recursion",
        Some(2),
        "data.lib.y -> data.p.x",
    ),
    (
        "package p",
        "package lib\ny if not y",
        "rego.recursion",
        None,
        "lib.rego:2:1: rule data.lib.y is recursive",
    ),
    (
        "package p",
        "package settings\ny := 1",
        "rego.reserved-package",
        None,
        "lib.rego:1:9: the package `settings` hides",
    ),
    (
        "package p\nlib := 1",
        "package p.lib\ny := 1",
        "rego.package-conflict",
        Some(2),
        "package data.p.lib conflicts",
    ),
    (
        "package p",
        "package lib\ny := 1e1000000000",
        "rego.number",
        None,
        "lib.rego:2:6: a number has more",
    ),
    ("package p", "package lib\ny if z > 1", "rego.unsafe-variable", None, "lib.rego:2:6: "),
];

#[test]
fn what_cannot_run_in_another_module_is_refused_with_its_file() {
    for (code, lib, finding, at, says) in PROBLEMS {
        let form = serde_json::json!({"modules": {"lib.rego": lib}});
        let problems = compiled(code, form).err().unwrap_or_else(|| panic!("{code} {lib}"));
        let first = &problems[0];
        assert_eq!((first.code.as_str(), first.line), (finding, at), "{problems:?}");
        assert!(first.message.contains(says), "{problems:?}");
    }
}

#[test]
fn sources_are_bounded_together() {
    let form = serde_json::json!({"modules": {"a.rego": " ".repeat(1 << 19), "b.rego": " ".repeat(1 << 19)}});
    let problems = compiled("package p", form).err().unwrap();
    assert_eq!(problems[0].code, "rego.too-large");
}

#[test]
fn a_failure_in_another_module_names_its_file() {
    let lib = "package lib\n\nx := 1 if input.a\n\nx := 2 if input.b\n";
    let form = serde_json::json!({"query": "y", "modules": {"lib.rego": lib}});
    let mut program = compiled("package p\ny := data.lib.x", form).unwrap();
    let result = program.run(&call(r#"{"a": 1, "b": 1}"#), &Budget::default());
    let Err(Failure::Raised { kind, message, line, .. }) = result else { panic!("{result:?}") };
    assert_eq!((kind.as_str(), line), ("rego.conflict", None));
    assert!(message.starts_with("lib.rego:"), "{message}");
}

#[test]
fn what_another_module_prints_is_captured_without_its_location() {
    let form =
        serde_json::json!({"modules": {"lib.rego": "package lib\nf(x) if print(\"got\", x)"}});
    let mut program = compiled("package p\ny if data.lib.f(1)", form).unwrap();
    assert_eq!(program.run(&call("0"), &Budget::default()).unwrap().printed, "got 1\n");
}

#[test]
fn a_policy_brings_documents_of_its_own() {
    let form = |data: serde_json::Value| serde_json::json!({"query": "allow", "data": data});
    let code = "package p\nallow := data.roles[input]";
    assert_eq!(answer(code, form(serde_json::json!({"roles": {"ann": 1.50}})), "\"ann\""), "1.5");
    // Documents and rules of one name are merged.
    let data = serde_json::json!({"p": {"x": 1}});
    assert_eq!(
        answer("package p\ny := 2", serde_json::json!({"data": data}), "0"),
        r#"{"x":1,"y":2}"#
    );
}

#[test]
fn the_syntax_before_opa_1_is_read_where_the_policy_says_so() {
    let code = "package p\n\ndefault allow = false\n\nallow { input.x == 1 }\n\ndeny[msg] { msg := \"no\"; not allow }\n";
    let problems = compiled(code, serde_json::json!({})).err().unwrap();
    assert!(problems[0].help.as_deref().unwrap().contains("rego_version"), "{problems:?}");
    let form = serde_json::json!({"rego_version": 0});
    assert_eq!(answer(code, form.clone(), r#"{"x": 1}"#), r#"{"allow":true,"deny":[]}"#);
    assert_eq!(answer(code, form, r#"{"x": 2}"#), r#"{"allow":false,"deny":["no"]}"#);
}
