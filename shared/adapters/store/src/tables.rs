//! The definitions of the tables: the embedded database creates its tables from them, and the
//! deployment's templates are tested against them.
//!
//! | table | item | partition key | sort key |
//! |---|---|---|---|
//! | policies | head: the current revision of a URI | `{workspace}#policy#{uri}` | `head` |
//! | | revision | `{workspace}#revision#{policy_id}` | its number, 20 digits |
//! | | a body's chunks | `{workspace}#body#{digest}` | `chunk#{number}` |
//! | contexts | a policy's context | `{workspace}#policy#{policy_id}` | |
//! | executions | record | `{workspace}#{execution_id}` | `record` |
//! | | a large record's chunks | the same | `record#{upload}#{number}` |
//! | | claim: a record that is being uploaded | `#uploads` | its time, `#{upload}` |
//! | jobs | job | `{workspace}#{job_id}` | `job` |
//! | | the chunks of a large submission | the same | `submission#{number}` |
//! | | secrets for signing callbacks | `{workspace}#callbacks` | `secrets` |
//! | schedules | schedule | `{workspace}#schedules` | its name |
//! | idempotency | a used key | `{workspace}#{identity}` | the key |
//! | | a large reply's chunks | the same | `{key}`, NUL, `{claim}#{number}` |
//! | | position of the removal of expired keys | `#upkeep` | `expired` |
//! | tokens | token | `{token_id}` | |
//!
//! Policies are few and read far more often than written, so each of their indexes has one
//! partition per workspace. Executions are written by the thousand per second, so each of their
//! indexes has eight partitions per workspace; a listing merges them, which keeps newest first
//! exact. Jobs are spread the same way; `by_outcome` separates the jobs that are not over from
//! those of each final status. Two of their indexes hold a job for a while only: `by_line` while it
//! is queued, `by_due` while it must be processed by a certain time. A queue has one partition,
//! because it is read in order, a job at a time; due jobs are found for all workspaces at once, in
//! eight partitions of their own. Schedules are few, and those that will fire again are in their
//! own `by_due`.
//!
//! A token determines the workspace that its caller acts in, so it alone is found without a
//! workspace; the index by workspace lists a workspace's tokens.
//!
//! Only a record over 3 MiB has a claim, and one partition takes far more claims than it takes such
//! records, so claims have one partition. Where DynamoDB's time to live is missing, as in the
//! embedded database, garbage collection removes the expired items.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use writ_model::Error;

use crate::Store;
use crate::errors::store_error;
use crate::transact::back_off;

/// The definition of a table. Every key attribute is a string; billing is on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// The table's name without the deployment's prefix.
    pub name: &'static str,
    /// The attribute that is the partition key.
    pub partition_key: &'static str,
    /// The attribute that is the sort key; `None` for a table without one.
    pub sort_key: Option<&'static str>,
    /// The global secondary indexes of the table.
    pub indexes: &'static [IndexDefinition],
    /// The attribute for time to live: when an item expires, in seconds since the Unix epoch.
    /// `None` where items do not expire.
    pub time_to_live: Option<&'static str>,
}

/// The definition of a global secondary index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexDefinition {
    /// The name of the index.
    pub name: &'static str,
    /// The attribute that is the partition key.
    pub partition_key: &'static str,
    /// The attribute that is the sort key.
    pub sort_key: &'static str,
    /// The attributes that the index holds besides its keys.
    pub projection: IndexProjection,
}

/// The attributes of an item that an index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexProjection {
    /// The keys of the index and of the table.
    KeysOnly,
    /// All attributes of the item.
    All,
}

/// An index by one field of an object in a workspace. Its sort key has the index's name.
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

/// An index that holds the keys alone.
const fn keys_only(
    name: &'static str,
    partition_key: &'static str,
    sort_key: &'static str,
) -> IndexDefinition {
    IndexDefinition { name, partition_key, sort_key, projection: IndexProjection::KeysOnly }
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
        projection: IndexProjection::All,
    }],
    time_to_live: None,
};

