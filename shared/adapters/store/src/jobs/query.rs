//! Queries of jobs.

use writ_jobs::document;
use writ_model::{Error, JobStatus, Workspace};
use writ_ports::{Page, Query, QueryJobs};
use writ_query::{Direction, Filter, Index, Plan, Sort};

use super::item::{OPEN, outcome, outcome_partition, policy_partition, time_partition};
use super::{JOB, job_partition};
use crate::Store;
use crate::batch::Key;
use crate::item::Item;
use crate::search::{IndexRef, Items, KeyRange, Reading, Search, index_key, points};
use crate::shards::SHARDS;

/// Documents hold times as RFC 3339 in UTC with milliseconds, which sort as text.
const SUBMITTED: Index = Index { name: "", field: "submitted_at", complete: true };
/// Complete among the jobs that are over; only those are read by it.
const FINISHED: Index = Index { name: "", field: "finished_at", complete: true };
const STATUS: Index = Index { name: "", field: "job_status", complete: true };
const ID: Index = Index { name: "", field: "job_id", complete: true };

/// The policy's URI, under both of its field names.
const POLICY: [Index; 2] = [
    Index { name: "", field: "policy_rule_uri", complete: true },
    Index { name: "", field: "job_policy_rule_uri", complete: true },
];

/// Policies of a filter that are looked up one by one at most; for more, reading by time is
/// cheaper.
const POLICIES_MAX: usize = 8;

/// Ids of a filter that are looked up one by one at most.
const IDS_MAX: usize = 100;

const CHEAP_SORTS: &str = "`submitted_at`, or where `job_status` is final `finished_at`,";

impl QueryJobs for Store {
    async fn query_jobs(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let documents = Jobs { store: self, workspace };
        let order =
            Sort::parse(&serde_json::json!({"submitted_at": -1})).map_err(Error::internal)?;
        let owner = ["jobs", workspace.as_str()];
        let reading = self.job_reading(workspace, query);
        Search { store: self, documents, query, reading, owner, cheap_sorts: CHEAP_SORTS, order }
            .page()
            .await
    }
}

/// The index and the partitions that a query reads.
struct Source {
    /// The index's name, partition key and sort key.
    index: [&'static str; 3],
    partitions: Vec<String>,
    /// The field that orders the index.
    order: Index,
    /// Whether every entry of the partitions matches.
    exact: bool,
}

impl Source {
    fn of(workspace: &Workspace, query: &Query) -> Self {
        let filter = &query.filter;
        let policies = POLICY.iter().find_map(|index| points(filter, *index, POLICIES_MAX));
        let is_narrow = policies.is_some() || narrows(filter, SUBMITTED);
        if let Some(outcomes) = Outcomes::of(filter).filter(|outcomes| outcomes.serve(query)) {
            // Nearly all jobs complete, so this condition selects more jobs than another one.
            if !(is_narrow && outcomes.names.contains(&JobStatus::Completed.name())) {
                return outcomes.source(workspace);
            }
        }
        match policies {
            Some(policies) => {
                let uris = policies.values.iter().map(String::as_str);
                Self {
                    index: ["by_policy", "policy_shard", "submitted"],
                    partitions: spread(uris, |shard, uri| policy_partition(workspace, shard, uri)),
                    order: SUBMITTED,
                    exact: policies.only,
                }
            }
            None => Self {
                index: ["by_time", "shard", "submitted"],
                partitions: (0..SHARDS).map(|shard| time_partition(workspace, shard)).collect(),
                order: SUBMITTED,
                exact: false,
            },
        }
    }
}

/// The partitions of each of the names, in every shard.
fn spread<'n>(
    names: impl Iterator<Item = &'n str>,
    partition: impl Fn(u64, &str) -> String,
) -> Vec<String> {
    names
        .flat_map(|name| (0..SHARDS).map(|shard| partition(shard, name)).collect::<Vec<_>>())
        .collect()
}

