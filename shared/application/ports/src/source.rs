//! Where policies come from: acquire, project, release. The registry is one source; policy
//! drivers are others.

use std::future::Future;
use std::sync::Arc;

use writ_model::{Digest, Error, PolicyUri, Workspace};

/// A policy as it was acquired for one run. It does not change until it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The workspace that the policy belongs to.
    pub workspace: Workspace,
    /// The URI that it was acquired by.
    pub uri: PolicyUri,
    /// The revision that was acquired, as records name it; 0 where a source has none.
    pub revision: u64,
    /// SHA-256 of the policy's body.
    pub digest: Digest,
    /// The id that the policy's context is stored under, which outlives renames; empty where a
    /// source has no contexts.
    pub policy_id: String,
}

/// What a source shows of an acquired policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// The policy's body, a JSON object with the handle's digest.
    pub body: Arc<str>,
}

/// A source of policies.
pub trait PolicySource: Send + Sync {
    /// The source's name in records.
    fn name(&self) -> &'static str;

    /// Acquires the policy that `uri` stands for now.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::NotFound`]; the source's.
    fn acquire(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> impl Future<Output = Result<Handle, Error>> + Send;

    /// Reads the acquired policy.
    ///
    /// # Errors
    /// The source's.
    fn projection(&self, handle: &Handle)
    -> impl Future<Output = Result<Projection, Error>> + Send;

    /// Releases an acquired policy.
    fn release(&self, handle: Handle) -> impl Future<Output = ()> + Send;
}

impl<S: PolicySource> PolicySource for &S {
    fn name(&self) -> &'static str {
        S::name(self)
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        S::acquire(self, workspace, uri).await
    }

    async fn projection(&self, handle: &Handle) -> Result<Projection, Error> {
        S::projection(self, handle).await
    }

    async fn release(&self, handle: Handle) {
        S::release(self, handle).await;
    }
}
