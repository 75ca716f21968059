//! The tables, as data: the embedded database is made from it, and deployed templates are held
//! against it.
//!
//! | table | item | partition key | sort key |
//! |---|---|---|---|
//! | policies | head: what a URI stands for | `{workspace}#policy#{uri}` | `head` |
//! | | revision | `{workspace}#revision#{policy_id}` | its number, 20 digits |
//! | | a body's chunks | `{workspace}#body#{digest}` | `chunk#{number}` |
//! | contexts | what a policy keeps | `{workspace}#policy#{policy_id}` | |
//! | executions | record | `{workspace}#{execution_id}` | `record` |
//! | | a large record's chunks | the same | `record#{upload}#{number}` |
//! | | claim: a record on its way in | `#uploads` | its time, `#{upload}` |
//! | jobs | job | `{workspace}#{job_id}` | `job` |
//! | | the chunks of a large submission | the same | `submission#{number}` |
//! | | secrets for signing callbacks | `{workspace}#callbacks` | `secrets` |
//! | schedules | schedule | `{workspace}#schedules` | its name |
//! | idempotency | a used key | `{workspace}#{identity}` | the key |
//! | | a large reply's chunks | the same | `{key}`, NUL, `{claim}#{number}` |
//! | | how far expired keys were removed | `#upkeep` | `expired` |
//! | tokens | token | `{token_id}` | |
//!
//! Policies are few and read far more than written, so each of their indexes has one partition per
//! workspace. Executions are written by the thousand per second, so theirs have eight; a listing
//! merges them, which keeps newest first exact. Jobs are spread the same way; `by_outcome` has
//! those that are not over apart from those of each end. Two of their indexes hold a job for a
//! while only: `by_line` while it stands in its workspace's line, `by_due` while somebody has to
//! look at it by a certain time. A line has one partition, for it is read in order, a job at a
//! time; what is due is found for all workspaces at once, in eight partitions of its own. Schedules
//! are few again, and those that will fire once more stand in a `by_due` of their own.
//!
//! A token is what says which workspace a caller acts in, so it alone is found without one; the
//! index by workspace lists a workspace's tokens.
//!
//! Only a record over 3 MiB has a claim, and a partition takes far more of those than it takes
//! such records, so claims have one partition. Time to live is what DynamoDB does by itself, free
//! of charge; where it does not, as embedded, upkeep removes what expired.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use writ_model::Error;

use crate::Store;
use crate::errors::failed;
use crate::transact::pause;

/// A table. Every key attribute is a string; billing is on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// What the table's name ends with.
    pub name: &'static str,
    /// The attribute that partitions it.
    pub partition_key: &'static str,
    /// The attribute that orders a partition, if any.
    pub sort_key: Option<&'static str>,
    /// Its global secondary indexes.
    pub indexes: &'static [IndexDefinition],
    /// The attribute that holds when an item expires, in seconds since the Unix epoch.
    pub time_to_live: Option<&'static str>,
}

/// A global secondary index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its name.
    pub name: &'static str,
    /// The attribute that partitions it.
    pub partition_key: &'static str,
    /// The attribute that orders a partition.
    pub sort_key: &'static str,
    /// What it holds besides keys.
    pub projection: IndexProjection,
}

/// What an index holds of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexProjection {
    /// Its keys and the table's.
    Keys,
    /// Everything.
    Everything,
}

/// An index by one of a policy's fields; the sort key is named as the index is.
const fn by_field(name: &'static str) -> IndexDefinition {
    keys_only(name, "workspace", name)
}

const POLICIES: TableDefinition = TableDefinition {
    name: "policies",
    partition_key: "pk",
    sort_key: Some("sk"),
    indexes: &[
        by_field("by_name"),
        by_field("by_version"),
        by_field("by_release_tag"),
        by_field("by_type"),
        by_field("by_tags"),
    ],
    time_to_live: None,
};

const EXECUTIONS: TableDefinition = TableDefinition {
    name: "executions",
    partition_key: "pk",
    sort_key: Some("sk"),
    indexes: &[
        keys_only("by_time", "shard", "started"),
        keys_only("by_policy", "policy_shard", "started"),
    ],
    time_to_live: None,
};

const CONTEXTS: TableDefinition = TableDefinition {
    name: "contexts",
    partition_key: "pk",
    sort_key: None,
    indexes: &[],
    time_to_live: None,
};

/// An index by keys alone.
const fn keys_only(
    name: &'static str,
    partition_key: &'static str,
    sort_key: &'static str,
) -> IndexDefinition {
    IndexDefinition { name, partition_key, sort_key, projection: IndexProjection::Keys }
}

const JOBS: TableDefinition = TableDefinition {
    name: "jobs",
    partition_key: "pk",
    sort_key: Some("sk"),
    indexes: &[
        keys_only("by_time", "shard", "submitted"),
        keys_only("by_policy", "policy_shard", "submitted"),
        keys_only("by_outcome", "outcome", "since"),
        keys_only("by_line", "line", "rank"),
        keys_only("by_due", "due_shard", "due"),
    ],
    time_to_live: None,
};

const SCHEDULES: TableDefinition = TableDefinition {
    name: "schedules",
    partition_key: "pk",
    sort_key: Some("sk"),
    indexes: &[by_field("by_name"), keys_only("by_due", "due_shard", "due")],
    time_to_live: None,
};

const IDEMPOTENCY: TableDefinition = TableDefinition {
    name: "idempotency",
    partition_key: "pk",
    sort_key: Some("sk"),
    indexes: &[],
    time_to_live: Some("expires_at"),
};

