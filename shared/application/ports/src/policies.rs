//! The policy registry.

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use writ_model::{Digest, Error, PolicyRule, PolicyUri, Timestamp, Workspace};

use crate::{Page, Query};

/// The item that says which revision a URI names now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyHead {
    /// The id of the policy, which outlives its renames.
    pub policy_id: String,
    /// The URI that it is registered under.
    pub uri: PolicyUri,
    /// The newest revision, from 1.
    pub revision: u64,
    /// SHA-256 of that revision's body.
    pub digest: Digest,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When the newest revision was written.
    pub updated_at: Timestamp,
}

impl PolicyHead {
    /// The entity tag of this revision, with its quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}-{}\"", self.revision, self.digest.short())
    }
}

/// One revision of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The number of the revision, from 1.
    pub revision: u64,
    /// The URI that it was written under.
    pub policy_rule_uri: PolicyUri,
    /// SHA-256 of the body.
    pub digest: Digest,
    /// When it was written.
    pub created_at: Timestamp,
    /// The subject that wrote it.
    pub author: String,
    /// The length of the body in bytes.
    pub bytes: u64,
}

/// A revision about to be written.
#[derive(Clone, Debug)]
pub struct NewRevision<'a> {
    /// The head as it will stand.
    pub head: PolicyHead,
    /// The policy; its indexed fields are copied beside the body.
    pub policy: &'a PolicyRule,
    /// The policy's body, from [`PolicyRule::to_body`].
    pub body: &'a str,
    /// The subject that writes it.
    pub author: &'a str,
}

/// One page of revisions, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionPage {
    /// The revisions of this page.
    pub revisions: Vec<Revision>,
    /// The token of the next page; `None` at the end.
    pub next_token: Option<String>,
}

/// Reads the heads of policies.
pub trait GetPolicy: Send + Sync {
    /// The head under `uri`, read consistently; `None` where there is no such policy.
    ///
    /// # Errors
    /// The store's.
    fn get_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> impl Future<Output = Result<Option<PolicyHead>, Error>> + Send;
}

crate::port!(GetPolicy);

/// Reads stored bodies by content.
pub trait GetBody: Send + Sync {
    /// The body with this digest, checked against it; `None` where nothing is stored.
    ///
    /// # Errors
    /// The store's, and a body that does not have its digest.
    fn get_body(
        &self,
        workspace: &Workspace,
        digest: &Digest,
    ) -> impl Future<Output = Result<Option<Arc<str>>, Error>> + Send;
}

crate::port!(GetBody);

/// Writes the first revisions of policies.
pub trait CreatePolicy: Send + Sync {
    /// Writes a first revision, all or nothing.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] where the URI is taken; the store's.
    fn create_policy(
        &self,
        workspace: &Workspace,
        new: NewRevision<'_>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(CreatePolicy);

/// Writes further revisions of policies.
pub trait ReplacePolicy: Send + Sync {
    /// Writes a revision over `old`, renaming if the URI differs, all or nothing.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Stale`] where `old` is no longer the newest,
    /// [`writ_model::ErrorKind::Conflict`] where the new URI is taken; the store's.
    fn replace_policy(
        &self,
        workspace: &Workspace,
        old: &PolicyHead,
        new: NewRevision<'_>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(ReplacePolicy);

/// Removes policies from the registry.
pub trait DeletePolicy: Send + Sync {
    /// Removes the policy under the head's URI. Revisions stay readable by digest, so that
    /// executions can be run again.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Stale`] where `head` is no longer the newest; the store's.
    fn delete_policy(
        &self,
        workspace: &Workspace,
        head: &PolicyHead,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(DeletePolicy);

/// Searches the registry of a workspace.
pub trait QueryPolicies: Send + Sync {
    /// One page of stored bodies.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`] for a token of another query, or a sort that
    /// no index serves over more objects than the read budget; the store's.
    fn query_policies(
        &self,
        workspace: &Workspace,
        query: &Query,
    ) -> impl Future<Output = Result<Page, Error>> + Send;
}

crate::port!(QueryPolicies);

/// Reads the revisions of a policy.
pub trait GetRevisions: Send + Sync {
    /// One page of revisions, newest first.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`] for a foreign token; the store's.
    fn list_revisions(
        &self,
        workspace: &Workspace,
        policy_id: &str,
        limit: usize,
        next_token: Option<&str>,
    ) -> impl Future<Output = Result<RevisionPage, Error>> + Send;

    /// One revision; `None` where there is none of that number.
    ///
    /// # Errors
    /// The store's.
    fn get_revision(
        &self,
        workspace: &Workspace,
        policy_id: &str,
        revision: u64,
    ) -> impl Future<Output = Result<Option<Revision>, Error>> + Send;
}

crate::port!(GetRevisions);
