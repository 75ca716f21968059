//! The policy registry.

use std::sync::Arc;

use writ_model::{BODY_BYTES_MAX, Digest, Error, ErrorKind, PolicyRule, PolicyUri, Workspace};
use writ_ports::{
    CreatePolicy, DeletePolicy, GetBody, GetPolicy, GetRevisions, NewRevision, Page, PolicyHead,
    Query, QueryPolicies, ReplacePolicy, Revision, RevisionPage,
};

use super::query::{Entry, Listing};
use super::{MemoryPlatform, Tables, key};
use crate::START;

impl MemoryPlatform {
    /// Registers a policy, or the next revision of the one with its URI, and returns its head. The
    /// id is `id-of-` and the URI.
    pub fn register(&self, workspace: &Workspace, body: &str) -> PolicyHead {
        let policy = PolicyRule::from_json(body).unwrap();
        let uri = policy.policy_rule_uri.clone();
        let mut tables = self.tables();
        let before = tables.policies.get(&(workspace.clone(), uri.clone()));
        let before = before.map_or(0, |head| head.revision);
        let head = PolicyHead {
            policy_id: format!("id-of-{uri}"),
            uri,
            revision: 1 + before,
            digest: Digest::of(body.as_bytes()),
            created_at: START,
            updated_at: START,
        };
        let new = NewRevision { head: head.clone(), policy: &policy, body, author: "ada" };
        tables.write_policy(workspace, &new);
        head
    }

    /// Removes every policy of every workspace; bodies stay.
    pub fn remove_policies(&self) {
        self.tables().policies.clear();
    }

    /// Changes the stored body under a digest, which it then no longer has. It is still read: unlike
    /// the store, this platform leaves the check to its reader.
    pub fn corrupt_body(&self, workspace: &Workspace, digest: &Digest) {
        let mut tables = self.tables();
        let body = tables.bodies.get_mut(&(workspace.clone(), digest.clone())).unwrap();
        *body = format!("{body} ").into();
    }
}

impl Tables {
    fn write_policy(&mut self, workspace: &Workspace, new: &NewRevision<'_>) {
        let NewRevision { head, body, author, .. } = new;
        let revision = Revision {
            revision: head.revision,
            policy_rule_uri: head.uri.clone(),
            digest: head.digest.clone(),
            created_at: head.updated_at,
            author: (*author).to_owned(),
            bytes: u64::try_from(body.len()).unwrap(),
        };
        let revisions = self.revisions.entry(key(workspace, &head.policy_id)).or_default();
        revisions.insert(head.revision, revision);
        self.bodies.insert((workspace.clone(), head.digest.clone()), Arc::from(*body));
        self.policies.insert((workspace.clone(), head.uri.clone()), head.clone());
    }

    fn is_newest(&self, workspace: &Workspace, head: &PolicyHead) -> bool {
        let stored = self.policies.get(&(workspace.clone(), head.uri.clone()));
        stored.is_some_and(|stored| {
            stored.policy_id == head.policy_id && stored.revision == head.revision
        })
    }

