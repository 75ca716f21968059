//! Tests of the commands of `writ`.

use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Failed;
use serde_json::Value;

use crate::WRIT;
use crate::{Check, fail, root};
use writ_tests::server::Server;

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("command_line::the_first_five_minutes_of_the_readme", the_first_five_minutes),
    ("command_line::eval_needs_no_server", eval_needs_no_server),
    (
        "command_line::eval_shows_what_was_printed_before_the_policy_failed",
        eval_shows_what_was_printed_before_the_policy_failed,
    ),
    ("command_line::check_says_where_and_what", check_says_where_and_what),
    ("conformance::in_process", the_corpus_in_process),
    ("command_line::the_examples_pass_their_own_tests", the_examples_pass_their_own_tests),
    ("command_line::exit_codes_tell_failures_apart", exit_codes_tell_failures_apart),
    ("command_line::a_change_is_planned_and_what_ran_is_run_again", planned_and_replayed),
    ("command_line::the_committed_openapi_document_is_current", the_openapi_document_is_current),
];

/// The command with the repository's root as working directory, for the server at `url`.
fn command(url: Option<&str>, token: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(WRIT);
    command.args(arguments).current_dir(root()).env_remove("WRIT_TOKEN").env_remove("WRIT_SERVER");
    command.envs(url.map(|url| ("WRIT_SERVER", url)));
    command.envs(token.map(|token| ("WRIT_TOKEN", token)));
    command
}

/// Runs a command, and returns what it said, whatever its exit code.
pub(crate) fn writ(server: Option<&Server>, arguments: &[&str]) -> Result<Output, Failed> {
    Ok(command(server.map(|server| server.url.as_str()), None, arguments).output()?)
}

fn succeed(server: Option<&Server>, arguments: &[&str]) -> Result<String, Failed> {
    stdout_of_success(writ(server, arguments)?, arguments)
}

/// Runs a command on the server at `url`. Returns its standard output; fails unless it succeeds.
pub(crate) fn succeed_on(
    url: &str,
    token: Option<&str>,
    arguments: &[&str],
) -> Result<String, Failed> {
    stdout_of_success(command(Some(url), token, arguments).output()?, arguments)
}

/// Runs a command on the server at `url`. Returns its standard output, whatever its exit code.
pub(crate) fn run_on(url: &str, token: Option<&str>, arguments: &[&str]) -> Result<String, Failed> {
    let output = command(Some(url), token, arguments).output()?;
    match output.stdout.as_slice() {
        [] => stdout_of_success(output, arguments),
        stdout => Ok(String::from_utf8_lossy(stdout).into_owned()),
    }
}

fn stdout_of_success(output: Output, arguments: &[&str]) -> Result<String, Failed> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    fail(format!(
        "writ {arguments:?}: {:?}\n{stdout}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// A policy that allows one address, in a file of its own.
fn allow_list(version: &str, address: &str) -> Result<tempfile::NamedTempFile, Failed> {
    let document = serde_json::json!({
        "name": "planned", "version": version, "release_tag": "x", "code_type": "cel",
        "code": format!("{{\"allowed\": \"input.ip == '{address}'\"}}"),
        "metadata": {"failure_policy_uri": "missing:1-x"},
    });
    let file = tempfile::NamedTempFile::with_suffix(".json")?;
    std::fs::write(file.path(), document.to_string())?;
    Ok(file)
}

fn planned_and_replayed() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let on = Some(&server);
    let (old, new) = (allow_list("1", "10.0.0.1")?, allow_list("2", "10.0.0.2")?);
    let path = |file: &tempfile::NamedTempFile| file.path().display().to_string();
    let created = writ(on, &["policy", "create", "-f", &path(&old)])?;
    let stderr = String::from_utf8_lossy(&created.stderr).into_owned();
    if !stderr.contains("policy.no-failure-policy") {
        return fail(format!("no warning: {stderr}"));
    }
    for address in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        succeed(on, &["run", "planned:1-x", "-i", &format!("{{\"ip\":\"{address}\"}}")])?;
    }
    let plan = writ(on, &["plan", &path(&new), "--of", "planned:1-x", "--since", "1h"])?;
    let stdout = String::from_utf8_lossy(&plan.stdout).into_owned();
    let expected = ["1 same, 2 changed", "/allowed: true -> false", "/allowed: false -> true"];
    if plan.status.code() != Some(1) || !expected.iter().all(|text| stdout.contains(text)) {
        return fail(format!("{:?}: {stdout}", plan.status));
    }
    let replayed = succeed(on, &["replay", "--since", "1h", "--policy", "planned:1-x"])?;
    if !replayed.contains("3 same, 0 different, 0 not replayable") {
        return fail(replayed);
    }
    succeed(on, &["plan", &path(&old)]).map(drop)
}

