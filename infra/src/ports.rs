//! Which ports each route needs: read from its handler's signature, which lets it use no others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use writ_store::grants::{self, Grant};

use crate::{InfraError, read};

/// Ports that touch no table: those that touch a queue are `writ_sqs::grants`' to know.
const WITHOUT_TABLES: [&str; 10] = [
    "Admit",
    "JobNotifier",
    "SendCallback",
    "Clock",
    "Evaluate",
    "Ids",
    "ScheduleTimer",
    "Redrive",
    "HasPolicyCache",
    "Sleep",
];

/// Traits in signatures that are no ports.
const MARKERS: [&str; 2] = ["Send", "Sync"];

/// The pipeline's capability: its methods need different ports.
const EXECUTE: &str = "Execute";

/// What a runner makes its attempts by: the pipeline.
const ATTEMPT: &str = "Attempt";

/// Ports, each with what it does to the tables.
pub type Needs = Vec<(String, &'static [Grant])>;

/// What the handlers say of themselves.
#[derive(Clone, Debug)]
pub struct Signatures {
    handlers: BTreeMap<String, Handler>,
    /// What a run needs.
    execute: Vec<String>,
    /// What running a record again needs.
    replay: Vec<String>,
    /// What a runner of jobs needs.
    runner: Vec<String>,
    /// What a sweep of them needs.
    sweeper: Vec<String>,
    /// What firing schedules needs.
    waker: Vec<String>,
}

#[derive(Clone, Debug)]
struct Handler {
    /// The directory of its crate in `functions/`.
    resource: String,
    /// As in the signature; the pipeline's capability as the methods that are called.
    ports: Vec<String>,
}

impl Signatures {
    /// Reads every file of `functions/*/src`, and what the pipeline asks for.
    ///
    /// # Errors
    /// [`InfraError::File`] and [`InfraError::Source`].
    pub fn read(root: &Path) -> Result<Self, InfraError> {
        let mut handlers = BTreeMap::new();
        for resource in children(&root.join("functions"))? {
            let name = resource.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let source = resource.join("src");
            if !source.is_dir() {
                continue;
            }
            for file in children(&source)? {
                if file.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let text = read(&file)?;
                if let Some((route, ports)) = handler(&text) {
                    handlers.insert(route, Handler { resource: name.clone(), ports });
                }
            }
        }
        let pipeline = root.join("shared/application/pipeline/src");
        let ports = bounds(&pipeline.join("execute.rs"), "pub trait Ports:", '{')?;
        let source = bounds(&pipeline.join("registry.rs"), "impl<P:", '>')?;
        let record = bounds(&pipeline.join("replay.rs"), "pub async fn replay<P:", '>')?;
        let execute: Vec<String> = ports.iter().chain(&source).cloned().collect();
        let beside = record.into_iter().filter(|port| port != "Ports");
        let replay = ports.iter().cloned().chain(beside).collect();
        let jobs = root.join("shared/application/job-runner/src/lib.rs");
        let looks = bounds(&jobs, "pub trait Ports:", '{')?;
        let attempts = execute.iter().filter(|_| looks.iter().any(|port| port == ATTEMPT));
        let beside = looks.iter().filter(|port| *port != ATTEMPT);
        let runner = attempts.chain(beside).cloned().collect();
        let sweeper = bounds(&jobs, "pub trait SweepPorts:", '{')?;
        let wakes = root.join("shared/application/scheduler/src/wake.rs");
        let mut waker = bounds(&wakes, "pub trait WakePorts:", '{')?;
        for before in
            ["pub async fn tick(ports: &(impl WakePorts + ", "    ports: &(impl WakePorts + "]
        {
            waker.extend(bounds(&wakes, before, ')')?);
        }
        Ok(Self { handlers, execute, replay, runner, sweeper, waker })
    }

    /// The directory in `functions/` that the route's handler stands in.
    ///
    /// # Errors
    /// [`InfraError::NoHandler`].
    pub fn resource(&self, route: &str) -> Result<&str, InfraError> {
        Ok(&self.handler(route)?.resource)
    }

    /// What a runner of jobs needs.
    ///
    /// # Errors
    /// [`InfraError::UnknownPort`].
    pub fn runner(&self) -> Result<Needs, InfraError> {
        needs_of("a runner of jobs", self.runner.iter().collect())
    }

    /// What a sweep of jobs needs.
    ///
    /// # Errors
    /// [`InfraError::UnknownPort`].
    pub fn sweeper(&self) -> Result<Needs, InfraError> {
        needs_of("a sweep of jobs", self.sweeper.iter().collect())
    }

    /// What firing schedules needs.
    ///
    /// # Errors
    /// [`InfraError::UnknownPort`].
    pub fn waker(&self) -> Result<Needs, InfraError> {
        needs_of("who fires schedules", self.waker.iter().collect())
    }

    /// What the route needs; `by_key` adds what honours an `Idempotency-Key`.
    ///
    /// # Errors
    /// [`InfraError::NoHandler`] and [`InfraError::UnknownPort`].
    pub fn needs(&self, route: &str, by_key: bool) -> Result<Needs, InfraError> {
        let mut ports = Vec::new();
        for port in &self.handler(route)?.ports {
            match port.as_str() {
                "Execute::execute" => ports.extend(&self.execute),
                "Execute::replay" => ports.extend(&self.replay),
                _ => ports.push(port),
            }
        }
        let idempotency = "Idempotency".to_owned();
        ports.extend(by_key.then_some(&idempotency));
        needs_of(route, ports)
    }

    fn handler(&self, route: &str) -> Result<&Handler, InfraError> {
        let none = || InfraError::NoHandler { route: route.to_owned() };
        self.handlers.get(route).ok_or_else(none)
    }
}

/// The ports with what they do to the tables.
fn needs_of(route: &str, mut ports: Vec<&String>) -> Result<Needs, InfraError> {
    ports.sort_unstable();
    ports.dedup();
    let known = |port: &String| match grants::of(port) {
        Some(grants) => Ok((port.clone(), grants)),
        None if WITHOUT_TABLES.contains(&port.as_str()) => Ok((port.clone(), [].as_slice())),
        None => Err(InfraError::UnknownPort { route: route.to_owned(), port: port.clone() }),
    };
    ports.into_iter().map(known).collect()
}

/// What is in a directory, in the order of names.
fn children(directory: &Path) -> Result<Vec<PathBuf>, InfraError> {
    let wrong = |source| InfraError::File { path: directory.to_owned(), source };
    let entries = fs::read_dir(directory).map_err(wrong)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<_, _>>().map_err(wrong)?;
    paths.sort();
    Ok(paths)
}

/// The route of a file and the ports in its handler's signature.
fn handler(text: &str) -> Option<(String, Vec<String>)> {
    let text = text.split("#[cfg(test)]").next()?;
    let (_, spec) = text.split_once("const ABOUT: About")?;
    let (_, name) = spec.split_once("name: \"")?;
    let (route, _) = name.split_once('"')?;
    let (_, signature) = text.split_once("async fn handle(")?;
    // Ends before the request, which every handler takes last.
    let (ports, _) = signature.split_once("request: Request")?;
    let mut ports = match ports.split_once("impl ") {
        Some((_, ports)) => split(ports.trim_end().trim_end_matches([',', ')'])),
        None => Vec::new(),
    };
    if let Some(place) = ports.iter().position(|port| port == EXECUTE) {
        ports.remove(place);
        let called: Vec<String> = ["execute", "replay"]
            .iter()
            .filter(|method| text.contains(&format!("ports.{method}(")))
            .map(|method| format!("{EXECUTE}::{method}"))
            .collect();
        ports.extend(called);
    }
    Some((route.to_owned(), ports))
}

/// The bounds between a text and the next character of this kind.
fn bounds(path: &Path, before: &str, after: char) -> Result<Vec<String>, InfraError> {
    let text = read(path)?;
    let missing = || InfraError::Source { path: path.to_owned(), wanted: before.to_owned() };
    let (_, rest) = text.split_once(before).ok_or_else(missing)?;
    let (bounds, _) = rest.split_once(after).ok_or_else(missing)?;
    Ok(split(bounds))
}

/// The traits of a list of bounds that are ports.
fn split(bounds: &str) -> Vec<String> {
    let ports = bounds.split('+').map(str::trim).filter(|bound| !MARKERS.contains(bound));
    ports.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(signature: &str, body: &str) -> String {
        format!(
            "pub(crate) const ABOUT: About = About {{ name: \"thing.do\", }};\n\
             pub(crate) async fn handle({signature}) -> Result<Reply, Error> {{ {body} }}\n\
             #[cfg(test)] mod tests {{ fn f() {{ ports.replay(x) }} }}"
        )
    }

    #[test]
    fn ports_are_read_from_every_form_of_a_signature() {
        for (signature, body, ports) in [
            ("request: Request", "", &[][..]),
            ("_ports: &impl Sync, request: Request", "", &[]),
            ("ports: &impl GetToken, request: Request", "", &["GetToken"]),
            (
                "\n    ports: &(impl GetPolicy + GetBody),\n    request: Request,\n",
                "",
                &["GetPolicy", "GetBody"],
            ),
            ("ports: &impl Execute, request: Request", "ports.execute(x)", &["Execute::execute"]),
        ] {
            let (route, found) = handler(&file(signature, body)).unwrap();
            assert_eq!(
                (route.as_str(), found),
                ("thing.do", ports.iter().map(|port| (*port).to_owned()).collect())
            );
        }
        assert_eq!(handler("fn handle() {}"), None);
    }
}
