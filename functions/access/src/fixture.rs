//! Requests and tokens for the tests of this crate.

use std::time::Duration;

use writ_authz::mint;
use writ_edge::{Caller, Request};
use writ_model::{Identity, Role};
use writ_ports::{Clock, PutToken, Token};
use writ_testing::MemoryPlatform;
use writ_testing::builders::{self, RequestExt, workspace};

pub(crate) use writ_testing::builders::data;

/// `alice` with this role in the workspace `a`; the kind is as records name it.
pub(crate) fn caller(principal_kind: &str, role: Role) -> Caller {
    builders::caller(principal_kind.parse().unwrap(), role)
}

/// A request with this body.
pub(crate) fn request(caller: Caller, body: &str) -> Request {
    builders::request().with_caller(caller).with_body(body)
}

/// Stores a new reader's token, a millisecond after the one before, and returns it with its text.
pub(crate) async fn put_token(
    ports: &MemoryPlatform,
    subject: &str,
    workspace_name: &str,
) -> (Token, String) {
    ports.clock().advance(Duration::from_millis(1));
    let workspace = workspace(workspace_name);
    let holder = Identity { subject: subject.to_owned(), workspace, role: Role::Reader };
    let (token, text) = mint(ports, ports.now(), holder, None).unwrap();
    ports.put_token(&token).await.unwrap();
    (token, text.reveal().to_owned())
}
