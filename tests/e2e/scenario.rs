//! Scenarios as data: a list of requests and what must come back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde::Deserialize;
use serde_json::Value;

use crate::routes::Routes;
use crate::server::Answer;
use crate::target::{Session, Target, Trait};
use crate::{fail, root};

/// What is to come about by itself has come by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request, and what must come back. `{{name}}` stands for what an earlier step saved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    name: String,
    /// What a target needs, any one of these, for the step to say anything about it; see
    /// [`Trait`]. Without it the step holds everywhere.
    #[serde(default)]
    only: Vec<Trait>,
    /// Sent again and again until the answer is as it must be, for what the platform does by itself.
    #[serde(default)]
    eventually: bool,
    /// Sent without the token that a target demands.
    #[serde(default)]
    anonymous: bool,
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

/// A file of steps.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    steps: Vec<Step>,
}

/// Every scenario of a folder, in order.
pub(crate) fn load(folder: &Path) -> Result<Vec<Scenario>, Failed> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files.iter().map(|file| Scenario::read(file)).collect()
}

impl Scenario {
    fn read(file: &Path) -> Result<Self, Failed> {
        let steps = yaml_serde::from_str(&std::fs::read_to_string(file)?)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.file_stem().ok_or("a file without a name")?.to_string_lossy().into_owned();
        Ok(Self { name, steps })
    }

    /// Plays it on an empty platform of the target.
    pub(crate) fn run(&self, target: &Target) -> Result<(), Failed> {
        let session = target.session()?;
        let mut saved = BTreeMap::from([
            ("url".to_owned(), session.url.clone()),
            ("subject".to_owned(), session.subject.to_owned()),
            ("other".to_owned(), session.other.clone()),
        ]);
        for step in self.steps.iter().filter(|step| step.is_for(target)) {
            play(&session, step, &mut saved).map_err(|error| {
                let why = error.message().unwrap_or_default();
                Failed::from(format!("{}: {}: {why}", self.name, step.name))
            })?;
        }
        Ok(())
    }

    /// The steps that a target leaves out, each with what it would need.
    pub(crate) fn skipped(&self, target: &Target) -> Vec<(String, String)> {
        let skipped = self.steps.iter().filter(|step| !step.is_for(target));
        skipped
            .map(|step| {
                let needs: Vec<_> = step.only.iter().map(|needed| needed.name()).collect();
                (needs.join(" or "), format!("{}: {}", self.name, step.name))
            })
            .collect()
    }

    /// The routes that serve a step of it on the target. A step that is refused counts for none.
    pub(crate) fn served<'r>(&self, target: &Target, routes: &'r Routes) -> Vec<&'r str> {
        let steps = self.steps.iter().filter(|step| step.is_for(target) && step.status < 300);
        steps
            .filter_map(|step| {
                let (method, path) = step.request.split_once(' ')?;
                let path = path.split('?').next().unwrap_or_default();
                Some(routes.find(method, path)?.0.name.as_str())
            })
            .collect()
    }
}

impl Step {
    fn is_for(&self, target: &Target) -> bool {
        self.only.is_empty() || self.only.iter().any(|needed| target.traits.contains(needed))
    }
}

fn play(
    session: &Session,
    step: &Step,
    saved: &mut BTreeMap<String, String>,
) -> Result<(), Failed> {
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
    let path = filled(path);
    let begun = Instant::now();
    let answer = loop {
        let answer = if step.anonymous {
            session.send_as_it_is(method, &path, &headers, &body)?
        } else {
            session.send(method, &path, &headers, &body)?
        };
        match check(step, &answer, &filled) {
            Ok(()) => break answer,
            Err(_) if step.eventually && begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(failed) => return Err(failed),
        }
    };
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
