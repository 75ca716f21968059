//! Bounds of the requests that run at the same time, in all and for each workspace. Requests beyond
//! them wait in order. Long polls have bounds of their own, so that they delay no other request. What
//! waits holds a connection, so the connections with a request of one workspace are bounded as well.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use writ_edge::RouteSpec;
use writ_model::{Error, ErrorKind, Workspace};

use super::bounds::Bounds;

/// The query parameter by which a caller asks for a long poll, in seconds.
const WAIT_PARAM: &str = "wait";
/// Workspaces that are remembered although they have no request.
const IDLE_WORKSPACES_MAX: usize = 1_024;

/// Semaphores for connections with a request, for requests, for long polls and for large bodies.
struct Limits {
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    long_polls: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
}

impl Limits {
    fn new(permits: [usize; 4]) -> Self {
        let [connections, requests, long_polls, large_bodies] =
            permits.map(|permits| Arc::new(Semaphore::new(permits)));
        Self { connections, requests, long_polls, large_bodies }
    }
}

/// The requests and long polls of a server.
pub(super) struct RequestLimits {
    bounds: Bounds,
    all: Limits,
    by_workspace: Mutex<HashMap<Workspace, Arc<Limits>>>,
}

/// The permit of a running request.
pub(super) struct RequestPermit {
    _of_workspace: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _workspace: Arc<Limits>,
}

/// The permit of a connection with a request of a workspace.
pub(super) struct ConnectionPermit {
    _permit: OwnedSemaphorePermit,
    _workspace: Arc<Limits>,
}

impl RequestLimits {
    pub(super) fn new(bounds: Bounds) -> Self {
        let all = Limits::new([
            bounds.connections_max,
            bounds.requests_max,
            bounds.long_polls_max,
            bounds.large_bodies_max,
        ]);
        Self { bounds, all, by_workspace: Mutex::default() }
    }

    /// Takes the permit of a connection with a request of this workspace.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] at once where the workspace has as many as it may.
    pub(super) fn connection(&self, workspace: &Workspace) -> Result<ConnectionPermit, Error> {
        let limits = self.of_workspace(workspace);
        match Arc::clone(&limits.connections).try_acquire_owned() {
            Ok(permit) => Ok(ConnectionPermit { _permit: permit, _workspace: limits }),
            Err(_) => Err(too_many_connections(self.bounds.workspace_connections_max)),
        }
    }

    /// Waits for the permit of a request, at most until `until`. A long poll that does not get one
    /// in the time that it asked for is served as an ordinary request, which does not wait.
    pub(super) async fn acquire(
        &self,
        spec: &RouteSpec,
        workspace: &Workspace,
        query: &mut [(String, String)],
        until: Instant,
    ) -> Result<RequestPermit, Error> {
        let limits = self.of_workspace(workspace);
        let has_wait = spec.params.iter().any(|param| param.name == WAIT_PARAM);
        let wait = query.iter_mut().find(|(name, _)| has_wait && name == WAIT_PARAM);
        if let Some((text, wait)) = wait.and_then(|(_, text)| {
            let wait = seconds(text).filter(|wait| !wait.is_zero())?;
            Some((text, wait))
        }) {
            let started = Instant::now();
            let (own, all) = (Arc::clone(&limits.long_polls), Arc::clone(&self.all.long_polls));
            let permit = acquire(Arc::clone(&limits), own, all);
            let permit = timeout_at(until.min(started + wait), permit).await;
            // What is left of the time, in whole seconds as the parameter has it.
            let left = wait.saturating_sub(started.elapsed());
            *text = match &permit {
                Ok(_) => left.as_millis().div_ceil(1_000).to_string(),
                Err(_) => "0".to_owned(),
            };
            if let Ok(permit) = permit {
                return permit;
            }
        }
        let (own, all) = (Arc::clone(&limits.requests), Arc::clone(&self.all.requests));
        let permit = acquire(limits, own, all);
        timeout_at(until, permit).await.unwrap_or_else(|_| Err(too_many()))
    }