/// Declares the tables of a deployment: the list of them, and the names that the store uses.
macro_rules! tables {
    ($($name:ident: $definition:ident,)+) => {
        /// All tables of a deployment, in the order in which they are created.
        pub const DEFINITIONS: &[TableDefinition] = &[$($definition),+];

        /// The names of a deployment's tables.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct TableNames {
            $(pub(crate) $name: String,)+
            prefix: String,
        }

        impl TableNames {
            /// The names of all tables with this prefix, such as `writ-`.
            #[must_use]
            pub fn with_prefix(prefix: &str) -> Self {
                Self {
                    $($name: format!("{prefix}{}", $definition.name),)+
                    prefix: prefix.to_owned(),
                }
            }
        }
    };
}

tables! {
    policies: POLICIES,
    contexts: CONTEXTS,
    executions: EXECUTIONS,
    jobs: JOBS,
    schedules: SCHEDULES,
    idempotency: IDEMPOTENCY,
    tokens: TOKENS,
}

impl Store {
    /// Creates the missing tables and waits until they are active. On AWS the deployment's template
    /// creates them.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Unavailable`] while the database is out of reach; an internal error
    /// for any other failure.
    pub async fn create_tables(&self) -> Result<(), Error> {
        for table in DEFINITIONS {
            let name = format!("{}{}", self.tables.prefix, table.name);
            if self.create_table(&name, table).await? {
                self.wait_until_active(&name).await?;
            }
            self.enable_time_to_live(&name, table).await?;
        }
        Ok(())
    }

    /// Creates the table; returns whether it is new and not active yet. An existing table is not
    /// described, because that would count all of its items in the embedded database.
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
            Err(error) => Err(store_error(error)),
        }
    }

    async fn wait_until_active(&self, name: &str) -> Result<(), Error> {
        // On AWS a new table is active after some seconds.
        for attempt in 0..60 {
            let described =
                self.client.describe_table().table_name(name).send().await.map_err(store_error)?;
            let status = described.table().and_then(|table| table.table_status().cloned());
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            back_off(&self.client, attempt).await;
        }
        Err(Error::internal(format!("table `{name}` did not become active")))
    }

    async fn enable_time_to_live(&self, name: &str, table: &TableDefinition) -> Result<(), Error> {
        let Some(attribute) = table.time_to_live else { return Ok(()) };
        let current = self
            .client
            .describe_time_to_live()
            .table_name(name)
            .send()
            .await
            .map_err(store_error)?;
        let status = current.time_to_live_description().and_then(|ttl| ttl.time_to_live_status());
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let specification =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let specification = specification.map_err(Error::internal)?;
        let update = self.client.update_time_to_live().table_name(name);
        update.time_to_live_specification(specification).send().await.map_err(store_error)?;
        Ok(())
    }
}

fn index(definition: &IndexDefinition) -> Result<GlobalSecondaryIndex, Error> {
    let projection = match definition.projection {
        IndexProjection::KeysOnly => ProjectionType::KeysOnly,
        IndexProjection::All => ProjectionType::All,
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_has_a_name_of_its_own_and_describes_each_key_once() {
        let names: BTreeSet<_> = DEFINITIONS.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), DEFINITIONS.len());
        for table in DEFINITIONS {
            let attributes = attributes(table).unwrap();
            let mut described: Vec<&str> =
                attributes.iter().map(AttributeDefinition::attribute_name).collect();
            described.dedup();
            assert_eq!(described.len(), attributes.len(), "{}", table.name);
        }
    }

    #[test]
    fn the_name_of_a_table_starts_with_the_prefix() {
        let names = TableNames::with_prefix("writ-");
        assert_eq!((names.jobs.as_str(), names.tokens.as_str()), ("writ-jobs", "writ-tokens"));
    }
}
