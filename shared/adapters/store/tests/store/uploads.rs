//! Records of several transactions, and the collection of abandoned uploads.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tokio::sync::Notify;
use writ_model::{ErrorKind, Execution, RawJson, Timestamp};
use writ_ports::{CollectUploads, GcReport, GetExecution, QueryExecutions, RecordExecution};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Fixture, dump, execution, query, tables, workspace};
use crate::interleave::ManualClock;
use crate::script::{ANY, Fault, faulty, scripted};
use writ_dynamodb::Database;

const BOUNDS: ChunkSizes = ChunkSizes { chunk_bytes_max: 500, transaction_bytes_max: 1_000 };

const LATE: Timestamp = Timestamp::from_ms(i64::MAX);

fn record(number: u64, length: usize) -> Execution {
    let mut record = execution(&workspace("home"), number, "a:1-x", 1_790_000_000_000);
    record.input_data = RawJson::of(&json!({ "text": "é".repeat(length) }));
    record
}

/// A store with these faults and small limits.
fn small_store(database: &Database, faults: &[Fault]) -> Store {
    faulty(database, ANY, faults, 1).0.with_chunk_sizes(BOUNDS)
}

/// The same, with this clock.
fn small_store_at(database: &Database, clock: &ManualClock, faults: &[Fault]) -> Store {
    let config = scripted(database, ANY, faults, 1).0.time_source(clock.clone()).build();
    Store::new(Client::from_conf(config), tables()).with_chunk_sizes(BOUNDS)
}

#[tokio::test]
async fn a_record_of_any_length_comes_back_and_leaves_no_claim() {
    let Fixture { store, database } = Fixture::new().await;
    // Some megabytes at the default limits, then every number of chunks and transactions.
    let large = record(1, 3_500_000);
    store.record_execution(&large).await.unwrap();
    let home = workspace("home");
    assert!(store.get_execution(&home, &large.execution_id).await.unwrap() == Some(large));
    let store = small_store(&database, &[]);
    for number in 2..40 {
        let record = record(number, usize::try_from(number).unwrap() * 100);
        store.record_execution(&record).await.unwrap();
        let again = store.record_execution(&record).await.unwrap_err();
        assert_eq!(again.kind, ErrorKind::Conflict);
        store.collect_uploads(LATE).await.unwrap();
        let stored = store.get_execution(&home, &record.execution_id).await.unwrap();
        assert!(stored == Some(record));
    }
    while store.collect_uploads(LATE).await.unwrap().more {}
    assert!(dump(&database).await.keys().all(|key| key.1.starts_with("home#")));
}

#[tokio::test]
async fn a_record_takes_no_more_requests_than_it_has_transactions() {
    let Fixture { store: _store, database } = Fixture::new().await;
    for (number, (length, requests)) in [(10, 1), (700, 1), (3_000, 3)].into_iter().enumerate() {
        let (store, script) = faulty(&database, ANY, &vec![Fault::Pass; 20], 1);
        let bounds = ChunkSizes { chunk_bytes_max: 1_000, transaction_bytes_max: 3_000 };
        let record = record(number as u64, length);
        store.with_chunk_sizes(bounds).record_execution(&record).await.unwrap();
        assert_eq!(20 - script.left(), requests, "{length}");
    }
}

#[tokio::test]
async fn what_a_failure_leaves_at_any_step_is_collected_whole() {
    let record = record(1, 2_000);
    for fault in [Fault::Unreachable, Fault::LostReply] {
        let mut passed = 0;
        loop {
            let Fixture { store, database } = Fixture::new().await;
            let mut faults = vec![Fault::Pass; passed];
            faults.push(fault.clone());
            let failed = small_store(&database, &faults).record_execution(&record).await.is_err();
            let left = dump(&database).await.len();
            let removed = store.collect_uploads(LATE).await.unwrap().removed;
            let stored =
                store.get_execution(&record.workspace, &record.execution_id).await.unwrap();
            if let Some(stored) = stored {
                assert!(stored == record && removed == 0 && dump(&database).await.len() == left);
            } else {
                assert!(failed && dump(&database).await.is_empty(), "{fault:?} {passed}");
                assert_eq!(removed, u64::from(left > 0), "{fault:?} {passed}");
            }
            if !failed {
                break;
            }
            passed += 1;
        }
        assert!(passed > 3, "the record takes several transactions");
    }
}

