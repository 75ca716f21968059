//! The revisions of a policy.

use writ_model::{Digest, Error, Timestamp, Workspace};
use writ_ports::{GetRevisions, NewRevision, Revision, RevisionPage};

use super::revision_partition;
use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, key, number, parse_text, string, text};
use crate::search::{Cursor, PageToken, fingerprint, malformed};

/// Revisions of one page at most.
const LIMIT_MAX: usize = 1_000;

/// The sort key of a revision. Numbers sort as text if all have as many digits as the largest.
fn sort_key(revision: u64) -> String {
    format!("{revision:020}")
}

pub(super) fn to_item(workspace: &Workspace, new: &NewRevision<'_>) -> Item {
    key(revision_partition(workspace, &new.head.policy_id), sort_key(new.head.revision))
        .with("revision", number(new.head.revision))
        .with("uri", string(new.head.uri.to_string()))
        .with("digest", string(new.head.digest.as_str()))
        .with("created_at", number(new.head.updated_at.as_ms()))
        .with("author", string(new.author))
        .with("bytes", number(new.body.len()))
}

fn from_item(item: &Item) -> Result<Revision, Error> {
    Ok(Revision {
        revision: count(item, "revision")?,
        policy_rule_uri: parse_text(item, "uri")?,
        digest: Digest::from_stored(text(item, "digest")?.to_owned()),
        created_at: Timestamp::from_ms(count(item, "created_at")?),
        author: text(item, "author")?.to_owned(),
        bytes: count(item, "bytes")?,
    })
}

impl GetRevisions for Store {
    async fn list_revisions(
        &self,
        workspace: &Workspace,
        policy_id: &str,
        limit: usize,
        next_token: Option<&str>,
    ) -> Result<RevisionPage, Error> {
        let limit = limit.clamp(1, LIMIT_MAX);
        let fingerprint = fingerprint(&["revisions", workspace.as_str(), policy_id]);
        let before =
            match next_token.map(|token| PageToken::decode(token, &fingerprint)).transpose()? {
                None => sort_key(u64::MAX),
                Some(Cursor::Key { range: 0, key: Some(key) }) => key,
                Some(_) => return Err(malformed()),
            };
        let page = self
            .client
            .query()
            .table_name(&self.tables.policies)
            .consistent_read(true)
            .scan_index_forward(false)
            // One more than the limit, to know whether there is another page.
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX))
            .key_condition_expression("pk = :partition AND sk < :before")
            .expression_attribute_values(
                ":partition",
                string(revision_partition(workspace, policy_id)),
            )
            .expression_attribute_values(":before", string(before))
            .send()
            .await
            .map_err(store_error)?;
        let revisions =
            page.items().iter().take(limit).map(from_item).collect::<Result<Vec<_>, _>>()?;
        let more = page.items().len() > limit || page.last_evaluated_key().is_some();
        let last = revisions
            .last()
            .filter(|_| more)
            .map(|last| Cursor::Key { range: 0, key: Some(sort_key(last.revision)) });
        let next_token =
            last.map(|after| PageToken::new(&fingerprint, after).encode()).transpose()?;
        Ok(RevisionPage { revisions, next_token })
    }

    async fn get_revision(
        &self,
        workspace: &Workspace,
        policy_id: &str,
        revision: u64,
    ) -> Result<Option<Revision>, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.policies)
            .set_key(Some(key(revision_partition(workspace, policy_id), sort_key(revision))))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        response.item().map(from_item).transpose()
    }
}