    fn check_free(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<(), Error> {
        if self.policies.contains_key(&(workspace.clone(), uri.clone())) {
            return Err(Error::new(ErrorKind::Conflict, format!("`{uri}` exists already")));
        }
        Ok(())
    }
}

fn check_body(new: &NewRevision<'_>) -> Result<(), Error> {
    if new.body.len() > BODY_BYTES_MAX {
        return Err(Error::new(ErrorKind::TooLarge, "the policy is too large"));
    }
    if Digest::of(new.body.as_bytes()) != new.head.digest {
        return Err(Error::internal("the body does not have its digest"));
    }
    Ok(())
}

fn stale(uri: &PolicyUri) -> Error {
    Error::new(ErrorKind::Stale, format!("`{uri}` was changed meanwhile"))
}

impl GetPolicy for MemoryPlatform {
    async fn get_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Option<PolicyHead>, Error> {
        let tables = self.enter("get_policy", &uri.to_string()).await?;
        Ok(tables.policies.get(&(workspace.clone(), uri.clone())).cloned())
    }
}

impl GetBody for MemoryPlatform {
    async fn get_body(
        &self,
        workspace: &Workspace,
        digest: &Digest,
    ) -> Result<Option<Arc<str>>, Error> {
        let tables = self.enter("get_body", digest.as_str()).await?;
        Ok(tables.bodies.get(&(workspace.clone(), digest.clone())).cloned())
    }
}

impl CreatePolicy for MemoryPlatform {
    async fn create_policy(
        &self,
        workspace: &Workspace,
        new: NewRevision<'_>,
    ) -> Result<(), Error> {
        let mut tables = self.enter("create_policy", &new.head.uri.to_string()).await?;
        check_body(&new)?;
        tables.check_free(workspace, &new.head.uri)?;
        tables.write_policy(workspace, &new);
        Ok(())
    }
}

impl ReplacePolicy for MemoryPlatform {
    async fn replace_policy(
        &self,
        workspace: &Workspace,
        old: &PolicyHead,
        new: NewRevision<'_>,
    ) -> Result<(), Error> {
        let mut tables = self.enter("replace_policy", &old.uri.to_string()).await?;
        check_body(&new)?;
        if !tables.is_newest(workspace, old) {
            return Err(stale(&old.uri));
        }
        if old.uri != new.head.uri {
            tables.check_free(workspace, &new.head.uri)?;
            tables.policies.remove(&(workspace.clone(), old.uri.clone()));
        }
        tables.write_policy(workspace, &new);
        Ok(())
    }
}

impl DeletePolicy for MemoryPlatform {
    async fn delete_policy(&self, workspace: &Workspace, head: &PolicyHead) -> Result<(), Error> {
        let mut tables = self.enter("delete_policy", &head.uri.to_string()).await?;
        if !tables.is_newest(workspace, head) {
            return Err(stale(&head.uri));
        }
        tables.policies.remove(&(workspace.clone(), head.uri.clone()));
        tables.contexts.remove(&key(workspace, &head.policy_id));
        Ok(())
    }
}

impl QueryPolicies for MemoryPlatform {
    async fn query_policies(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let tables = self.enter("query_policies", workspace.as_str()).await?;
        let own = tables.policies.iter().filter(|((owner, _), _)| owner == workspace);
        let entry = |((_, uri), head): (&(Workspace, PolicyUri), &PolicyHead)| {
            let body = &tables.bodies[&(workspace.clone(), head.digest.clone())];
            Entry::new(uri.name(), &uri.to_string(), body.to_string())
        };
        let entries = own.map(entry).collect();
        Listing { name: "policies", workspace, is_descending: false }.page(query, entries)
    }
}

impl GetRevisions for MemoryPlatform {
    async fn list_revisions(
        &self,
        workspace: &Workspace,
        policy_id: &str,
        limit: usize,
        next_token: Option<&str>,
    ) -> Result<RevisionPage, Error> {
        let tables = self.enter("list_revisions", policy_id).await?;
        let owner = format!("{workspace}/{policy_id}/");
        let before = match next_token {
            None => u64::MAX,
            Some(token) => token
                .strip_prefix(&owner)
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| Error::invalid("a foreign token").at("next_token"))?,
        };
        let Some(all) = tables.revisions.get(&key(workspace, policy_id)) else {
            return Ok(RevisionPage { revisions: Vec::new(), next_token: None });
        };
        let mut rest: Vec<Revision> =
            all.range(..before).rev().map(|(_, one)| one.clone()).collect();
        let has_more = rest.len() > limit;
        rest.truncate(limit);
        let last = rest.last().filter(|_| has_more);
        let next_token = last.map(|last| format!("{owner}{}", last.revision));
        Ok(RevisionPage { revisions: rest, next_token })
    }

    async fn get_revision(
        &self,
        workspace: &Workspace,
        policy_id: &str,
        revision: u64,
    ) -> Result<Option<Revision>, Error> {
        let tables = self.enter("get_revision", policy_id).await?;
        let all = tables.revisions.get(&key(workspace, policy_id));
        Ok(all.and_then(|all| all.get(&revision)).cloned())
    }
}
