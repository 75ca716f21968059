//! The head item of a policy.

use writ_model::{Digest, Error, PolicyRule, Timestamp, Workspace};
use writ_ports::PolicyHead;

use super::{HEAD, head_partition};
use crate::item::{Item, ItemExt, count, key, number, optional_text, parse_text, string, text};
use crate::search::{index_key, is_empty_value_key};

/// Bytes of a type or of tags that the head holds a copy of; longer ones are in the body alone.
const COPY_BYTES_MAX: usize = 1 << 10;

/// The fields of a policy that are known from its head, without reading the body.
pub(super) struct Summary {
    pub(super) digest: Digest,
    /// The length of the body in bytes.
    pub(super) bytes: usize,
    /// `None` where it is too long to be copied.
    pub(super) policy_type: Option<String>,
    /// `None` where it is too long to be copied.
    pub(super) tags: Option<String>,
}

/// Makes the item of a head.
pub(super) fn to_item(
    workspace: &Workspace,
    head: &PolicyHead,
    policy: &PolicyRule,
    bytes: usize,
) -> Item {
    let uri = head.uri.to_string();
    let mut item = key(head_partition(workspace, &uri), HEAD)
        .with("workspace", string(workspace.as_str()))
        .with("by_name", string(index_key(head.uri.name(), &uri)))
        .with("by_version", string(index_key(head.uri.version(), &uri)))
        .with("by_release_tag", string(index_key(head.uri.release_tag(), &uri)))
        .with("by_type", string(index_key(&policy.policy_type, &uri)))
        .with("by_tags", string(index_key(&policy.tags, &uri)))
        .with("policy_id", string(&head.policy_id))
        .with("revision", number(head.revision))
        .with("digest", string(head.digest.as_str()))
        .with("bytes", number(bytes))
        .with("created_at", number(head.created_at.as_ms()))
        .with("updated_at", number(head.updated_at.as_ms()));
    for (name, value) in [("type", &policy.policy_type), ("tags", &policy.tags)] {
        // An empty value is known from the key of its index.
        if !value.is_empty() && value.len() <= COPY_BYTES_MAX {
            item = item.with(name, string(value));
        }
    }
    item.with("uri", string(uri))
}

/// Reads the head of an item.
pub(super) fn from_item(item: &Item) -> Result<PolicyHead, Error> {
    Ok(PolicyHead {
        policy_id: text(item, "policy_id")?.to_owned(),
        uri: parse_text(item, "uri")?,
        revision: count(item, "revision")?,
        digest: Digest::from_stored(text(item, "digest")?.to_owned()),
        created_at: Timestamp::from_ms(count(item, "created_at")?),
        updated_at: Timestamp::from_ms(count(item, "updated_at")?),
    })
}

/// Reads the summary of an item, for queries.
pub(super) fn summary(item: &Item) -> Result<Summary, Error> {
    Ok(Summary {
        digest: Digest::from_stored(text(item, "digest")?.to_owned()),
        bytes: count(item, "bytes")?,
        policy_type: field_copy(item, "type", "by_type"),
        tags: field_copy(item, "tags", "by_tags"),
    })
}

/// The copy of a field, or the empty text if the key of the field's index says so.
fn field_copy(item: &Item, name: &str, index: &str) -> Option<String> {
    let is_empty = || optional_text(item, index).is_some_and(is_empty_value_key);
    optional_text(item, name).map(str::to_owned).or_else(|| is_empty().then(String::new))
}
