//! From a handle to a policy that is ready to run.

use std::sync::Arc;

use writ_model::{Digest, Error, PolicyRule, PolicyUri, Workspace};
use writ_ports::{Handle, PolicySource, Surface};

use crate::{CompiledPolicy, PolicyCache};

/// The policy that stands under a URI now, for whoever asks about it and does not run it yet.
///
/// # Errors
/// [`writ_model::ErrorKind::NotFound`]; the source's.
pub async fn look_up(
    source: &impl PolicySource,
    policy_cache: &PolicyCache,
    workspace: &Workspace,
    uri: &PolicyUri,
) -> Result<Arc<CompiledPolicy>, Error> {
    let handle = source.acquire(workspace, uri).await?;
    let prepared = load(source, &handle, policy_cache).await;
    source.release(handle).await;
    prepared
}

/// The prepared policy behind a handle, its digest checked when it comes from the source.
pub(crate) async fn load(
    source: &impl PolicySource,
    handle: &Handle,
    policy_cache: &PolicyCache,
) -> Result<Arc<CompiledPolicy>, Error> {
    if let Some(prepared) = policy_cache.get(&handle.digest) {
        return Ok(prepared);
    }
    let projection = source.projection(handle, Surface::Whole).await?;
    let digest = Digest::of(projection.body.as_bytes());
    if digest != handle.digest {
        return Err(Error::internal(format!(
            "the body of `{}` has digest {digest}, not {}",
            handle.uri, handle.digest
        )));
    }
    let policy = PolicyRule::from_json(&projection.body).map_err(|error| {
        Error::internal(format!("the stored body of `{}` is malformed: {error}", handle.uri))
    })?;
    let prepared = Arc::new(CompiledPolicy::new(policy)?);
    policy_cache.put(digest, Arc::clone(&prepared));
    Ok(prepared)
}
