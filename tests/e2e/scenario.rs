//! Scenarios as data: lists of requests and expected responses.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde::Deserialize;
use serde_json::Value;

use crate::routes::Routes;
use crate::target::{Session, Target, Trait};
use crate::{fail, root};
use writ_tests::server::HttpResponse;

/// The time within which an `eventually` step must succeed.
const EVENTUALLY_TIMEOUT: Duration = Duration::from_secs(60);

/// One request and its expected response. `{{name}}` is replaced by a value that an earlier step
/// saved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    name: String,
    /// The step runs only on targets with one of these traits; on every target if it is empty.
    #[serde(default)]
    only: Vec<Trait>,
    /// The request is repeated until the response is as expected, for background work of the platform.
    #[serde(default)]
    eventually: bool,
    /// The request is sent without the token of the target's session.
    #[serde(default)]
    anonymous: bool,
    /// Method and path, as `GET /policy/a:1-x`.
    request: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The request body as text.
    body: Option<String>,
    /// The path of a file with the body, from the repository's root.
    body_file: Option<String>,
    /// The body as a text and its number of repetitions, for large bodies.
    body_repeat: Option<(String, usize)>,
    status: u16,
    /// JSON Pointers into the response and the expected values; `null` for absent.
    #[serde(default)]
    expect: BTreeMap<String, Value>,
    /// Texts that the response must contain.
    #[serde(default)]
    contains: Vec<String>,
    /// Texts that the response must not contain.
    #[serde(default)]
    lacks: Vec<String>,
    /// Headers of the response and a text that each must contain.
    #[serde(default)]
    header: BTreeMap<String, String>,
    /// Values to save for later steps: a JSON Pointer, or `header NAME`.
    #[serde(default)]
    save: BTreeMap<String, String>,
}

/// A named sequence of steps, read from one file.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    steps: Vec<Step>,
}

/// Loads every scenario of a directory, in the order of file names.
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

    /// Runs the steps on an empty platform of the target.
    pub(crate) fn run(&self, target: &Target) -> Result<(), Failed> {
        let session = target.session()?;
        let mut saved = BTreeMap::from([
            ("url".to_owned(), session.url.clone()),
            ("subject".to_owned(), session.subject.to_owned()),
            ("other".to_owned(), session.other_token.clone()),
        ]);
        for step in self.steps.iter().filter(|step| step.is_for(target)) {
            run_step(&session, step, &mut saved).map_err(|error| {
                let why = error.message().unwrap_or_default();
                Failed::from(format!("{}: {}: {why}", self.name, step.name))
            })?;
        }
        Ok(())
    }

    /// The steps that do not run on a target, each with the traits that it requires.
    pub(crate) fn skipped(&self, target: &Target) -> Vec<(String, String)> {
        let skipped = self.steps.iter().filter(|step| !step.is_for(target));
        skipped
            .map(|step| {
                let needs: Vec<_> = step.only.iter().map(|required| required.name()).collect();
                (needs.join(" or "), format!("{}: {}", self.name, step.name))
            })
            .collect()
    }

    /// The routes that serve a step of the scenario on the target. A step that expects an error does
    /// not count.
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
        self.only.is_empty() || self.only.iter().any(|required| target.traits.contains(required))
    }
}

fn run_step(
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
    let started = Instant::now();
    let response = loop {
        let response = if step.anonymous {
            session.send_unauthenticated(method, &path, &headers, &body)?
        } else {
            session.send(method, &path, &headers, &body)?
        };
        match check(step, &response, &filled) {
            Ok(()) => break response,
            Err(_) if step.eventually && started.elapsed() < EVENTUALLY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(failed) => return Err(failed),
        }
    };
    let json = response.json().unwrap_or(Value::Null);
    for (name, source) in &step.save {
        let value = match source.strip_prefix("header ") {
            Some(header) => response.header(header).map(str::to_owned),
            None => json
                .pointer(source)
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        };
        saved.insert(
            name.clone(),
            value.ok_or_else(|| format!("nothing at {source} in {response:?}"))?,
        );
    }
    Ok(())
}

fn check(
    step: &Step,
    response: &HttpResponse,
    filled: &dyn Fn(&str) -> String,
) -> Result<(), Failed> {
    if response.status != step.status {
        return fail(format!(
            "status {} instead of {}: {}",
            response.status, step.status, response.body
        ));
    }
    if !step.expect.is_empty() {
        let json = response.json()?;
        for (pointer, expected) in &step.expect {
            let expected =
                expected.as_str().map_or_else(|| expected.clone(), |text| filled(text).into());
            let found = json.pointer(pointer).unwrap_or(&Value::Null).to_string();
            let expected = expected.to_string();
            if found != expected {
                return fail(format!(
                    "{pointer} is {found} instead of {expected}: {}",
                    response.body
                ));
            }
        }
    }
    for text in &step.contains {
        if !response.body.contains(filled(text).as_str()) {
            return fail(format!("lacks `{text}`: {}", response.body));
        }
    }
    for text in &step.lacks {
        if response.body.contains(filled(text).as_str()) {
            return fail(format!("holds `{text}`: {}", response.body));
        }
    }
    for (name, text) in &step.header {
        let found = response.header(name).unwrap_or_default();
        if !found.contains(filled(text).as_str()) {
            return fail(format!("header {name} is `{found}`, which lacks `{text}`"));
        }
    }
    Ok(())
}
