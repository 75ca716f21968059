//! Items that expire.

use aws_sdk_dynamodb::types::AttributeValue;
use writ_model::{Digest, Timestamp};
use writ_ports::{GcReport, Idempotency, IdempotencyKey, KeyState, RemoveExpired, StoredReply};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Fixture, dump, workspace};
use crate::script::{ANY, Fault, faulty};
use writ_dynamodb::Database;

const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

const DAY_S: i64 = 24 * 60 * 60;

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_ms(NOW.as_ms() + seconds * 1_000)
}

fn used(key: &str) -> IdempotencyKey {
    IdempotencyKey {
        workspace: workspace("home"),
        identity: "ada".to_owned(),
        key: key.to_owned(),
        request: Digest::of(b"r"),
    }
}

async fn finish(store: &Store, key: &str, now: Timestamp, body: String) -> StoredReply {
    let reply = StoredReply { status: 201, headers: Vec::new(), body };
    match store.begin(&used(key), now).await.unwrap() {
        KeyState::Acquired(claim) => {
            store.finish(&used(key), &claim.id, &reply, now).await.unwrap()
        }
        other => panic!("{key} is not free: {other:?}"),
    }
    reply
}

/// The sort keys of the table, without the item that holds the position.
async fn keys(database: &Database) -> Vec<String> {
    let dump = dump(database).await;
    dump.into_keys().filter(|key| key.1 != "#upkeep").map(|key| key.2).collect()
}

#[tokio::test]
async fn what_expired_goes_and_what_did_not_stays() {
    let Fixture { store, database } = Fixture::new().await;
    let store =
        store.with_chunk_sizes(ChunkSizes { chunk_bytes_max: 100, transaction_bytes_max: 1_000 });
    finish(&store, "old", NOW, String::new()).await;
    finish(&store, "large", NOW, "é".repeat(1_000)).await;
    let young = finish(&store, "young", later(10), "é".repeat(1_000)).await;
    let before = later(DAY_S);
    let swept = store.remove_expired(before).await.unwrap();
    assert_eq!((swept.removed, swept.more), (2, false));
    assert_eq!(store.begin(&used("young"), before).await.unwrap(), KeyState::Completed(young));

    // Chunks expire later than the key that they belong to.
    store.remove_expired(later(DAY_S + 10)).await.unwrap();
    let left = keys(&database).await;
    assert!(left.len() > 20 && left.iter().all(|key| key.contains('\0')), "{left:?}");
    store.remove_expired(later(DAY_S + 10 + 60 * 60)).await.unwrap();
    assert_eq!(keys(&database).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_step_is_bounded_and_the_next_one_goes_on_where_it_ended() {
    let Fixture { store, database } = Fixture::new().await;
    for number in 0..250 {
        let time = if number < 230 { NOW } else { later(100) };
        finish(&store, &format!("{number:04}"), time, String::new()).await;
    }
    let before = later(DAY_S);
    let mut steps = Vec::new();
    for _ in 0..5 {
        // Every step is run by another client.
        let (store, _) = faulty(&database, ANY, &[], 1);
        let GcReport { removed, more } = store.remove_expired(before).await.unwrap();
        steps.push((removed, more));
    }
    // The second step reads the position's item, the third one reaches the end; then a new pass
    // begins.
    assert_eq!(steps.iter().map(|step| step.0).sum::<u64>(), 230, "{steps:?}");
    assert!(steps.iter().all(|step| step.0 <= 100), "{steps:?}");
    assert_eq!(steps.iter().map(|step| step.1).collect::<Vec<_>>()[..2], [true, true], "{steps:?}");
    assert_eq!(steps[3..], [(0, false), (0, false)], "{steps:?}");
    assert_eq!(keys(&database).await.len(), 20);
}

#[tokio::test]
async fn a_full_table_of_what_lives_costs_one_page_a_step_and_all_of_it_is_visited() {
    let Fixture { store, database } = Fixture::new().await;
    for number in 0..250 {
        finish(&store, &format!("{number:04}"), later(100), String::new()).await;
    }
    finish(&store, "9999", NOW, String::new()).await;
    let (counted, script) = faulty(&database, ANY, &vec![Fault::Pass; 100], 1);
    let mut removed = 0;
    for _ in 0..3 {
        let swept = counted.remove_expired(later(DAY_S)).await.unwrap();
        assert!(!swept.more);
        removed += swept.removed;
    }
    assert_eq!(removed, 1);
    // Three steps of three requests (read the position, read a page, write the position), and one
    // removal.
    assert_eq!(100 - script.left(), 3 * 3 + 1);
}

#[tokio::test]
async fn a_key_that_is_used_anew_is_not_removed() {
    let Fixture { store, database } = Fixture::new().await;
    finish(&store, "k", NOW, String::new()).await;
    // The key is used again between the page and the removal.
    let release = std::sync::Arc::new(tokio::sync::Notify::new());
    let held = [Fault::Delayed(std::sync::Arc::clone(&release))];
    let (slow, script) = faulty(&database, "DeleteItem", &held, 1);
    let before = later(DAY_S);
    let gc = tokio::spawn(async move { slow.remove_expired(before).await });
    while script.left() > 0 {
        tokio::task::yield_now().await;
    }
    let stored = finish(&store, "k", later(DAY_S), "again".to_owned()).await;
    release.notify_one();
    assert_eq!(gc.await.unwrap().unwrap().removed, 0);
    assert_eq!(store.begin(&used("k"), before).await.unwrap(), KeyState::Completed(stored));
}

#[tokio::test]
async fn a_step_that_fails_anywhere_is_taken_again() {
    let mut passed = 0;
    loop {
        let Fixture { store, database } = Fixture::new().await;
        for number in 0..120 {
            finish(&store, &format!("{number:04}"), NOW, String::new()).await;
        }
        let mut faults = vec![Fault::Pass; passed];
        faults.push(Fault::LostReply);
        let (broken, _) = faulty(&database, ANY, &faults, 1);
        let failed = broken.remove_expired(later(DAY_S)).await.is_err();
        while store.remove_expired(later(DAY_S)).await.unwrap().more {}
        store.remove_expired(later(DAY_S)).await.unwrap();
        assert_eq!(keys(&database).await, Vec::<String>::new(), "{passed}");
        if !failed {
            break;
        }
        passed += if passed < 4 { 1 } else { 33 };
    }
    assert!(passed > 4, "a step takes several requests");
}

#[tokio::test]
async fn a_reply_whose_chunks_are_named_by_content_is_still_read() {
    let Fixture { store, database } = Fixture::new().await;
    let reply = finish(&store, "k", NOW, "é".repeat(400_000)).await;
    let client = database.client();
    let items: Vec<_> = dump(&database).await.into_values().collect();
    let head = items.iter().find(|item| item.contains_key("claim")).unwrap();
    let (claim, digest) = (head["claim"].as_s().unwrap(), head["reply_digest"].as_s().unwrap());
    for item in &items {
        let sort = item["sk"].as_s().unwrap();
        let old = client.delete_item().table_name("writ-idempotency");
        let old = old.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        old.send().await.unwrap();
        let mut item = item.clone();
        item.insert("sk".to_owned(), AttributeValue::S(sort.replace(claim, digest)));
        if let Some(digest) = item.remove("reply_digest") {
            item.insert("digest".to_owned(), digest);
        }
        let put = client.put_item().table_name("writ-idempotency").set_item(Some(item));
        put.send().await.unwrap();
    }
    assert!(store.begin(&used("k"), later(1)).await.unwrap() == KeyState::Completed(reply));
}
