//! Queries of schedules.

use writ_model::{Error, Workspace};
use writ_ports::{Page, Query, QuerySchedules};
use writ_query::{Direction, Index, Plan, Sort};
use writ_schedules::document;

use super::{partition, schedule};
use crate::Store;
use crate::batch::Key;
use crate::search::{
    Document, Documents, IndexRef, KeyRange, LOAD_BYTES_MAX, Reading, Search, suffix_of,
};

/// Every schedule has a name, which is a string.
const NAME: Index = Index { name: "by_name", field: "name", complete: true };

const CHEAP_SORTS: &str = "`name`";

/// Schedules that are read at once.
const LOAD_MAX: usize = 50;

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

impl Documents for Schedules<'_> {
    async fn load(&self, keys: &[String]) -> Result<Vec<Option<Document>>, Error> {
        let key = |key: &String| -> Option<Key> {
            Some((partition(self.workspace), suffix_of(key)?.to_owned()))
        };
        let wanted: Vec<Option<Key>> = keys.iter().take(LOAD_MAX).map(key).collect();
        let found = wanted.iter().flatten().cloned().collect();
        let found = self.store.batch_get(&self.store.tables.schedules, found).await?;
        let (mut documents, mut bytes) = (Vec::with_capacity(wanted.len()), 0_usize);
        for key in wanted {
            if bytes > LOAD_BYTES_MAX {
                break;
            }
            let item = key.as_ref().and_then(|key| found.get(key));
            let text = item.map(|item| document(&schedule(item)?)).transpose()?;
            bytes += text.as_ref().map_or(0, String::len);
            documents.push(text.map(Document::parse).transpose()?);
        }
        Ok(documents)
    }
}
