//! The decision log.

use serde_json::{Value, json};
use writ_model::{ErrorKind, RawJson};
use writ_ports::{GetExecution, QueryExecutions, RecordExecution};

use crate::fixture::{Fixture, execution, query, values, workspace};

const START: i64 = 1_790_000_000_000;

#[tokio::test]
async fn a_record_is_written_once_and_read_back_as_it_was() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let record = execution(&home, 1, "a:1-x", START);
    store.record_execution(&record).await.unwrap();
    assert_eq!(
        store.get_execution(&home, &record.execution_id).await.unwrap(),
        Some(record.clone())
    );
    for none in ["none", "", &"x".repeat(5_000)] {
        assert_eq!(store.get_execution(&home, none).await.unwrap(), None);
    }
    let mut other = record.clone();
    other.identity = "eve".to_owned();
    for again in [&other, &record] {
        assert_eq!(store.record_execution(again).await.unwrap_err().kind, ErrorKind::Conflict);
    }
    assert_eq!(store.get_execution(&home, &record.execution_id).await.unwrap(), Some(record));
}

#[tokio::test]
async fn a_large_record_is_kept_whole_even_against_a_second_write() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let mut record = execution(&home, 1, "a:1-x", START);
    record.input_data = RawJson::of(&json!({ "text": "é\"".repeat(500_000) }));
    store.record_execution(&record).await.unwrap();
    let mut second = record.clone();
    second.input_data = RawJson::of(&json!({ "text": "z".repeat(1_000_000) }));
    assert_eq!(store.record_execution(&second).await.unwrap_err().kind, ErrorKind::Conflict);
    assert!(
        store.get_execution(&home, &record.execution_id).await.unwrap() == Some(record.clone())
    );
    let page =
        store.query_executions(&home, &query(json!({}), json!(null), 10, None)).await.unwrap();
    assert!(page.items == [serde_json::to_string(&record).unwrap()]);
}

#[tokio::test]
async fn a_listing_is_newest_first_over_all_shards_and_visits_everything_once() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..120_u64 {
        // Three of each instant, written out of order.
        let time = START + i64::try_from(number * 7 % 40).unwrap() * 1_000;
        store
            .record_execution(&execution(
                &home,
                number,
                ["a:1-x", "b:1-x"][number as usize % 2],
                time,
            ))
            .await
            .unwrap();
    }
    for (filter, sort, count, descending) in [
        (json!({}), json!(null), 120, true),
        (json!({}), json!({"started_at": 1}), 120, false),
        (json!({"policy_rule_uri": "a:1-x"}), json!(null), 60, true),
        (json!({"policy_rule_uri": {"$in": ["a:1-x", "b:1-x"]}}), json!(null), 120, true),
        (json!({"status": "failed"}), json!({"started_at": -1}), 60, true),
        (
            json!({"started_at": {"$gte": "2026-09-21T14:13:30.000Z", "$lt": "2026-09-21T14:13:35.000Z"}}),
            json!(null),
            15,
            true,
        ),
        (json!({"policy_rule_uri": "none:1-x"}), json!(null), 0, true),
    ] {
        let (mut times, mut ids, mut token) = (Vec::new(), Vec::new(), None);
        loop {
            let page = store
                .query_executions(&home, &query(filter.clone(), sort.clone(), 7, token))
                .await
                .unwrap();
            times.extend(values(&page, "started_at"));
            ids.extend(values(&page, "execution_id"));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(times.len(), count, "{filter}");
        assert!(
            if descending { times.is_sorted_by(|a, b| a >= b) } else { times.is_sorted() },
            "{filter} {times:?}"
        );
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "{filter}");
    }
}

#[tokio::test]
async fn a_listing_reads_in_proportion_to_its_page() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let mut last = String::new();
    for number in 0..300_u64 {
        let uri = if number % 30 == 0 { "rare:1-x" } else { "common:1-x" };
        let record = execution(&home, number, uri, START + i64::try_from(number).unwrap());
        store.record_execution(&record).await.unwrap();
        last = record.execution_id;
    }
    for (filter, results, reads) in [
        (json!({}), 20, 60),
        (json!({"policy_rule_uri": "rare:1-x"}), 10, 30),
        (json!({"execution_id": last}), 1, 1),
        (json!({"execution_id": {"$in": [last, "none"]}, "status": "failed"}), 1, 2),
        (json!({"started_at": "2026-09-21T14:13:20.123Z"}), 1, 9),
    ] {
        let page = store
            .query_executions(&home, &query(filter.clone(), json!(null), 20, None))
            .await
            .unwrap();
        assert_eq!(page.items.len(), results, "{filter}");
        assert!(page.reads <= reads, "{filter} took {} reads", page.reads);
    }
}

#[tokio::test]
async fn records_keep_their_digits_and_their_order_of_keys() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let record = execution(&home, 1, "a:1-x", START);
    store.record_execution(&record).await.unwrap();
    let page = store
        .query_executions(&home, &query(json!({"output": {"$gt": 1}}), json!(null), 10, None))
        .await
        .unwrap();
    let text = page.items.first().unwrap();
    assert!(
        text.contains(r#"{"b": 1.0,  "a": 1e400}"#) && text.contains("12345678901234567890.10"),
        "{text}"
    );
    let parsed: Value = serde_json::from_str(text).unwrap();
    assert_eq!(parsed["workspace"], "home");
}