#[tokio::test]
async fn a_collection_that_fails_at_any_step_is_finished_by_the_next() {
    let record = record(1, 2_000);
    let broken = [Fault::Pass, Fault::Pass, Fault::Unreachable];
    let mut passed = 0;
    loop {
        let Fixture { store, database } = Fixture::new().await;
        assert!(small_store(&database, &broken).record_execution(&record).await.is_err());
        let mut faults = vec![Fault::Pass; passed];
        faults.push(Fault::LostReply);
        let collected = small_store(&database, &faults).collect_uploads(LATE).await;
        assert!(store.collect_uploads(LATE).await.unwrap().removed <= 1);
        assert_eq!(dump(&database).await.len(), 0, "{passed}");
        if collected.is_ok() {
            break;
        }
        passed += 1;
    }
    assert!(passed > 5, "a collection takes several requests");
}

#[tokio::test]
async fn only_what_began_before_the_given_time_is_collected_oldest_first() {
    let Fixture { store, database } = Fixture::new().await;
    let broken = [Fault::Pass, Fault::Unreachable];
    let clock = ManualClock::at(1_000);
    for number in 0..25 {
        let faulty = small_store_at(&database, &clock, &broken);
        assert!(faulty.record_execution(&record(number, 1_500)).await.is_err());
        clock.advance(1_000);
    }
    // The claim of second 20 is not older than second 20.
    let before = Timestamp::from_ms(20_000);
    let steps = [(10, true), (9, false), (0, false)];
    for (removed, more) in steps {
        assert_eq!(store.collect_uploads(before).await.unwrap(), GcReport { removed, more });
    }
    assert_eq!(store.collect_uploads(LATE).await.unwrap(), GcReport { removed: 6, more: false });
    assert!(dump(&database).await.is_empty());
}

#[tokio::test]
async fn a_claim_that_came_back_takes_nothing_from_its_record() {
    let Fixture { store, database } = Fixture::new().await;
    let whole = record(1, 2_000);
    let small_store = small_store(&database, &[]);
    small_store.record_execution(&whole).await.unwrap();
    let (_, item) = dump(&database).await.into_iter().find(|(key, _)| key.2 == "record").unwrap();
    // The first request of a writer arrives a second time, after the last one.
    let key = format!("0000000000000001#{}", item["upload"].as_s().unwrap());
    let put = database.client().put_item().table_name("writ-executions");
    put.item("pk", AttributeValue::S("#uploads".to_owned()))
        .item("sk", AttributeValue::S(key))
        .item("partition", item["pk"].clone())
        .item("upload", item["upload"].clone())
        .item("chunks", AttributeValue::N("9".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(store.collect_uploads(LATE).await.unwrap(), GcReport { removed: 0, more: false });
    let stored = store.get_execution(&whole.workspace, &whole.execution_id).await.unwrap();
    assert!(stored == Some(whole));
    assert!(dump(&database).await.keys().all(|key| key.1 != "#uploads"));
}

#[tokio::test]
async fn a_writer_that_wakes_after_its_upload_was_given_up_is_refused_and_leaves_nothing() {
    let record = record(1, 2_000);
    // At a transaction in the middle, and at the last one.
    for position in 1..5 {
        let Fixture { store, database } = Fixture::new().await;
        let release = Arc::new(Notify::new());
        let mut faults = vec![Fault::Pass; position];
        faults.push(Fault::Delayed(Arc::clone(&release)));
        let (slow, script) = faulty(&database, ANY, &faults, 1);
        let slow = slow.with_chunk_sizes(BOUNDS);
        let writer = {
            let record = record.clone();
            tokio::spawn(async move { slow.record_execution(&record).await })
        };
        while script.left() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.collect_uploads(LATE).await.unwrap().removed, 1);
        release.notify_one();
        let error = writer.await.unwrap().unwrap_err();
        assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(1)));
        assert!(dump(&database).await.is_empty(), "{position}");
        // The caller retries.
        store.record_execution(&record).await.unwrap();
    }
}

