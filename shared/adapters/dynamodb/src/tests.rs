use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};

use super::{Database, DatabaseError};

async fn create_things_table(client: &Client) {
    let key =
        KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let attribute = AttributeDefinition::builder()
        .attribute_name("pk")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap();
    let table =
        client.create_table().table_name("things").key_schema(key).attribute_definitions(attribute);
    table.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn the_sdk_reads_what_it_wrote_digit_for_digit() {
    let database = Database::ephemeral().unwrap();
    let client = database.client();
    create_things_table(&client).await;
    let digits = "12345678901234567890.123456789012345678";
    let put = client.put_item().table_name("things").item("pk", text("a\0\"é😀"));
    put.item("n", AttributeValue::N(digits.to_owned()))
        .item("b", AttributeValue::Bool(true))
        .send()
        .await
        .unwrap();
    let got =
        client.get_item().table_name("things").key("pk", text("a\0\"é😀")).send().await.unwrap();
    let item = got.item().unwrap();
    assert_eq!(item["n"], AttributeValue::N(digits.to_owned()));
    assert_eq!(item["b"], AttributeValue::Bool(true));
}

#[tokio::test]
async fn a_refusal_reaches_the_caller_as_the_sdk_names_it() {
    let database = Database::ephemeral().unwrap();
    let client = database.client();
    let missing =
        client.get_item().table_name("things").key("pk", text("a")).send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
    create_things_table(&client).await;
    for expected in [true, false] {
        let put = client.put_item().table_name("things").item("pk", text("a"));
        let written = put.condition_expression("attribute_not_exists(pk)").send().await;
        assert_eq!(written.is_ok(), expected);
        if let Err(error) = written {
            assert!(error.into_service_error().is_conditional_check_failed_exception());
        }
    }
    let unknown = client.list_backups().send().await.unwrap_err();
    assert!(format!("{:?}", unknown.into_service_error()).contains("ListBackups"));
}

#[tokio::test]
async fn a_file_has_one_user_at_a_time_and_is_free_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("writ.db");
    let first = Database::open(&path).unwrap();
    let refused = Database::open(&path).unwrap_err();
    assert!(matches!(refused, DatabaseError::InUse { .. }));
    assert!(refused.to_string().contains("already in use by another `writ up`"), "{refused}");
    drop(first);
    drop(Database::open(&path).unwrap());
}

#[tokio::test]
async fn a_removed_lock_file_lets_no_second_user_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("writ.db");
    let first = Database::open(&path).unwrap();
    create_things_table(&first.client()).await;
    for _ in 0..2 {
        std::fs::remove_file(directory.path().join("writ.db.lock")).unwrap();
        let refused = Database::open(&path).unwrap_err();
        assert!(matches!(refused, DatabaseError::InUse { .. }), "{refused}");
    }
    // SQLite still has its own locks: the refused attempts closed no descriptor of the file.
    assert!(has_sqlite_locks(&path), "SQLite lost its locks");
    drop(first);
    drop(Database::open(&path).unwrap());
}

/// Whether this process has POSIX locks on the file, by `/proc/locks`.
fn has_sqlite_locks(path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let inode = format!(":{} ", std::fs::metadata(path).unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("POSIX") && line.contains(&inode))
}

#[tokio::test]
async fn an_earlier_build_is_kept_out_by_its_own_lock_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("writ.db");
    let database = Database::open(&path).unwrap();
    let lock_file = std::fs::File::open(directory.path().join("writ.db.lock")).unwrap();
    assert!(matches!(lock_file.try_lock(), Err(std::fs::TryLockError::WouldBlock)));
    drop(database);
    lock_file.try_lock().unwrap();
    assert!(matches!(Database::open(&path), Err(DatabaseError::InUse { .. })));
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("writ.db");
    std::fs::write(&path, "this is a text file, and longer than a header of SQLite would be")
        .unwrap();
    assert!(matches!(Database::open(&path), Err(DatabaseError::Open { .. })));
    let nowhere = directory.path().join("no/such/directory/writ.db");
    assert!(matches!(Database::open(&nowhere), Err(DatabaseError::Lock { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_closed_database_finishes_what_it_accepted_and_accepts_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("writ.db");
    let database = Database::open(&path).unwrap();
    let client = database.client();
    create_things_table(&client).await;
    let writes: Vec<_> = (0..50)
        .map(|number| {
            let put = client.put_item().table_name("things").item("pk", text(&number.to_string()));
            tokio::spawn(async move { put.send().await.is_ok() })
        })
        .collect();
    tokio::task::yield_now().await;
    tokio::task::spawn_blocking(move || drop(database)).await.unwrap();
    let mut acknowledged = Vec::new();
    for (number, write) in writes.into_iter().enumerate() {
        if write.await.unwrap() {
            acknowledged.push(number);
        }
    }
    assert!(client.get_item().table_name("things").key("pk", text("0")).send().await.is_err());

    let database = Database::open(&path).unwrap();
    for number in acknowledged {
        let got =
            database.client().get_item().table_name("things").key("pk", text(&number.to_string()));
        assert!(got.send().await.unwrap().item().is_some(), "{number}");
    }
}
