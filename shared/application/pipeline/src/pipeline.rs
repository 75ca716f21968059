//! The pipeline as a value: a source of policies, the ports and the cache of compiled policies.

use std::sync::Arc;

use writ_model::{Digest, Error, PolicyRule, PolicyUri, Workspace};
use writ_ports::{GetBody, GetPolicy, Handle, PolicySource};

use crate::{CompiledPolicy, PolicyCache, RegistrySource};

/// Runs policies of one source over one set of ports. Cheap to make: it borrows all that it uses.
///
/// Each method asks of the ports only what it needs: [`Pipeline::load`] nothing at all,
/// [`Pipeline::execute`] everything that a run takes ([`trait@crate::Ports`]).
#[derive(Clone, Copy, Debug)]
pub struct Pipeline<'a, S, P> {
    pub(crate) source: S,
    pub(crate) ports: &'a P,
    pub(crate) cache: &'a PolicyCache,
}

impl<'a, S, P> Pipeline<'a, S, P> {
    /// A pipeline over a source of policies.
    pub fn new(source: S, ports: &'a P, cache: &'a PolicyCache) -> Self {
        Self { source, ports, cache }
    }
}

impl<'a, P: GetPolicy + GetBody> Pipeline<'a, RegistrySource<'a, P>, P> {
    /// A pipeline over the platform's own registry, which the same ports read.
    pub fn registry(ports: &'a P, cache: &'a PolicyCache) -> Self {
        Self::new(RegistrySource(ports), ports, cache)
    }
}

impl<S: PolicySource, P> Pipeline<'_, S, P> {
    /// The compiled policy that a URI stands for now, for callers that validate and do not run it.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::NotFound`]; the source's.
    pub async fn load(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Arc<CompiledPolicy>, Error> {
        let handle = self.source.acquire(workspace, uri).await?;
        let policy = self.compile(&handle).await;
        self.source.release(handle).await;
        policy
    }

    /// The compiled policy behind a handle. A body that comes from the source is held against the
    /// handle's digest.
    pub(crate) async fn compile(&self, handle: &Handle) -> Result<Arc<CompiledPolicy>, Error> {
        if let Some(policy) = self.cache.get(&handle.digest) {
            return Ok(policy);
        }
        let body = self.source.projection(handle).await?.body;
        let digest = Digest::of(body.as_bytes());
        if digest != handle.digest {
            return Err(Error::internal(format!(
                "the body of `{}` has digest {digest}, not {}",
                handle.uri, handle.digest
            )));
        }
        let policy = PolicyRule::from_json(&body).map_err(|error| {
            Error::internal(format!("the stored body of `{}` is malformed: {error}", handle.uri))
        })?;
        let policy = Arc::new(CompiledPolicy::new(policy)?);
        self.cache.put(digest, Arc::clone(&policy));
        Ok(policy)
    }
}
