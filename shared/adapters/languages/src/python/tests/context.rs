//! Tests of `context`: the values that a run stores for later runs.

use writ_model::RawJson;

use super::{call, policy, run, with_python};
use crate::{Call, Failure};

fn kept(context: &str) -> Call {
    Call { context: Some(RawJson::parse(context).unwrap()), ..call("{}", "{}") }
}

#[test]
fn a_run_reads_sets_and_deletes_and_says_so() {
    let code = policy(
        "",
        "context.set('n', context.get('n', 0) + 1)\ncontext.delete('old')\ncontext.delete('never')\n\
         return [context.get('n'), context.get('old'), context.get('old', 'gone'), context.get('big')]",
    );
    with_python(|python| {
        let big = "123456789012345678901234567890";
        let call = kept(&format!(r#"{{"n": 41, "old": true, "big": {big}}}"#));
        let outcome = run(python, &code, &call).unwrap();
        assert_eq!(outcome.output.as_str(), format!(r#"[42,null,"gone",{big}]"#));
        let change = serde_json::to_string(&outcome.context.unwrap()).unwrap();
        assert_eq!(change, r#"{"set":{"n":42},"deleted":["old"]}"#);
    });
}

#[test]
fn a_value_is_a_snapshot() {
    let code = policy(
        "",
        "mine = {'a': [1]}\ncontext.set('x', mine)\nmine['a'].append(2)\n\
         context.get('x')['a'].append(3)\ncontext.get('y').append(4)\n\
         return [context.get('x'), context.get('y')]",
    );
    with_python(|python| {
        let outcome = run(python, &code, &kept(r#"{"y": []}"#)).unwrap();
        assert_eq!(outcome.output.as_str(), r#"[{"a":[1]},[]]"#);
        let change = serde_json::to_string(&outcome.context.unwrap()).unwrap();
        assert_eq!(change, r#"{"set":{"x":{"a":[1]}}}"#);
    });
}

#[test]
fn a_stateless_run_has_a_context_of_its_own_that_is_not_stored() {
    let code = policy("", "context.set('n', context.get('n', 0) + 1)\nreturn context.get('n')");
    with_python(|python| {
        for _ in 0..3 {
            let outcome = run(python, &code, &call("{}", "{}")).unwrap();
            assert_eq!((outcome.output.as_str(), outcome.context), ("1", None));
        }
    });
}

#[test]
fn one_runs_context_is_not_the_nexts() {
    let code = policy("", "return [context.get('n'), context.set('n', 5)]");
    with_python(|python| {
        for (before, seen) in [("{\"n\": 1}", "[1,null]"), ("{}", "[null,null]")] {
            assert_eq!(run(python, &code, &kept(before)).unwrap().output.as_str(), seen);
        }
    });
}

#[test]
fn what_cannot_be_kept_is_an_exception_that_says_why() {
    let cases = [
        ("context.set(1, 1)", "TypeError", "a key of the context is a str, not int"),
        ("context.get(None)", "TypeError", "a key of the context is a str, not NoneType"),
        ("context.set('a', {1, 2})", "TypeError", "the context cannot keep"),
        ("context.set('a', [float('nan')])", "TypeError", "nan at `[0]`"),
        ("context.set('a', 'x' * 300_000)", "ValueError", "more than 262144 bytes"),
        (
            "for n in range(300): context.set(str(n), 'x' * 1000)",
            "ValueError",
            "more than 262144 bytes",
        ),
    ];
    with_python(|python| {
        for (body, kind, text) in cases {
            let code = policy("", &format!("{body}\nreturn 1"));
            let Err(Failure::Raised { kind: exception, message, .. }) =
                run(python, &code, &kept("{}"))
            else {
                panic!("{body} was accepted")
            };
            assert_eq!(exception, kind, "{body}: {message}");
            assert!(message.contains(text), "{body}: {message}");
        }
    });
}
