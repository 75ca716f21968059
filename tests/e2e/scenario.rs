//! Scenarios as data: a list of requests and what must come back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde::Deserialize;
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::{fail, root};

/// One request, and what must come back. `{{name}}` stands for what an earlier step saved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    /// Method and path.
    request: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as text.
    body: Option<String>,
    /// The body from a file of the repository.
    body_file: Option<String>,
    /// The body as a text and how often it is repeated, for large ones.
    body_repeat: Option<(String, usize)>,
    status: u16,
    /// JSON Pointers into the answer, and the values there; `null` for absent.
    #[serde(default)]
    expect: BTreeMap<String, Value>,
    /// Texts that the answer holds.
    #[serde(default)]
    contains: Vec<String>,
    /// Texts that the answer does not hold.
    #[serde(default)]
    lacks: Vec<String>,
    /// Headers of the answer and a text that each holds.
    #[serde(default)]
    header: BTreeMap<String, String>,
    /// What to keep for later steps: a JSON Pointer, or `header NAME`.
    #[serde(default)]
    save: BTreeMap<String, String>,
}

/// Every scenario of a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

/// Runs one scenario on a server of its own.
pub(crate) fn run(file: &Path) -> Result<(), Failed> {
    let steps: Vec<Step> = yaml_serde::from_str(&std::fs::read_to_string(file)?)?;
    let server = Server::start()?;
    let mut saved = BTreeMap::from([("url".to_owned(), server.url.clone())]);
    for step in &steps {
        play(&server, step, &mut saved).map_err(|error| {
            Failed::from(format!("{}: {}", step.name, error.message().unwrap_or_default()))
        })?;
    }
    Ok(())
}

fn play(server: &Server, step: &Step, saved: &mut BTreeMap<String, String>) -> Result<(), Failed> {
    let filled = |text: &str| {
        saved.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{{name}}}}}"), value)
        })
    };
    let (method, path) = step.request.split_once(' ').ok_or("a request is a method and a path")?;
    let body = match (&step.body, &step.body_file, &step.body_repeat) {
        (Some(text), _, _) => filled(text).into_bytes(),
        (_, Some(file), _) => std::fs::read(root().join(file))?,
        (_, _, Some((text, times))) => text.repeat(*times).into_bytes(),
        _ => Vec::new(),
    };
    let mut headers: Vec<_> =
        step.headers.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
    if !body.is_empty()
        && !step.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let answer = server.send(method, &filled(path), &headers, &body)?;
    check(step, &answer, &filled)?;
    let json = answer.json().unwrap_or(Value::Null);
    for (name, what) in &step.save {
        let value = match what.strip_prefix("header ") {
            Some(header) => answer.header(header).map(str::to_owned),
            None => json
                .pointer(what)
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        };
        saved
            .insert(name.clone(), value.ok_or_else(|| format!("nothing at {what} in {answer:?}"))?);
    }
    Ok(())
}

fn check(step: &Step, answer: &Answer, filled: &dyn Fn(&str) -> String) -> Result<(), Failed> {
    if answer.status != step.status {
        return fail(format!(
            "status {} instead of {}: {}",
            answer.status, step.status, answer.body
        ));
    }
    if !step.expect.is_empty() {
        let json = answer.json()?;
        for (pointer, expected) in &step.expect {
            let expected =
                expected.as_str().map_or_else(|| expected.clone(), |text| filled(text).into());
            let found = json.pointer(pointer).unwrap_or(&Value::Null).to_string();
            let expected = expected.to_string();
            if found != expected {
                return fail(format!(
                    "{pointer} is {found} instead of {expected}: {}",
                    answer.body
                ));
            }
        }
    }
    for text in &step.contains {
        if !answer.body.contains(filled(text).as_str()) {
            return fail(format!("lacks `{text}`: {}", answer.body));
        }
    }
    for text in &step.lacks {
        if answer.body.contains(filled(text).as_str()) {
            return fail(format!("holds `{text}`: {}", answer.body));
        }
    }
    for (name, text) in &step.header {
        let found = answer.header(name).unwrap_or_default();
        if !found.contains(filled(text).as_str()) {
            return fail(format!("header {name} is `{found}`, which lacks `{text}`"));
        }
    }
    Ok(())
}
