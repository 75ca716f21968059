//! Queries of the policy registry.
//!
//! An index entry holds a field's value and the URI, so name, version and release tag are known
//! from it alone; the head holds type and tags. Only the body of a policy that may still match is
//! read.

use std::collections::HashMap;

use writ_model::{Digest, Error, PolicyUri, Workspace, with_defaults};
use writ_ports::{Page, Query, QueryPolicies};
use writ_query::{Direction, Filter, Index, Plan, Range, Sort};

use super::head::{Summary, summary};
use super::{CHUNK, HEAD, body_partition, head_partition};
use crate::Store;
use crate::batch::Key;
use crate::chunks::{sort_key, verify_digest};
use crate::item::{Item, count, optional_text, text};
use crate::search::{
    Document, Documents, IndexRef, KeyRange, LOAD_BYTES_MAX, Reading, Search, suffix_of,
};

/// Every policy has each of these fields, and all of them are strings.
const fn index(name: &'static str, field: &'static str) -> Index {
    Index { name, field, complete: true }
}

/// The first one gives the order of a query without a sort.
const INDEXES: [Index; 5] = [
    index("by_name", "name"),
    index("by_version", "version"),
    index("by_release_tag", "release_tag"),
    index("by_type", "type"),
    index("by_tags", "tags"),
];

const CHEAP_SORTS: &str = "`name`, `version`, `release_tag`, `type` and `tags`";

impl QueryPolicies for Store {
    async fn query_policies(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let plan = Plan::choose(&query.filter, query.sort.as_ref(), &INDEXES);
        let name = plan.index.map_or("by_name", |index| index.name);
        let mut ranges: Vec<KeyRange> = plan.ranges.iter().map(KeyRange::of).collect();
        if plan.direction == Direction::Descending {
            ranges.reverse();
        }
        let reading = Reading {
            index: IndexRef {
                table: &self.tables.policies,
                index: name,
                partition_key: "workspace",
                sort_key: name,
            },
            partitions: vec![workspace.as_str().to_owned()],
            ranges,
            direction: plan.direction,
            sorted: plan.sorted,
            exact: !plan.residual,
            listed: None,
        };
        let documents = Bodies {
            store: self,
            workspace,
            index: name,
            conditions: HeadConditions::of(&query.filter),
        };
        let order = Sort::parse(&serde_json::json!({"name": 1})).map_err(Error::internal)?;
        let owner = ["policies", workspace.as_str()];
        Search { store: self, documents, query, reading, owner, cheap_sorts: CHEAP_SORTS, order }
            .page()
            .await
    }
}

/// The conditions of a filter on fields that are known without the body.
struct HeadConditions {
    by_field: Vec<(&'static str, Vec<Range>)>,
}

impl HeadConditions {
    fn of(filter: &Filter) -> Self {
        // An index on one field serves the filter's conditions on that field, which every match
        // must fulfil.
        let condition = |index: &Index| {
            let plan = Plan::choose(filter, None, std::slice::from_ref(index));
            plan.index.map(|index| (index.field, plan.ranges))
        };
        Self { by_field: INDEXES.iter().filter_map(condition).collect() }
    }

    /// Whether an object with this value of the field may match.
    fn may_match(&self, field: &str, value: &str) -> bool {
        self.by_field
            .iter()
            .filter(|(name, _)| *name == field)
            .all(|(_, ranges)| ranges.iter().any(|range| range.contains(value)))
    }

    fn may_match_uri(&self, uri: &PolicyUri) -> bool {
        self.may_match("name", uri.name())
            && self.may_match("version", uri.version())
            && self.may_match("release_tag", uri.release_tag())
    }

    fn may_match_summary(&self, summary: &Summary) -> bool {
        let may_match = |field, value: &Option<String>| {
            value.as_deref().is_none_or(|value| self.may_match(field, value))
        };
        may_match("type", &summary.policy_type) && may_match("tags", &summary.tags)
    }
}

struct Bodies<'s> {
    store: &'s Store,
    workspace: &'s Workspace,
    index: &'static str,
    conditions: HeadConditions,
}

impl Documents for Bodies<'_> {
    async fn load(&self, keys: &[String]) -> Result<Vec<Option<Document>>, Error> {
        let summaries = self.summaries(keys).await?;
        let (mut bytes, mut loaded) = (0_usize, 0_usize);
        for summary in &summaries {
            bytes += summary.as_ref().map_or(0, |summary| summary.bytes);
            if bytes > LOAD_BYTES_MAX && loaded > 0 {
                break;
            }
            loaded += 1;
        }
        let summaries = summaries.get(..loaded).unwrap_or_default();
        let bodies = self.bodies(summaries.iter().flatten()).await?;
        let document = |summary: &Option<Summary>| match summary {
            None => Ok(None),
            Some(summary) => match bodies.get(summary.digest.as_str()) {
                Some(body) => Document::parse(with_defaults(body)?.into_owned()).map(Some),
                None => Err(Error::internal(format!("body {} is gone", summary.digest))),
            },
        };
        summaries.iter().map(document).collect()
    }
}

impl Bodies<'_> {
    /// Reads the heads of these entries; `None` where an entry certainly has no match.
    async fn summaries(&self, keys: &[String]) -> Result<Vec<Option<Summary>>, Error> {
        let head = |key: &String| -> Option<Key> {
            let uri = suffix_of(key)?;
            let parsed: PolicyUri = uri.parse().ok()?;
            self.conditions
                .may_match_uri(&parsed)
                .then(|| (head_partition(self.workspace, uri), HEAD.to_owned()))
        };
        let heads: Vec<Option<Key>> = keys.iter().map(head).collect();
        let head_keys = heads.iter().flatten().cloned().collect();
        let found = self.store.batch_get(&self.store.tables.policies, head_keys).await?;
        let summarize = |(key, head): (&String, &Option<Key>)| {
            let Some(item) = head.as_ref().and_then(|head| found.get(head)) else {
                return Ok(None);
            };
            // An index may lag behind. The head's current value has another entry, or will have
            // one.
            let is_current = |item: &Item| optional_text(item, self.index) == Some(key.as_str());
            let summary = Some(summary(item)?);
            Ok(summary
                .filter(|summary| is_current(item) && self.conditions.may_match_summary(summary)))
        };
        keys.iter().zip(&heads).map(summarize).collect()
    }

    /// Reads the bodies by digest: the first chunks together, then the other chunks of the few
    /// large bodies.
    async fn bodies(
        &self,
        summaries: impl Iterator<Item = &Summary>,
    ) -> Result<HashMap<String, String>, Error> {
        let digests: HashMap<Key, &Digest> = summaries
            .map(|summary| {
                let partition = body_partition(self.workspace, &summary.digest);
                ((partition, sort_key(CHUNK, 0)), &summary.digest)
            })
            .collect();
        let keys = digests.keys().cloned().collect();
        let first = self.store.batch_get(&self.store.tables.policies, keys).await?;
        let mut bodies = HashMap::with_capacity(first.len());
        for (key, item) in first {
            let Some(digest) = digests.get(&key).copied() else { continue };
            let body = if count::<usize>(&item, "chunks")? == 1 {
                Some(verify_digest(text(&item, "text")?.to_owned(), digest)?)
            } else {
                self.store
                    .get_chunks(&self.store.body_location(self.workspace, digest), digest)
                    .await?
            };
            bodies.extend(body.map(|body| (digest.as_str().to_owned(), body)));
        }
        Ok(bodies)
    }
}
