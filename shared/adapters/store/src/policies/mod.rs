//! The policy registry.
//!
//! A head holds the current revision of a URI. Revisions are stored under the policy's id, which
//! does not change with a rename; bodies are stored under their digest. One transaction writes all
//! three, so none of them exists without the others. Revisions with the same body share its chunks,
//! which are never changed or removed: executions are replayed by digest, also those of a deleted
//! policy.

mod head;
mod query;
mod revisions;
mod write;

use std::sync::Arc;

use writ_model::{Digest, Error, PolicyUri, Workspace};
use writ_ports::{GetBody, GetPolicy, PolicyHead};

use crate::Store;
use crate::chunks::ChunkLocation;
use crate::errors::store_error;
use crate::item::{Item, key};

/// The sort key of a head's item.
const HEAD: &str = "head";

/// The sort key of a body's chunks, without the number at its end.
const CHUNK: &str = "chunk#";

fn head_partition(workspace: &Workspace, uri: &str) -> String {
    format!("{workspace}#policy#{uri}")
}

/// The primary key of the head of a URI.
pub(crate) fn head_key(workspace: &Workspace, uri: &PolicyUri) -> Item {
    key(head_partition(workspace, &uri.to_string()), HEAD)
}

fn revision_partition(workspace: &Workspace, policy_id: &str) -> String {
    format!("{workspace}#revision#{policy_id}")
}

fn body_partition(workspace: &Workspace, digest: &Digest) -> String {
    format!("{workspace}#body#{digest}")
}

impl Store {
    fn body_location(&self, workspace: &Workspace, digest: &Digest) -> ChunkLocation<'_> {
        let partition = body_partition(workspace, digest);
        ChunkLocation { table: &self.tables.policies, partition, prefix: CHUNK.to_owned() }
    }
}

impl GetPolicy for Store {
    async fn get_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Option<PolicyHead>, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.policies)
            .set_key(Some(head_key(workspace, uri)))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        response.item().map(head::from_item).transpose()
    }
}

impl GetBody for Store {
    async fn get_body(
        &self,
        workspace: &Workspace,
        digest: &Digest,
    ) -> Result<Option<Arc<str>>, Error> {
        let body = self.get_chunks(&self.body_location(workspace, digest), digest).await?;
        Ok(body.map(Arc::from))
    }
}
