//! The stack of tables, from the store's definitions.

use writ_store::tables::{DEFINITIONS, IndexDefinition, IndexProjection, TableDefinition};

use crate::fill::fill;
use crate::{Document, InfraError, identifier};

const DATA: &str = include_str!("snippets/data.yaml");
const TABLE: &str = include_str!("snippets/table.yaml");
const INDEX: &str = include_str!("snippets/index.yaml");

pub(crate) fn document() -> Result<Document, InfraError> {
    let tables = DEFINITIONS.iter().map(table).collect::<Result<Vec<_>, _>>()?;
    let text = fill(DATA, &[("tables", &tables.join("\n"))])?;
    Ok(Document { path: "infra/stacks/data.yaml".into(), text })
}

fn table(table: &TableDefinition) -> Result<String, InfraError> {
    let indexed = table.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]);
    let mut names: Vec<&str> =
        [table.partition_key].into_iter().chain(table.sort_key).chain(indexed).collect();
    names.sort_unstable();
    names.dedup();
    let attributes = names
        .iter()
        .map(|name| format!("        - {{AttributeName: {name}, AttributeType: S}}\n"))
        .collect::<String>();
    let key = |name, kind| format!("        - {{AttributeName: {name}, KeyType: {kind}}}\n");
    let keys = [key(table.partition_key, "HASH")]
        .into_iter()
        .chain(table.sort_key.map(|sort| key(sort, "RANGE")))
        .collect::<String>();
    let time_to_live = table.time_to_live.map(|attribute| {
        format!("      TimeToLiveSpecification: {{AttributeName: {attribute}, Enabled: true}}\n")
    });
    let mut indexes = table.indexes.iter().map(index).collect::<Result<String, _>>()?;
    if !indexes.is_empty() {
        indexes.insert_str(0, "      GlobalSecondaryIndexes:\n");
    }
    fill(
        TABLE,
        &[
            ("id", &identifier(table.name)),
            ("name", table.name),
            ("attributes", &attributes),
            ("keys", &keys),
            ("time_to_live", time_to_live.as_deref().unwrap_or_default()),
            ("indexes", &indexes),
        ],
    )
}

fn index(index: &IndexDefinition) -> Result<String, InfraError> {
    let projection = match index.projection {
        IndexProjection::KeysOnly => "KEYS_ONLY",
        IndexProjection::All => "ALL",
    };
    fill(
        INDEX,
        &[
            ("name", index.name),
            ("partition_key", index.partition_key),
            ("sort_key", index.sort_key),
            ("projection", projection),
        ],
    )
}
