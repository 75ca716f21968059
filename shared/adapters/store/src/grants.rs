//! What each port does to DynamoDB, as data: the deployment's roles are made from it, and the
//! store's tests record what the ports really do and hold it against this.
//!
//! A transaction needs the actions of its items; reading an index needs `Query` on the index and
//! nothing on its table.

/// An action of DynamoDB, as IAM names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Reads items by key.
    BatchGetItem,
    /// Lets a transaction through only while an item is as it should be.
    ConditionCheckItem,
    /// Removes an item.
    DeleteItem,
    /// Reads an item.
    GetItem,
    /// Writes an item.
    PutItem,
    /// Reads items of a partition, of a table or of an index.
    Query,
    /// Reads a table from end to end, a page at a time.
    Scan,
    /// Changes an item.
    UpdateItem,
}

impl Action {
    /// Every action that a port uses.
    pub const ALL: [Self; 8] = [
        Self::BatchGetItem,
        Self::ConditionCheckItem,
        Self::DeleteItem,
        Self::GetItem,
        Self::PutItem,
        Self::Query,
        Self::Scan,
        Self::UpdateItem,
    ];

    /// The name without its service.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BatchGetItem => "BatchGetItem",
            Self::ConditionCheckItem => "ConditionCheckItem",
            Self::DeleteItem => "DeleteItem",
            Self::GetItem => "GetItem",
            Self::PutItem => "PutItem",
            Self::Query => "Query",
            Self::Scan => "Scan",
            Self::UpdateItem => "UpdateItem",
        }
    }
}

/// An action on a table, or on one of its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The table, as [`crate::tables::TableDefinition::name`].
    pub table: &'static str,
    /// The index, or the table itself.
    pub index: Option<&'static str>,
    /// What is done.
    pub action: Action,
}

const fn on(table: &'static str, action: Action) -> Grant {
    Grant { table, index: None, action }
}

const fn queries(table: &'static str, index: &'static str) -> Grant {
    Grant { table, index: Some(index), action: Action::Query }
}

/// What each port needs, by the name of its trait.
const GRANTS: [(&str, &[Grant]); 33] = [
    ("GetPolicy", &[on("policies", Action::GetItem)]),
    ("GetBody", &[on("policies", Action::Query)]),
    ("CreatePolicy", &[on("policies", Action::PutItem)]),
    ("ReplacePolicy", &[on("policies", Action::PutItem), on("policies", Action::DeleteItem)]),
    ("DeletePolicy", &[on("policies", Action::DeleteItem), on("contexts", Action::DeleteItem)]),
    (
        "QueryPolicies",
        &[
            on("policies", Action::BatchGetItem),
            on("policies", Action::Query),
            queries("policies", "by_name"),
            queries("policies", "by_version"),
            queries("policies", "by_release_tag"),
            queries("policies", "by_type"),
            queries("policies", "by_tags"),
        ],
    ),
    ("GetRevisions", &[on("policies", Action::GetItem), on("policies", Action::Query)]),
    (
        "RecordExecution",
        &[
            on("executions", Action::PutItem),
            on("executions", Action::GetItem),
            on("executions", Action::ConditionCheckItem),
            on("executions", Action::DeleteItem),
        ],
    ),
    (
        "ContextStore",
        &[
            on("contexts", Action::GetItem),
            on("contexts", Action::PutItem),
            on("policies", Action::ConditionCheckItem),
            on("executions", Action::PutItem),
            on("executions", Action::GetItem),
            on("executions", Action::ConditionCheckItem),
            on("executions", Action::DeleteItem),
        ],
    ),
    ("GetExecution", &[on("executions", Action::GetItem), on("executions", Action::Query)]),
    (
        "QueryExecutions",
        &[
            on("executions", Action::BatchGetItem),
            on("executions", Action::Query),
            queries("executions", "by_time"),
            queries("executions", "by_policy"),
        ],
    ),
    ("PutJob", &[on("jobs", Action::PutItem), on("jobs", Action::GetItem)]),
    (
        "GetJob",
        &[
            on("jobs", Action::GetItem),
            on("jobs", Action::Query),
            on("executions", Action::GetItem),
            on("executions", Action::Query),
        ],
    ),
    (
        "QueryJobs",
        &[
            on("jobs", Action::BatchGetItem),
            on("jobs", Action::Query),
            queries("jobs", "by_time"),
            queries("jobs", "by_policy"),
            queries("jobs", "by_outcome"),
            on("executions", Action::GetItem),
            on("executions", Action::Query),
        ],
    ),
    ("CountQueued", &[queries("jobs", "by_line")]),
    ("ChangeJob", &[on("jobs", Action::UpdateItem)]),
    (
        "CompleteJob",
        &[
            on("jobs", Action::UpdateItem),
            on("contexts", Action::PutItem),
            on("policies", Action::ConditionCheckItem),
            on("executions", Action::PutItem),
            on("executions", Action::GetItem),
            on("executions", Action::ConditionCheckItem),
            on("executions", Action::DeleteItem),
        ],
    ),
    ("PeekQueue", &[queries("jobs", "by_line")]),
    ("DueJobs", &[queries("jobs", "by_due")]),
    ("CallbackSecretStore", &[on("jobs", Action::GetItem), on("jobs", Action::PutItem)]),
    ("PutSchedule", &[on("schedules", Action::PutItem), on("schedules", Action::GetItem)]),
    ("GetSchedule", &[on("schedules", Action::GetItem)]),
    ("ChangeSchedule", &[on("schedules", Action::PutItem)]),
    ("DeleteSchedule", &[on("schedules", Action::DeleteItem)]),
    ("QuerySchedules", &[on("schedules", Action::BatchGetItem), queries("schedules", "by_name")]),
    ("DueSchedules", &[queries("schedules", "by_due")]),
    (
        "Idempotency",
        &[
            on("idempotency", Action::PutItem),
            on("idempotency", Action::UpdateItem),
            on("idempotency", Action::DeleteItem),
            on("idempotency", Action::Query),
        ],
    ),
    ("GetToken", &[on("tokens", Action::GetItem)]),
    ("PutToken", &[on("tokens", Action::PutItem), on("tokens", Action::GetItem)]),
    ("ListTokens", &[queries("tokens", "by_workspace")]),
    ("RevokeToken", &[on("tokens", Action::DeleteItem)]),
    (
        "CollectUploads",
        &[
            on("executions", Action::Query),
            on("executions", Action::UpdateItem),
            on("executions", Action::GetItem),
            on("executions", Action::DeleteItem),
        ],
    ),
    (
        "RemoveExpired",
        &[
            on("idempotency", Action::Scan),
            on("idempotency", Action::GetItem),
            on("idempotency", Action::PutItem),
            on("idempotency", Action::DeleteItem),
        ],
    ),
];

/// The ports that the store serves.
pub fn ports() -> impl Iterator<Item = &'static str> {
    GRANTS.iter().map(|(port, _)| *port)
}

/// What the port needs, or `None` where the store does not serve it.
#[must_use]
pub fn of(port: &str) -> Option<&'static [Grant]> {
    GRANTS.iter().find(|(name, _)| *name == port).map(|(_, grants)| *grants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::DEFINITIONS;

    #[test]
    fn every_grant_is_on_a_table_or_an_index_that_there_is() {
        for port in ports() {
            for grant in of(port).unwrap() {
                let table = DEFINITIONS.iter().find(|table| table.name == grant.table).unwrap();
                let has = |name| table.indexes.iter().any(|index| index.name == name);
                assert!(grant.index.is_none_or(has), "{port} {grant:?}");
            }
        }
    }
}