fn the_first_five_minutes() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let on = Some(&server);
    succeed(on, &["policy", "create", "-f", "examples/ip_allowlist/policy.json"])?;
    let input = tempfile::NamedTempFile::new()?;
    std::fs::write(input.path(), r#"{"ip": "10.0.0.1"}"#)?;
    let input = path(input.path())?;
    let output = succeed(on, &["run", "ip_allowlist:1.0-beta", "-i", input, "-o", "json"])?;
    let output: Value = serde_json::from_str(&output)?;
    if output.pointer("/allowed") != Some(&Value::Bool(true)) {
        return fail(format!("{output}"));
    }
    let list = succeed(on, &["executions", "list", "-o", "json"])?;
    let list: Value = serde_json::from_str(&list)?;
    let id =
        list.pointer("/0/execution_id").and_then(Value::as_str).ok_or("no execution")?.to_owned();
    let replayed = succeed(on, &["replay", &id])?;
    if !replayed.contains("same") {
        return fail(replayed);
    }
    succeed(on, &["policy", "update", "ip_allowlist:1.0-beta", "--set", r#"description="new""#])?;
    let history = succeed(on, &["policy", "history", "ip_allowlist:1.0-beta"])?;
    let diff = succeed(on, &["policy", "diff", "ip_allowlist:1.0-beta"])?;
    if !history.contains('2') || !diff.contains("new") {
        return fail(format!("{history}\n{diff}"));
    }
    let identity = succeed(on, &["whoami"])?;
    succeed(on, &["policy", "delete", "ip_allowlist:1.0-beta"])?;
    if identity.contains("local-admin") { Ok(()) } else { fail(identity) }
}

fn eval_needs_no_server() -> Result<(), Failed> {
    let input = tempfile::NamedTempFile::new()?;
    std::fs::write(input.path(), r#"{"ip": "10.0.0.1"}"#)?;
    let stdout = succeed(
        None,
        &["eval", "examples/ip_allowlist/policy.json", "-i", path(input.path())?, "-o", "json"],
    )?;
    if stdout.contains("\"allowed\"") { Ok(()) } else { fail(stdout) }
}

fn eval_shows_what_was_printed_before_the_policy_failed() -> Result<(), Failed> {
    let policy = tempfile::Builder::new().suffix(".py").tempfile()?;
    let code = "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    \
                def eval(self, parameters, input_data, context):\n        print('read', input_data)\n        \
                raise ValueError('refused')\n";
    std::fs::write(policy.path(), code)?;
    let output = writ(None, &["eval", path(policy.path())?, "-i", "[1]"])?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() || !stderr.contains("read [1]") || !stderr.contains("refused") {
        return fail(stderr);
    }
    Ok(())
}

fn check_says_where_and_what() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("broken.py");
    std::fs::write(&file, "class P:\n    def eval(self:\n")?;
    let output = writ(None, &["check", path(&file)?])?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    if output.status.success() || !text.contains("broken.py:2:") {
        return fail(text);
    }
    Ok(())
}

fn the_examples_pass_their_own_tests() -> Result<(), Failed> {
    let stdout = succeed(None, &["test", "examples", "--coverage"])?;
    if stdout.contains("0 failed") { Ok(()) } else { fail(stdout) }
}

fn the_corpus_in_process() -> Result<(), Failed> {
    succeed(None, &["test", "tests/conformance"]).map(drop)
}

fn exit_codes_tell_failures_apart() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let on = Some(&server);
    let cases: [(Option<&Server>, &[&str], i32); 5] = [
        (on, &["policy", "get", "none:1-x"], 3),
        (on, &["policy", "get", "no-uri"], 6),
        (on, &["no-such-command"], 2),
        (None, &["--server", "http://127.0.0.1:9", "whoami"], 7),
        (None, &["token", "list", "--tables", "writ-", "--data", "."], 2),
    ];
    for (server, arguments, expected) in cases {
        let output = writ(server, arguments)?;
        if output.status.code() != Some(expected) {
            return fail(format!("{arguments:?}: {output:?}"));
        }
    }
    Ok(())
}

fn the_openapi_document_is_current() -> Result<(), Failed> {
    let document = succeed(None, &["openapi"])?;
    let committed = std::fs::read_to_string(root().join("docs/openapi.json"))?;
    if document.trim() == committed.trim() {
        Ok(())
    } else {
        fail(
            "docs/openapi.json differs from the route table; run `writ openapi > docs/openapi.json`",
        )
    }
}

fn path(path: &Path) -> Result<&str, Failed> {
    path.to_str().ok_or_else(|| Failed::from("the path is not UTF-8"))
}
