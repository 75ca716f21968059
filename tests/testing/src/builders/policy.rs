//! Policies and their revisions.

use serde_json::{Value, json};
use writ_model::{Digest, PolicyRule, PolicyUri, Timestamp};
use writ_ports::{NewRevision, PolicyHead};

use crate::START;

/// A revision with everything that [`NewRevision`] borrows.
#[derive(Clone, Debug)]
pub struct PolicyDraft {
    /// The head once this revision is the newest.
    pub head: PolicyHead,
    /// The policy that the body is of.
    pub policy: PolicyRule,
    /// The stored body, as JSON text.
    pub body: String,
}

impl PolicyDraft {
    /// The first revision of the policy `uri`, with these fields beside those of its URI.
    #[must_use]
    pub fn new(uri: &str, policy_id: &str, fields: Value) -> Self {
        let body = policy_body(uri, fields);
        let policy = PolicyRule::from_json(&body).unwrap();
        let head = PolicyHead {
            policy_id: policy_id.to_owned(),
            uri: policy.policy_rule_uri.clone(),
            revision: 1,
            digest: Digest::of(body.as_bytes()),
            created_at: START,
            updated_at: START,
        };
        Self { head, policy, body }
    }

    /// The revision after `old`, written one millisecond later.
    #[must_use]
    pub fn after(old: &PolicyHead, uri: &str, fields: Value) -> Self {
        let mut draft = Self::new(uri, &old.policy_id, fields);
        draft.head.revision = old.revision + 1;
        draft.head.created_at = old.created_at;
        draft.head.updated_at = Timestamp::from_ms(old.updated_at.as_ms() + 1);
        draft
    }

    /// The revision as its author `ada` writes it.
    #[must_use]
    pub fn revision(&self) -> NewRevision<'_> {
        NewRevision {
            head: self.head.clone(),
            policy: &self.policy,
            body: &self.body,
            author: "ada",
        }
    }
}

/// The stored body of the policy `uri`, with these fields beside those of its URI.
#[must_use]
pub fn policy_body(uri: &str, fields: Value) -> String {
    let uri: PolicyUri = uri.parse().unwrap();
    let mut document = json!({
        "name": uri.name(), "version": uri.version(), "release_tag": uri.release_tag(), "code": "pass",
    });
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    PolicyRule::from_json(&document.to_string()).unwrap().to_body().unwrap()
}