    /// Waits for the permit of a large body in addition to that of its request, at most until
    /// `until`. Take it before the body is read.
    pub(super) async fn large_body(
        &self,
        workspace: &Workspace,
        until: Instant,
    ) -> Result<RequestPermit, Error> {
        let limits = self.of_workspace(workspace);
        let (own, all) = (Arc::clone(&limits.large_bodies), Arc::clone(&self.all.large_bodies));
        timeout_at(until, acquire(limits, own, all)).await.unwrap_or_else(|_| Err(too_many()))
    }

    fn of_workspace(&self, workspace: &Workspace) -> Arc<Limits> {
        let mut known = self.by_workspace.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > IDLE_WORKSPACES_MAX {
            known.retain(|_, limits| Arc::strong_count(limits) > 1);
        }
        let limits = known.entry(workspace.clone()).or_insert_with(|| {
            let bounds = &self.bounds;
            Arc::new(Limits::new([
                bounds.workspace_connections_max,
                bounds.workspace_requests_max,
                bounds.workspace_long_polls_max,
                bounds.workspace_large_bodies_max,
            ]))
        });
        Arc::clone(limits)
    }
}

/// Waits for the workspace's permit first, so that a workspace at its bound holds none of all.
async fn acquire(
    workspace: Arc<Limits>,
    of_workspace: Arc<Semaphore>,
    of_all: Arc<Semaphore>,
) -> Result<RequestPermit, Error> {
    // INVARIANT: the semaphores are never closed.
    let of_workspace = of_workspace.acquire_owned().await.map_err(Error::internal)?;
    let of_all = of_all.acquire_owned().await.map_err(Error::internal)?;
    Ok(RequestPermit { _of_workspace: of_workspace, _of_all: of_all, _workspace: workspace })
}

/// The value of the parameter; the route itself refuses what is none.
fn seconds(text: &str) -> Option<Duration> {
    let digits = text.strip_suffix('s').unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).map(Duration::from_secs)
}

fn too_many() -> Error {
    let message = "the server runs as many requests as it can; send this one again later";
    Error::new(ErrorKind::Unavailable, message).retry_after(1)
}

fn too_many_connections(bound: usize) -> Error {
    let message = format!(
        "this workspace has {bound} requests that run, wait or are being answered, and may have no \
         more; send this one again later"
    );
    Error::new(ErrorKind::Unavailable, message).retry_after(1)
}

#[cfg(test)]
mod tests {
    use writ_edge::{AccessLevel, Param};

    use super::*;

    const SPEC: RouteSpec = RouteSpec {
        name: "thing.get",
        path: "/thing",
        access_level: AccessLevel::Read,
        params: &[Param { name: "wait", description: "Waits." }],
        ..RouteSpec::DEFAULT
    };

    const BOUNDS: Bounds = Bounds {
        workspace_connections_max: 2,
        requests_max: 3,
        workspace_requests_max: 2,
        long_polls_max: 2,
        workspace_long_polls_max: 1,
        ..Bounds::DEFAULT
    };

    /// Acquires within some time; with the `wait` that remains for the route.
    async fn acquire(
        limits: &RequestLimits,
        workspace: &str,
        wait: Option<&str>,
    ) -> (Result<RequestPermit, Error>, Option<String>) {
        let mut query: Vec<_> =
            wait.map(|wait| ("wait".to_owned(), wait.to_owned())).into_iter().collect();
        let until = Instant::now() + Duration::from_millis(wait.map_or(50, |_| 5_000));
        let permit = limits.acquire(&SPEC, &workspace.parse().unwrap(), &mut query, until).await;
        (permit, query.pop().map(|(_, value)| value))
    }

    #[tokio::test]
    async fn a_workspace_at_its_bound_delays_no_other() {
        let limits = RequestLimits::new(BOUNDS);
        let mut held = vec![acquire(&limits, "a", None).await.0.unwrap()];
        held.push(acquire(&limits, "a", None).await.0.unwrap());
        let refused = acquire(&limits, "a", None).await.0.err().unwrap();
        assert_eq!((refused.kind, refused.retry_after_s), (ErrorKind::Unavailable, Some(1)));
        held.push(acquire(&limits, "b", None).await.0.unwrap());
        assert!(acquire(&limits, "b", None).await.0.is_err(), "all are taken");
        held.remove(0);
        assert!(acquire(&limits, "a", None).await.0.is_ok());
    }

