//! The deployment target of the suite, set by `WRIT_E2E_TARGET`. The same scenarios run on each.
//!
//! | target | platform | settings |
//! |---|---|---|
//! | `embedded` | the binary; each scenario on a server of its own, as its local admin | |
//! | `http` | any platform at a URL: an emulator's gateway, AWS, a running `writ up` | `WRIT_E2E_URL`; for a deployment also `WRIT_E2E_PREFIX` and AWS's variables |
//! | `lambda` | the functions, behind the suite's own gateway | `WRIT_E2E_PREFIX` and AWS's variables |
//!
//! On `http` and `lambda` each scenario runs as the admin of a new workspace. `writ token create`
//! makes the token of that admin: in the tables of `WRIT_E2E_PREFIX` if that is set, because the API
//! makes no tokens for other workspaces, else with the API, as the local admin.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use libtest_mimic::Failed;
use serde::Deserialize;

use crate::WRIT;
use crate::bridge::Bridge;
use crate::command_line::succeed_on;
use crate::fail;
use crate::lambda::Lambda;
use writ_tests::server::{HttpResponse, Server, send};

/// The subject of the suite's tokens.
const SUBJECT: &str = "e2e";

/// Properties in which targets differ; a step that requires one is skipped on other targets.
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
    /// The name in the scenarios' data.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LocalAdmin => "local-admin",
            Self::OwnGateway => "own-gateway",
            Self::ApiGateway => "api-gateway",
        }
    }
}

/// The deployment target that the suite runs on.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) traits: Vec<Trait>,
    platform: Platform,
}

enum Platform {
    /// A server for each scenario.
    PerScenario,
    /// One server, with a workspace for each scenario.
    Shared { url: String, issuer: TokenIssuer, _bridge: Option<Bridge> },
}

/// How the admin tokens of new workspaces are made.
enum TokenIssuer {
    /// With the API, as the local admin.
    LocalAdmin,
    /// In the tables of this prefix.
    Tables(String),
}

/// The value of an environment variable; `None` if it is unset or empty.
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Target {
    /// The target that the environment variables select.
    pub(crate) fn from_env() -> Result<Self, Failed> {
        match setting("WRIT_E2E_TARGET").as_deref() {
            None | Some("embedded") => {
                let traits = vec![Trait::LocalAdmin, Trait::OwnGateway];
                Ok(Self { name: "embedded", traits, platform: Platform::PerScenario })
            }
            Some("http") => {
                let url = setting("WRIT_E2E_URL").ok_or("the target `http` needs WRIT_E2E_URL")?;
                Self::at(&url, TokenIssuer::from_env())
            }
            Some("lambda") => {
                let prefix = setting("WRIT_E2E_PREFIX")
                    .ok_or("the target `lambda` needs WRIT_E2E_PREFIX")?;
                let bridge = Bridge::start(Lambda::from_env()?, prefix)?;
                let (url, issuer) = (bridge.url.clone(), TokenIssuer::from_env());
                let platform = Platform::Shared { url, issuer, _bridge: Some(bridge) };
                Ok(Self { name: "lambda", traits: Vec::new(), platform })
            }
            Some(other) => {
                fail(format!("WRIT_E2E_TARGET is `{other}`; use `embedded`, `http` or `lambda`"))
            }
        }
    }

    /// A server on this machine as the target `http`, with tokens of its local admin.
    pub(crate) fn with_local_admin(url: &str) -> Result<Self, Failed> {
        Self::at(url, TokenIssuer::LocalAdmin)
    }

    /// The platform at a URL. Only Writ's own gateway has a health check at `/healthz`.
    fn at(url: &str, issuer: TokenIssuer) -> Result<Self, Failed> {
        let url = url.trim_end_matches('/').to_owned();
        let is_own = send(&url, "GET", "/healthz", &[], b"")?.status == 200;
        let traits = vec![if is_own { Trait::OwnGateway } else { Trait::ApiGateway }];
        Ok(Self { name: "http", traits, platform: Platform::Shared { url, issuer, _bridge: None } })
    }

    /// Whether the target is the binary itself, so that checks of the binary apply.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.platform, Platform::PerScenario)
    }

    /// Whether connections to the platform are unencrypted.
    pub(crate) fn is_unencrypted(&self) -> bool {
        match &self.platform {
            Platform::PerScenario => true,
            Platform::Shared { url, .. } => url.starts_with("http://"),
        }
    }

    /// Starts a session on an empty platform or in a new workspace.
    pub(crate) fn session(&self) -> Result<Session, Failed> {
        match &self.platform {
            Platform::PerScenario => {
                let server = Server::start(WRIT)?;
                let url = server.url.clone();
                Ok(Session {
                    other_token: TokenIssuer::LocalAdmin.create_token(&url, "other")?,
                    url,
                    token: None,
                    subject: "local-admin",
                    _server: Some(server),
                })
            }
            Platform::Shared { url, issuer, .. } => {
                let workspace = new_workspace();
                Ok(Session {
                    other_token: issuer.create_token(url, &format!("{workspace}-other"))?,
                    token: Some(issuer.create_token(url, &workspace)?),
                    url: url.clone(),
                    subject: SUBJECT,
                    _server: None,
                })
            }
        }
    }
}

impl TokenIssuer {
    fn from_env() -> Self {
        setting("WRIT_E2E_PREFIX").map_or(Self::LocalAdmin, Self::Tables)
    }

    /// Creates an admin token of `workspace`. Its lifetime of an hour is longer than any run of the
    /// suite.
    fn create_token(&self, url: &str, workspace: &str) -> Result<String, Failed> {
        let mut arguments = vec!["token", "create", "--subject", SUBJECT, "--role", "admin"];
        arguments.extend(["--workspace", workspace, "--expires-in", "1h"]);
        if let Self::Tables(prefix) = self {
            arguments.extend(["--tables", prefix]);
        }
        let token = succeed_on(url, None, &arguments).map_err(|error| {
            let why = error.message().unwrap_or_default();
            format!("{why}\na deployment's tokens are created in its tables: set WRIT_E2E_PREFIX")
        })?;
        Ok(token.trim().to_owned())
    }
}

fn bearer(token: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {token}"))
}

/// The name of a workspace that no other scenario of any run uses.
fn new_workspace() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (count, process) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id());
    format!("e2e-{}-{process}-{count}", since.as_millis())
}

/// The platform of one scenario and the credentials on it.
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) subject: &'static str,
    /// The token of an admin of another workspace.
    pub(crate) other_token: String,
    _server: Option<Server>,
}

impl Session {
    /// Sends a request with the session's token, unless the headers have an `authorization`.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<HttpResponse, Failed> {
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            headers.extend(self.token.as_deref().map(bearer));
        }
        self.send_unauthenticated(method, path, &headers, body)
    }

    /// Sends a request without the session's token.
    pub(crate) fn send_unauthenticated(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<HttpResponse, Failed> {
        send(&self.url, method, path, headers, body)
    }
}