#[tokio::test]
async fn a_writer_whose_claim_was_long_under_way_gives_up() {
    for (minutes, is_through) in [(15, true), (16, false)] {
        let Fixture { store, database } = Fixture::new().await;
        let (clock, release) = (ManualClock::at(1_000), Arc::new(Notify::new()));
        let held = [Fault::Delayed(Arc::clone(&release))];
        let (config, script) = scripted(&database, ANY, &held, 1);
        let client = Client::from_conf(config.time_source(clock.clone()).build());
        let slow = Store::new(client, tables()).with_chunk_sizes(BOUNDS);
        let writer = tokio::spawn(async move { slow.record_execution(&record(1, 2_000)).await });
        while script.left() > 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(minutes * 60_000);
        release.notify_one();
        let written = writer.await.unwrap();
        assert_eq!(written.is_ok(), is_through, "{minutes}");
        if let Err(error) = written {
            assert_eq!(error.kind, ErrorKind::Unavailable);
            store.collect_uploads(LATE).await.unwrap();
            assert!(dump(&database).await.is_empty());
        }
    }
}

#[tokio::test]
async fn two_collections_at_once_do_the_work_of_one() {
    let Fixture { store, database } = Fixture::new().await;
    let broken = [Fault::Pass, Fault::Pass, Fault::Unreachable];
    for number in 0..5 {
        assert!(
            small_store(&database, &broken).record_execution(&record(number, 2_000)).await.is_err()
        );
    }
    let whole = record(9, 2_000);
    small_store(&database, &[]).record_execution(&whole).await.unwrap();
    let both = tokio::join!(store.collect_uploads(LATE), store.collect_uploads(LATE));
    both.0.unwrap();
    both.1.unwrap();
    let stored = store.get_execution(&whole.workspace, &whole.execution_id).await.unwrap();
    assert!(stored == Some(whole));
    assert_eq!(store.collect_uploads(LATE).await.unwrap(), GcReport::default());
    assert!(dump(&database).await.keys().all(|key| key.1.contains("000000000009")));
}

#[tokio::test]
async fn a_record_whose_chunks_are_named_by_content_is_still_read() {
    let Fixture { store, database } = Fixture::new().await;
    let record = record(1, 1_000);
    small_store(&database, &[]).record_execution(&record).await.unwrap();
    let client = database.client();
    let items: Vec<_> = dump(&database).await.into_values().collect();
    let head = items.iter().find(|item| item.contains_key("digest")).unwrap();
    let (upload, digest) = (head["upload"].as_s().unwrap(), head["digest"].as_s().unwrap());
    for item in &items {
        let sort = item["sk"].as_s().unwrap();
        let key = client.delete_item().table_name("writ-executions");
        let key = key.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        key.send().await.unwrap();
        let mut item = item.clone();
        item.insert("sk".to_owned(), AttributeValue::S(sort.replace(upload, digest)));
        item.remove("upload");
        let put = client.put_item().table_name("writ-executions").set_item(Some(item));
        put.send().await.unwrap();
    }
    let stored = store.get_execution(&record.workspace, &record.execution_id).await.unwrap();
    assert!(stored == Some(record.clone()));
    let all = query(json!({}), json!(null), 10, None);
    let page = store.query_executions(&record.workspace, &all).await.unwrap();
    assert!(page.items == [serde_json::to_string(&record).unwrap()]);
}