/// Whether the filter has a condition on the field that an index can use.
fn narrows(filter: &Filter, index: Index) -> bool {
    Plan::choose(filter, None, &[index]).index.is_some()
}

/// The outcomes of a filter's jobs in `by_outcome`: all final, or all not.
struct Outcomes {
    names: Vec<&'static str>,
    /// Whether the filter has no other condition.
    only: bool,
}

impl Outcomes {
    fn of(filter: &Filter) -> Option<Self> {
        let Some(statuses) = points(filter, STATUS, JobStatus::ALL.len()) else {
            // A condition on the end's time selects only jobs that are over.
            let over = JobStatus::ALL.into_iter().filter(|status| status.is_final());
            let names = over.map(JobStatus::name).collect();
            return narrows(filter, FINISHED).then_some(Self { names, only: false });
        };
        // No job has a status that does not exist.
        let known = statuses.values.iter().filter_map(|name| name.parse().ok());
        let mut names: Vec<&'static str> = known.map(outcome).collect();
        names.sort_unstable();
        names.dedup();
        let is_mixed = names.len() > 1 && names.contains(&OPEN);
        let only = statuses.only && !names.contains(&OPEN);
        (!is_mixed).then_some(Self { names, only })
    }

    /// The field that orders the entries of these outcomes.
    fn order(&self) -> Index {
        if self.names.contains(&OPEN) { SUBMITTED } else { FINISHED }
    }

    /// Whether the index has the query's order, or no index has.
    fn serve(&self, query: &Query) -> bool {
        let gives =
            |order: Index| Plan::choose(&query.filter, query.sort.as_ref(), &[order]).sorted;
        gives(self.order()) || !gives(SUBMITTED)
    }

    fn source(&self, workspace: &Workspace) -> Source {
        let names = self.names.iter().copied();
        Source {
            index: ["by_outcome", "outcome", "since"],
            partitions: spread(names, |shard, name| outcome_partition(workspace, shard, name)),
            order: self.order(),
            exact: self.only,
        }
    }
}

impl Store {
    fn job_reading(&self, workspace: &Workspace, query: &Query) -> Reading<'_> {
        let source = Source::of(workspace, query);
        let plan = Plan::choose(&query.filter, query.sort.as_ref(), &[source.order]);
        // Newest first unless the caller asks for another order.
        let is_open = query.sort.as_ref().is_none_or(Sort::is_empty);
        let direction = if is_open { Direction::Descending } else { plan.direction };
        let mut ranges: Vec<KeyRange> = plan.ranges.iter().map(KeyRange::of).collect();
        if direction == Direction::Descending {
            ranges.reverse();
        }
        let [index, partition_key, sort_key] = source.index;
        let reading = Reading {
            index: IndexRef { table: &self.tables.jobs, index, partition_key, sort_key },
            partitions: source.partitions,
            ranges,
            direction,
            sorted: plan.sorted || is_open,
            exact: !plan.residual || source.exact,
            listed: None,
        };
        // Few jobs are named by id: they are read by their keys, whatever else the filter says.
        match points(&query.filter, ID, IDS_MAX) {
            Some(ids) => {
                let listed = ids.values.iter().map(|id| index_key("", id)).collect();
                Reading { listed: Some(listed), sorted: false, ..reading }
            }
            None => reading,
        }
    }
}

struct Jobs<'s> {
    store: &'s Store,
    workspace: &'s Workspace,
}

impl Items for Jobs<'_> {
    fn store(&self) -> &Store {
        self.store
    }

    fn table(&self) -> &str {
        &self.store.tables.jobs
    }

    fn key(&self, suffix: &str) -> Key {
        (job_partition(self.workspace, suffix), JOB.to_owned())
    }

    async fn text(&self, item: &Item) -> Result<String, Error> {
        document(&self.store.job(item).await?, None)
    }
}
