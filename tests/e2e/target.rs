//! What the suite runs against: chosen by `WRIT_E2E_TARGET`, the same scenarios on each.
//!
//! | target | what it is | settings |
//! |---|---|---|
//! | `embedded` | the binary; each scenario on a server of its own, as its local admin | |
//! | `http` | whatever answers at a URL: an emulator's gateway, AWS, a running `writ up` | `WRIT_E2E_URL`; of a deployment also `WRIT_E2E_PREFIX` and AWS's own |
//! | `lambda` | the functions themselves, behind a gateway that the suite plays | `WRIT_E2E_PREFIX` and AWS's own |
//!
//! On `http` and `lambda` each scenario runs as the admin of a fresh workspace. That admin's token is
//! made by `writ token create`: in the tables of `WRIT_E2E_PREFIX` where that is set, for nobody may
//! make the tokens of another workspace by the API; else by the API, as the local admin.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use libtest_mimic::Failed;
use serde::Deserialize;

use crate::bridge::Bridge;
use crate::command_line::succeed_on;
use crate::fail;
use crate::lambda::Lambda;
use crate::server::{Answer, Server, send};

/// Who the suite is on targets that demand tokens.
const SUBJECT: &str = "e2e";

/// What some targets have and others do not; a step that needs one is left out elsewhere.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trait {
    /// A caller without a token is the local admin.
    LocalAdmin,
    /// Requests come through Writ's own gateway.
    OwnGateway,
    /// Requests come through API Gateway or an emulator's.
    ApiGateway,
}

impl Trait {
    /// As in the data.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LocalAdmin => "local-admin",
            Self::OwnGateway => "own-gateway",
            Self::ApiGateway => "api-gateway",
        }
    }
}

/// What the suite runs against.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) traits: Vec<Trait>,
    place: Place,
}

enum Place {
    /// A server for each scenario.
    Fresh,
    /// A workspace for each scenario.
    Shared { url: String, admins: Admins, _bridge: Option<Bridge> },
}

/// Who makes the admins of fresh workspaces.
enum Admins {
    /// The local admin.
    Local,
    /// Whoever may write the tables of this prefix.
    Tables(String),
}

/// A variable of the environment that holds something.
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Target {
    /// The target that the environment names.
    pub(crate) fn from_env() -> Result<Self, Failed> {
        match setting("WRIT_E2E_TARGET").as_deref() {
            None | Some("embedded") => {
                let traits = vec![Trait::LocalAdmin, Trait::OwnGateway];
                Ok(Self { name: "embedded", traits, place: Place::Fresh })
            }
            Some("http") => {
                let url = setting("WRIT_E2E_URL").ok_or("the target `http` needs WRIT_E2E_URL")?;
                Self::at(&url, Admins::from_env())
            }
            Some("lambda") => {
                let prefix = setting("WRIT_E2E_PREFIX")
                    .ok_or("the target `lambda` needs WRIT_E2E_PREFIX")?;
                let bridge = Bridge::start(Lambda::from_env()?, prefix)?;
                let (url, admins) = (bridge.url.clone(), Admins::from_env());
                let place = Place::Shared { url, admins, _bridge: Some(bridge) };
                Ok(Self { name: "lambda", traits: Vec::new(), place })
            }
            Some(other) => fail(format!(
                "WRIT_E2E_TARGET is `{other}`; there are `embedded`, `http`, `lambda`"
            )),
        }
    }

    /// A server of this machine, as `http` would meet it.
    pub(crate) fn of_local_admin(url: &str) -> Result<Self, Failed> {
        Self::at(url, Admins::Local)
    }

    /// Whatever answers at a URL. Only Writ's own gateway has a page of its health.
    fn at(url: &str, admins: Admins) -> Result<Self, Failed> {
        let url = url.trim_end_matches('/').to_owned();
        let is_own = send(&url, "GET", "/healthz", &[], b"")?.status == 200;
        let traits = vec![if is_own { Trait::OwnGateway } else { Trait::ApiGateway }];
        Ok(Self { name: "http", traits, place: Place::Shared { url, admins, _bridge: None } })
    }

    /// Whether it runs the binary itself, so that checks of the binary belong to it.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.place, Place::Fresh)
    }

    /// Whether requests go there unencrypted.
    pub(crate) fn is_in_clear(&self) -> bool {
        match &self.place {
            Place::Fresh => true,
            Place::Shared { url, .. } => url.starts_with("http://"),
        }
    }

    /// An empty platform, or what looks like one.
    pub(crate) fn session(&self) -> Result<Session, Failed> {
        match &self.place {
            Place::Fresh => {
                let server = Server::start()?;
                let url = server.url.clone();
                Ok(Session {
                    other: Admins::Local.make(&url, "other")?,
                    url,
                    token: None,
                    subject: "local-admin",
                    _server: Some(server),
                })
            }
            Place::Shared { url, admins, .. } => {
                let workspace = fresh_workspace();
                Ok(Session {
                    other: admins.make(url, &format!("{workspace}-other"))?,
                    token: Some(admins.make(url, &workspace)?),
                    url: url.clone(),
                    subject: SUBJECT,
                    _server: None,
                })
            }
        }
    }
}

impl Admins {
    fn from_env() -> Self {
        setting("WRIT_E2E_PREFIX").map_or(Self::Local, Self::Tables)
    }

    /// The text of a new token for the admin of `workspace`. An hour outlives any run; what is left
    /// of the workspace then belongs to nobody.
    fn make(&self, url: &str, workspace: &str) -> Result<String, Failed> {
        let mut arguments = vec!["token", "create", "--subject", SUBJECT, "--role", "admin"];
        arguments.extend(["--workspace", workspace, "--expires-in", "1h"]);
        if let Self::Tables(prefix) = self {
            arguments.extend(["--tables", prefix]);
        }
        let made = succeed_on(url, None, &arguments).map_err(|error| {
            let why = error.message().unwrap_or_default();
            format!("{why}\na deployment's tokens are made in its tables: set WRIT_E2E_PREFIX")
        })?;
        Ok(made.trim().to_owned())
    }
}

fn bearer(token: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {token}"))
}

/// A workspace that no other scenario of this run or of another has.
fn fresh_workspace() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (count, process) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id());
    format!("e2e-{}-{process}-{count}", since.as_millis())
}

/// One scenario's platform and who the scenario is there.
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) subject: &'static str,
    /// The token of an admin of another workspace.
    pub(crate) other: String,
    _server: Option<Server>,
}

impl Session {
    /// Sends a request as the scenario's admin, unless its headers say who else sends it.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Answer, Failed> {
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            headers.extend(self.token.as_deref().map(bearer));
        }
        self.send_as_it_is(method, path, &headers, body)
    }

    /// Sends a request with these headers alone.
    pub(crate) fn send_as_it_is(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Answer, Failed> {
        send(&self.url, method, path, headers, body)
    }
}
