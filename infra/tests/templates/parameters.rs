//! The root gives each stack the parameters that it has, and makes the tables that the store wants.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_store::tables::{DEFINITIONS, IndexProjection};

use crate::template::{Template, pattern, referred};

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_stack_stands_in_the_root_with_all_its_parameters() {
    let root = Template::root();
    let mut nested = BTreeSet::new();
    for (id, resource) in root.of_type("AWS::CloudFormation::Stack") {
        let url = resource["Properties"]["TemplateURL"].as_str().unwrap();
        let name = url.strip_prefix("stacks/").unwrap().strip_suffix(".yaml").unwrap();
        assert!(nested.insert(name.to_owned()), "{name} is there twice");
        let stack = Template::stack(name);
        let given = names(&resource["Properties"]["Parameters"]);
        assert_eq!(given, names(&stack.value["Parameters"]), "{id}");
    }
    let stacks: BTreeSet<String> = Template::stacks().into_iter().map(|stack| stack.name).collect();
    assert_eq!(nested, stacks);
}

#[test]
fn the_outputs_that_others_rely_on_are_there() {
    let root = Template::root();
    assert!(names(&root.value["Outputs"]).is_superset(&BTreeSet::from(["ApiUrl", "Prefix"])));
}

#[test]
fn the_tables_are_those_of_the_store() {
    let stack = Template::stack("data");
    let mut made = BTreeSet::new();
    for (id, resource) in stack.of_type("AWS::DynamoDB::Table") {
        let table = &resource["Properties"];
        let name = pattern(&table["TableName"]).strip_prefix("${Prefix}").unwrap();
        let definition = DEFINITIONS.iter().find(|table| table.name == name).unwrap();
        made.insert(name);
        assert_eq!(referred(&resource["DeletionPolicy"]), "TablesOnDelete", "{id}");
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        let recovery = &table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        assert_eq!(*recovery, true, "{id}");
        let attribute = table["TimeToLiveSpecification"]["AttributeName"].as_str();
        assert_eq!(attribute, definition.time_to_live, "{id}");
        let keys = |partition: &str, sort: Option<&str>| -> Vec<Value> {
            let sort = sort.map(|sort| json!({"AttributeName": sort, "KeyType": "RANGE"}));
            let partition = json!({"AttributeName": partition, "KeyType": "HASH"});
            [partition].into_iter().chain(sort).collect()
        };
        assert_eq!(
            table["KeySchema"],
            json!(keys(definition.partition_key, definition.sort_key)),
            "{id}"
        );
        let indexes: Vec<Value> = definition
            .indexes
            .iter()
            .map(|index| {
                let projection = match index.projection {
                    IndexProjection::KeysOnly => "KEYS_ONLY",
                    IndexProjection::All => "ALL",
                };
                json!({
                    "IndexName": index.name,
                    "KeySchema": keys(index.partition_key, Some(index.sort_key)),
                    "Projection": {"ProjectionType": projection},
                })
            })
            .collect();
        let made_indexes = table.get("GlobalSecondaryIndexes").cloned().unwrap_or(json!([]));
        assert_eq!(made_indexes, json!(indexes), "{id}");
    }
    assert_eq!(made, DEFINITIONS.iter().map(|table| table.name).collect());
}
