//! The conformance corpus on the target's builtin executor, then a replay of every execution.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::TargetCheck;
use crate::command_line::{run_on, succeed_on};
use crate::target::Target;

pub(crate) const CHECKS: &[(&str, TargetCheck)] =
    &[("conformance::on_the_builtin_executor", the_corpus_on_the_builtin_executor)];

fn the_corpus_on_the_builtin_executor(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    let arguments = ["test", "tests/conformance", "--remote"];
    succeed_on(&session.url, session.token.as_deref(), &arguments)?;
    let arguments = ["replay", "--since", "1d", "--output", "json"];
    let report = run_on(&session.url, session.token.as_deref(), &arguments)?;
    let report: Value = serde_json::from_str(&report)?;
    let different: Vec<_> =
        report.get("different").and_then(Value::as_array).into_iter().flatten().collect();
    let wrong: Vec<_> = different.into_iter().filter(|one| !may_differ(one)).collect();
    let same = report.get("same").and_then(Value::as_u64).unwrap_or_default();
    match (wrong.as_slice(), same) {
        ([], 200..) => Ok(()),
        ([], _) => Err(format!("only {same} runs were the same: {report}").into()),
        (wrong, _) => Err(format!("runs that gave other bytes: {wrong:#?}").into()),
    }
}

/// Policies near two bounds at once: the machine's load decides which bound they reach first.
fn may_differ(one: &Value) -> bool {
    let uri = one.get("policy_rule_uri").and_then(Value::as_str).unwrap_or_default();
    ["beyond_its_budget", "too_deep"].iter().any(|name| uri.contains(name))
}
