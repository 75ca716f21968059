//! Queries of schedules.

use writ_model::{Error, Workspace};
use writ_ports::{Page, Query, QuerySchedules};
use writ_query::{Direction, Index, Plan, Sort};
use writ_schedules::document;

use super::{partition, schedule};
use crate::Store;
use crate::batch::Key;
use crate::item::Item;
use crate::search::{IndexRef, Items, KeyRange, Reading, Search};

/// Every schedule has a name, which is a string.
const NAME: Index = Index { name: "by_name", field: "name", complete: true };

const CHEAP_SORTS: &str = "`name`";

impl QuerySchedules for Store {
    async fn query_schedules(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let plan = Plan::choose(&query.filter, query.sort.as_ref(), &[NAME]);
        let mut ranges: Vec<KeyRange> = plan.ranges.iter().map(KeyRange::of).collect();
        if plan.direction == Direction::Descending {
            ranges.reverse();
        }
        let reading = Reading {
            index: IndexRef {
                table: &self.tables.schedules,
                index: NAME.name,
                partition_key: "workspace",
                sort_key: NAME.name,
            },
            partitions: vec![workspace.as_str().to_owned()],
            ranges,
            direction: plan.direction,
            sorted: plan.sorted,
            exact: !plan.residual,
            listed: None,
        };
        let documents = Schedules { store: self, workspace };
        let order = Sort::parse(&serde_json::json!({"name": 1})).map_err(Error::internal)?;
        let owner = ["schedules", workspace.as_str()];
        Search { store: self, documents, query, reading, owner, cheap_sorts: CHEAP_SORTS, order }
            .page()
            .await
    }
}

struct Schedules<'s> {
    store: &'s Store,
    workspace: &'s Workspace,
}

impl Items for Schedules<'_> {
    fn store(&self) -> &Store {
        self.store
    }

    fn table(&self) -> &str {
        &self.store.tables.schedules
    }

    fn key(&self, suffix: &str) -> Key {
        (partition(self.workspace), suffix.to_owned())
    }

    async fn text(&self, item: &Item) -> Result<String, Error> {
        document(&schedule(item)?)
    }
}
