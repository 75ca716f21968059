//! The conformance corpus, on the target's builtin executor.

use libtest_mimic::Failed;

use crate::TargetCheck;
use crate::command_line::succeed_on;
use crate::target::Target;

pub(crate) const CHECKS: &[(&str, TargetCheck)] =
    &[("conformance::on_the_builtin_executor", the_corpus_on_the_builtin_executor)];

fn the_corpus_on_the_builtin_executor(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    let arguments = ["test", "tests/conformance", "--remote"];
    succeed_on(&session.url, session.token.as_deref(), &arguments).map(drop)
}
