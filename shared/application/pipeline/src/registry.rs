//! The builtin source of policies: the platform's own tables.

use writ_model::{Error, PolicyUri, Workspace};
use writ_ports::{GetBody, GetPolicy, Handle, PolicySource, Projection, ports};

/// The registry as a source of policies.
#[derive(Clone, Copy, Debug)]
pub struct RegistrySource<'p, P>(pub &'p P);

ports! {
    /// What the registry needs as a source of policies.
    pub trait RegistryPorts = GetBody + GetPolicy;
}

impl<P: RegistryPorts> PolicySource for RegistrySource<'_, P> {
    fn name(&self) -> &'static str {
        "builtin"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        let head = self.0.get_policy(workspace, uri).await?.ok_or_else(|| {
            Error::not_found(format!("there is no policy `{uri}`")).at("/policy_rule_uri")
        })?;
        Ok(Handle {
            workspace: workspace.clone(),
            uri: uri.clone(),
            revision: head.revision,
            digest: head.digest,
            policy_id: head.policy_id,
        })
    }

    async fn projection(&self, handle: &Handle) -> Result<Projection, Error> {
        let body = self.0.get_body(&handle.workspace, &handle.digest).await?.ok_or_else(|| {
            Error::internal(format!("`{}` has no body with digest {}", handle.uri, handle.digest))
        })?;
        Ok(Projection { body })
    }

    /// Nothing to release: bodies never change under their digest.
    async fn release(&self, _handle: Handle) {}
}