const TOKENS: TableDefinition = TableDefinition {
    name: "tokens",
    partition_key: "token_id",
    sort_key: None,
    indexes: &[IndexDefinition {
        name: "by_workspace",
        partition_key: "workspace",
        sort_key: "made",
        projection: IndexProjection::Everything,
    }],
    time_to_live: None,
};

/// Every table.
pub const DEFINITIONS: [TableDefinition; 7] =
    [POLICIES, CONTEXTS, EXECUTIONS, JOBS, SCHEDULES, IDEMPOTENCY, TOKENS];

/// The names of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    pub(crate) policies: String,
    pub(crate) contexts: String,
    pub(crate) executions: String,
    pub(crate) jobs: String,
    pub(crate) schedules: String,
    pub(crate) idempotency: String,
    pub(crate) tokens: String,
    prefix: String,
}

impl Tables {
    /// The names with a prefix, as `writ-`.
    #[must_use]
    pub fn with_prefix(prefix: &str) -> Self {
        let name = |table: TableDefinition| format!("{prefix}{}", table.name);
        Self {
            policies: name(POLICIES),
            contexts: name(CONTEXTS),
            executions: name(EXECUTIONS),
            jobs: name(JOBS),
            schedules: name(SCHEDULES),
            idempotency: name(IDEMPOTENCY),
            tokens: name(TOKENS),
            prefix: prefix.to_owned(),
        }
    }
}

impl Store {
    /// Makes the tables that are not there yet and waits until they serve. On AWS the deployment's
    /// template makes them.
    ///
    /// # Errors
    /// The store's.
    pub async fn create_tables(&self) -> Result<(), Error> {
        for table in DEFINITIONS {
            let name = format!("{}{}", self.tables.prefix, table.name);
            if self.create_table(&name, &table).await? {
                self.wait_until_active(&name).await?;
            }
            self.expire(&name, &table).await?;
        }
        Ok(())
    }

    /// Whether the table is new and not serving yet. One that was there is not described: that
    /// would count all of its items in the embedded database.
    async fn create_table(&self, name: &str, table: &TableDefinition) -> Result<bool, Error> {
        let indexes = table.indexes.iter().map(index).collect::<Result<Vec<_>, _>>()?;
        let created = self
            .client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes(table)?))
            .set_key_schema(Some(keys(table.partition_key, table.sort_key)?))
            .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
            .send()
            .await;
        match created {
            Ok(created) => {
                let status = created.table_description().and_then(|table| table.table_status());
                Ok(status != Some(&TableStatus::Active))
            }
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn wait_until_active(&self, name: &str) -> Result<(), Error> {
        // A new table takes seconds on AWS.
        for attempt in 0..60 {
            let described =
                self.client.describe_table().table_name(name).send().await.map_err(failed)?;
            let status = described.table().and_then(|table| table.table_status().cloned());
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            pause(&self.client, attempt).await;
        }
        Err(Error::internal(format!("table `{name}` did not become active")))
    }

    async fn expire(&self, name: &str, table: &TableDefinition) -> Result<(), Error> {
        let Some(attribute) = table.time_to_live else { return Ok(()) };
        let now =
            self.client.describe_time_to_live().table_name(name).send().await.map_err(failed)?;
        let status = now.time_to_live_description().and_then(|ttl| ttl.time_to_live_status());
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let wanted =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let wanted = wanted.map_err(Error::internal)?;
        let update = self.client.update_time_to_live().table_name(name);
        update.time_to_live_specification(wanted).send().await.map_err(failed)?;
        Ok(())
    }
}

fn index(definition: &IndexDefinition) -> Result<GlobalSecondaryIndex, Error> {
    let projection = match definition.projection {
        IndexProjection::Keys => ProjectionType::KeysOnly,
        IndexProjection::Everything => ProjectionType::All,
    };
    GlobalSecondaryIndex::builder()
        .index_name(definition.name)
        .set_key_schema(Some(keys(definition.partition_key, Some(definition.sort_key))?))
        .projection(Projection::builder().projection_type(projection).build())
        .build()
        .map_err(Error::internal)
}

fn keys(partition: &str, sort: Option<&str>) -> Result<Vec<KeySchemaElement>, Error> {
    let key = |name: &str, role| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(role)
            .build()
            .map_err(Error::internal)
    };
    let partition = std::iter::once(key(partition, KeyType::Hash));
    partition.chain(sort.map(|sort| key(sort, KeyType::Range))).collect()
}

fn attributes(table: &TableDefinition) -> Result<Vec<AttributeDefinition>, Error> {
    let indexed = table.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]);
    let mut names: Vec<&str> =
        [table.partition_key].into_iter().chain(table.sort_key).chain(indexed).collect();
    names.sort_unstable();
    names.dedup();
    let define = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(Error::internal)
    };
    names.into_iter().map(define).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_name_and_describes_each_key_once() {
        let names = Tables::with_prefix("writ-");
        for (table, name) in DEFINITIONS.iter().zip([
            &names.policies,
            &names.contexts,
            &names.executions,
            &names.jobs,
            &names.schedules,
            &names.idempotency,
            &names.tokens,
        ]) {
            assert_eq!(format!("writ-{}", table.name), *name);
            let attributes = attributes(table).unwrap();
            let mut described: Vec<&str> =
                attributes.iter().map(AttributeDefinition::attribute_name).collect();
            described.dedup();
            assert_eq!(described.len(), attributes.len(), "{}", table.name);
        }
    }
}
