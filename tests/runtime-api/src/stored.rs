//! The items of a policy in the table `policies`.

use serde_json::{Value, json};
use writ_model::{Digest, Error, PolicyRule};

/// The items of a policy that the workspace `team-a` has registered.
#[derive(Clone, Debug)]
pub struct StoredPolicy {
    /// The URI of the policy.
    pub uri: String,
    /// The head item, which names the newest revision of the URI.
    pub head: Value,
    /// The item with the body, in one chunk.
    pub chunk: Value,
}

impl StoredPolicy {
    /// Makes the items of a policy document.
    ///
    /// # Errors
    /// A document that is not a valid policy.
    pub fn new(document: &Value) -> Result<Self, Error> {
        let policy = PolicyRule::from_json(&document.to_string())?;
        let body = policy.to_body()?;
        let digest = Digest::of(body.as_bytes());
        let uri = policy.policy_rule_uri.to_string();
        let number = body.len().to_string();
        let head = json!({
            "pk": {"S": format!("team-a#policy#{uri}")}, "sk": {"S": "head"},
            "workspace": {"S": "team-a"}, "policy_id": {"S": "p1"}, "uri": {"S": uri},
            "revision": {"N": "1"}, "digest": {"S": digest.as_str()}, "bytes": {"N": number},
            "created_at": {"N": "1769851800000"}, "updated_at": {"N": "1769851800000"},
        });
        let chunk = json!({
            "pk": {"S": format!("team-a#body#{digest}")}, "sk": {"S": "chunk#0000"},
            "chunks": {"N": "1"}, "text": {"S": body},
        });
        Ok(Self { uri, head, chunk })
    }

    /// The replies to `GetItem` and `Query` that return the items.
    #[must_use]
    pub fn replies(&self) -> [(&'static str, Value); 2] {
        [
            ("GetItem", json!({"Item": self.head})),
            ("Query", json!({"Items": [self.chunk], "Count": 1, "ScannedCount": 1})),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_items() {
        let document = json!({"name": "a", "version": "1", "release_tag": "x", "code_type": "rego", "code": "package a"});
        let stored = StoredPolicy::new(&document).unwrap();
        assert_eq!((stored.uri.as_str(), &stored.head["uri"]["S"]), ("a:1-x", &json!("a:1-x")));
        assert!(stored.chunk["text"]["S"].as_str().unwrap().contains("package a"));
        assert!(StoredPolicy::new(&json!({})).is_err());
    }
}
