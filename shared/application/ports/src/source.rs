//! Where policies come from: acquire, project, release. The registry is one source; policy
//! drivers are others.

use std::future::Future;
use std::sync::Arc;

use writ_model::{Digest, Error, PolicyUri, Workspace};

/// A policy held for one run: it cannot change under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Whose.
    pub workspace: Workspace,
    /// Which.
    pub uri: PolicyUri,
    /// The version that was acquired; for the registry, the revision.
    pub version: u64,
    /// What its content hashes to.
    pub digest: Digest,
    /// What the policy keeps is kept under: an id that outlives its renames.
    pub policy_id: String,
}

/// Which part of a policy is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// All of it, to run it.
    Whole,
}

/// What a source shows of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// The version, as in the handle.
    pub version: u64,
    /// SHA-256 of `body`.
    pub digest: Digest,
    /// The stored body.
    pub body: Arc<str>,
}

/// A source of policies.
pub trait PolicySource: Send + Sync {
    /// The source's name in records.
    fn name(&self) -> &'static str;

    /// Holds the policy that `uri` stands for now.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::NotFound`]; the source's.
    fn acquire(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> impl Future<Output = Result<Handle, Error>> + Send;

    /// Shows the held policy.
    ///
    /// # Errors
    /// The source's.
    fn projection(
        &self,
        handle: &Handle,
        surface: Surface,
    ) -> impl Future<Output = Result<Projection, Error>> + Send;

    /// Lets it go.
    fn release(&self, handle: Handle) -> impl Future<Output = ()> + Send;
}