    #[tokio::test]
    async fn long_polls_take_no_place_of_other_requests() {
        let limits = RequestLimits::new(Bounds { workspace_long_polls_max: 2, ..BOUNDS });
        let mut held = Vec::new();
        for _ in 0..2 {
            let (permit, wait) = acquire(&limits, "a", Some("20s")).await;
            assert_eq!(wait.as_deref(), Some("20"));
            held.push(permit.unwrap());
        }
        for _ in 0..2 {
            held.push(acquire(&limits, "a", None).await.0.unwrap());
        }
    }

    #[tokio::test]
    async fn a_long_poll_beyond_the_bound_is_answered_at_the_end_of_its_time() {
        let limits = RequestLimits::new(BOUNDS);
        let _held = acquire(&limits, "a", Some("20")).await.0.unwrap();
        let (permit, wait) = acquire(&limits, "a", Some("1s")).await;
        assert!(permit.is_ok());
        assert_eq!(wait.as_deref(), Some("0"));
        // Another workspace has its own.
        let (permit, wait) = acquire(&limits, "b", Some("7")).await;
        assert!(permit.is_ok());
        assert_eq!(wait.as_deref(), Some("7"));
    }

    #[tokio::test]
    async fn large_bodies_of_one_workspace_delay_no_other() {
        let bounds = Bounds { large_bodies_max: 3, workspace_large_bodies_max: 2, ..BOUNDS };
        let limits = RequestLimits::new(bounds);
        let large = async |workspace: &str| {
            let until = Instant::now() + Duration::from_millis(50);
            limits.large_body(&workspace.parse().unwrap(), until).await
        };
        let mut held = vec![large("a").await.unwrap(), large("a").await.unwrap()];
        let refused = large("a").await.err().unwrap();
        assert_eq!((refused.kind, refused.retry_after_s), (ErrorKind::Unavailable, Some(1)));
        assert!(acquire(&limits, "a", None).await.0.is_ok(), "its other requests are served");
        held.push(large("b").await.unwrap());
        assert!(large("c").await.is_err(), "all are taken");
        held.remove(0);
        assert!(large("a").await.is_ok());
    }

    #[tokio::test]
    async fn what_is_no_wait_is_left_to_the_route() {
        let limits = RequestLimits::new(BOUNDS);
        for text in ["0", "0s", "", "s", "+5", "1.5"] {
            let (permit, wait) = acquire(&limits, "a", Some(text)).await;
            assert!(permit.is_ok());
            assert_eq!(wait.as_deref(), Some(text));
        }
    }

    #[test]
    fn the_connections_of_one_workspace_are_bounded() {
        let limits = RequestLimits::new(BOUNDS);
        let [a, b] = ["a", "b"].map(|name| name.parse::<Workspace>().unwrap());
        let mut held: Vec<_> = (0..2).map(|_| limits.connection(&a).unwrap()).collect();
        let refused = limits.connection(&a).err().unwrap();
        assert_eq!((refused.kind, refused.retry_after_s), (ErrorKind::Unavailable, Some(1)));
        assert!(refused.message.contains("has 2 requests"), "{}", refused.message);
        assert!(limits.connection(&b).is_ok());
        held.pop();
        assert!(limits.connection(&a).is_ok());
    }

    #[tokio::test]
    async fn workspaces_without_requests_are_forgotten() {
        let limits = RequestLimits::new(BOUNDS);
        let _connection = limits.connection(&"open".parse().unwrap()).unwrap();
        let _held = acquire(&limits, "held", None).await.0.unwrap();
        for number in 0..IDLE_WORKSPACES_MAX * 2 {
            acquire(&limits, &format!("w{number}"), None).await.0.unwrap();
        }
        let known = limits.by_workspace.lock().unwrap();
        assert!(known.len() <= IDLE_WORKSPACES_MAX + 1);
        assert!(["held", "open"].iter().all(|name| known.contains_key(&name.parse().unwrap())));
    }
}
