//! Queries of the decision log.

use writ_model::{Error, Workspace};
use writ_ports::{Page, Query, QueryExecutions};
use writ_query::{Direction, Index, Plan, Sort};

use super::{RECORD, policy_partition, record_partition, time_partition};
use crate::Store;
use crate::batch::Key;
use crate::item::Item;
use crate::search::{IndexRef, Items, KeyRange, Reading, Search, index_key, points};
use crate::shards::SHARDS;

/// Records hold times as RFC 3339 in UTC with milliseconds, which sort as text.
const STARTED: Index = Index { name: "by_time", field: "started_at", complete: true };
const POLICY: Index = Index { name: "by_policy", field: "policy_rule_uri", complete: true };
const ID: Index = Index { name: "", field: "execution_id", complete: true };

/// Policies of a filter that are looked up one by one at most; for more, reading by time is
/// cheaper.
const POLICIES_MAX: usize = 8;

/// Ids of a filter that are looked up one by one at most.
const IDS_MAX: usize = 100;

const CHEAP_SORTS: &str = "`started_at`";

impl QueryExecutions for Store {
    async fn query_executions(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let documents = Records { store: self, workspace };
        let order = Sort::parse(&serde_json::json!({"started_at": -1})).map_err(Error::internal)?;
        let owner = ["executions", workspace.as_str()];
        let reading = self.reading(workspace, query);
        Search { store: self, documents, query, reading, owner, cheap_sorts: CHEAP_SORTS, order }
            .page()
            .await
    }
}

impl Store {
    fn reading(&self, workspace: &Workspace, query: &Query) -> Reading<'_> {
        let plan = Plan::choose(&query.filter, query.sort.as_ref(), &[STARTED]);
        // Newest first unless the caller asks for another order.
        let is_open = query.sort.as_ref().is_none_or(Sort::is_empty);
        let direction = if is_open { Direction::Descending } else { plan.direction };
        let mut ranges: Vec<KeyRange> = plan.ranges.iter().map(KeyRange::of).collect();
        if direction == Direction::Descending {
            ranges.reverse();
        }
        let policies = points(&query.filter, POLICY, POLICIES_MAX);
        let shards = 0..SHARDS;
        let (index, partition_key, partitions) = match &policies {
            Some(policies) => {
                let partitions = policies.values.iter().flat_map(|uri| {
                    shards.clone().map(move |shard| policy_partition(workspace, shard, uri))
                });
                ("by_policy", "policy_shard", partitions.collect())
            }
            None => {
                let partitions = shards.map(|shard| time_partition(workspace, shard));
                ("by_time", "shard", partitions.collect())
            }
        };
        let reading = Reading {
            index: IndexRef {
                table: &self.tables.executions,
                index,
                partition_key,
                sort_key: "started",
            },
            partitions,
            ranges,
            direction,
            sorted: plan.sorted || is_open,
            // The partitions of a policy hold the records of that policy alone.
            exact: !plan.residual || policies.as_ref().is_some_and(|policies| policies.only),
            listed: None,
        };
        // Few records are named by id: they are read by their keys, whatever else the filter says.
        match points(&query.filter, ID, IDS_MAX) {
            Some(ids) => {
                let listed = ids.values.iter().map(|id| index_key("", id)).collect();
                Reading { listed: Some(listed), sorted: false, ..reading }
            }
            None => reading,
        }
    }
}

struct Records<'s> {
    store: &'s Store,
    workspace: &'s Workspace,
}

impl Items for Records<'_> {
    fn store(&self) -> &Store {
        self.store
    }

    fn table(&self) -> &str {
        &self.store.tables.executions
    }

    fn key(&self, suffix: &str) -> Key {
        (record_partition(self.workspace, suffix), RECORD.to_owned())
    }

    async fn text(&self, item: &Item) -> Result<String, Error> {
        self.store.record_text(item).await
    }
}
