//! Tables, and the durability of the file.

use serde_json::json;
use writ_ports::{GetPolicy, QueryPolicies};

use crate::fixture::{Fixture, create, query, uri, workspace};
use writ_dynamodb::{Database, DatabaseError};

#[tokio::test]
async fn tables_are_made_once() {
    let Fixture { store, database: _database } = Fixture::new().await;
    create(&store, &workspace("home"), "a:1-x", json!({})).await;
    store.create_tables().await.unwrap();
    assert!(store.get_policy(&workspace("home"), &uri("a:1-x")).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_written_is_there_after_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("writ.db");
    let fixture = Fixture::on(Database::open(&path).unwrap()).await;
    let draft = create(&fixture.store, &workspace("home"), "a:1-x", json!({"tags": "t"})).await;
    assert!(matches!(Database::open(&path), Err(DatabaseError::InUse { .. })));
    drop(fixture);

    let Fixture { store, database: _database } = Fixture::on(Database::open(&path).unwrap()).await;
    assert_eq!(
        store.get_policy(&workspace("home"), &uri("a:1-x")).await.unwrap(),
        Some(draft.head)
    );
    let page = store
        .query_policies(&workspace("home"), &query(json!({"tags": "t"}), json!(null), 10, None))
        .await;
    assert_eq!(page.unwrap().items, [writ_model::with_defaults(&draft.body).unwrap()]);
}
