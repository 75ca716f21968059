//! Used idempotency keys.

use writ_model::{Digest, Timestamp};
use writ_ports::{ClaimId, Idempotency, IdempotencyKey, KeyState, StoredReply};
use writ_store::Store;

use crate::fixture::{Fixture, workspace};

const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_ms(NOW.as_ms() + seconds * 1_000)
}

fn used(identity: &str, key: &str, request: &str) -> IdempotencyKey {
    IdempotencyKey {
        workspace: workspace("home"),
        identity: identity.to_owned(),
        key: key.to_owned(),
        request: Digest::of(request.as_bytes()),
    }
}

fn reply(body: String) -> StoredReply {
    StoredReply {
        status: 201,
        headers: vec![("location".to_owned(), "/policy/a".to_owned())],
        body,
    }
}

/// Claims a key that is free.
async fn claim(store: &Store, key: &IdempotencyKey, now: Timestamp) -> ClaimId {
    match store.begin(key, now).await.unwrap() {
        KeyState::Acquired(claim) => claim.id,
        other => panic!("{key:?} is not free: {other:?}"),
    }
}

#[tokio::test]
async fn the_same_request_again_gets_the_first_ones_reply() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let key = used("ada", "k1", "one");
    let first = claim(&store, &key, NOW).await;
    assert_eq!(store.begin(&key, later(1)).await.unwrap(), KeyState::InProgress);
    assert_eq!(store.begin(&used("ada", "k1", "two"), later(1)).await.unwrap(), KeyState::Mismatch);
    store.abandon(&key, &first).await.unwrap();
    // A small reply, and one that needs several chunks.
    for (key, body) in [(key, "{}".to_owned()), (used("ada", "k2", "x"), "é\"".repeat(400_000))] {
        let held = claim(&store, &key, NOW).await;
        store.finish(&key, &held, &reply(body.clone()), later(2)).await.unwrap();
        assert!(store.begin(&key, later(3)).await.unwrap() == KeyState::Completed(reply(body)));
        let other = used("ada", &key.key, "other");
        assert_eq!(store.begin(&other, later(3)).await.unwrap(), KeyState::Mismatch);
    }
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_and_workspace() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let mut elsewhere = used("ada", "b#c", "one");
    elsewhere.workspace = workspace("elsewhere");
    let long = "x".repeat(3_000);
    for key in [
        used("ada", "b#c", "one"),
        used("ada#b", "c", "one"),
        used("bob", "b#c", "one"),
        elsewhere,
        used(&long, "b#c", "one"),
    ] {
        claim(&store, &key, NOW).await;
    }
}

#[tokio::test]
async fn an_abandoned_key_is_free_and_a_finished_one_is_not_abandoned() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let key = used("ada", "k", "one");
    let other = used("ada", "k", "other");
    let first = claim(&store, &key, NOW).await;
    store.abandon(&key, &first).await.unwrap();
    let second = claim(&store, &other, later(1)).await;
    store.abandon(&key, &first).await.unwrap();
    assert_eq!(store.begin(&other, later(1)).await.unwrap(), KeyState::InProgress);
    store.abandon(&other, &second).await.unwrap();

    let third = claim(&store, &key, NOW).await;
    store.finish(&key, &third, &reply("{}".to_owned()), NOW).await.unwrap();
    store.abandon(&key, &third).await.unwrap();
    assert_eq!(
        store.begin(&key, later(1)).await.unwrap(),
        KeyState::Completed(reply("{}".to_owned()))
    );
}

#[tokio::test]
async fn a_claim_lapses_after_a_minute_and_a_reply_after_a_day() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let (key, other) = (used("ada", "k", "one"), used("ada", "k", "other"));
    let first = claim(&store, &key, NOW).await;
    assert_eq!(store.begin(&key, later(59)).await.unwrap(), KeyState::InProgress);
    assert_eq!(store.begin(&other, later(60)).await.unwrap(), KeyState::Mismatch);
    let second = claim(&store, &key, later(60)).await;
    store.finish(&key, &second, &reply("second".to_owned()), later(61)).await.unwrap();
    // The first request continues after its claim expired.
    store.finish(&key, &first, &reply("first".to_owned()), later(62)).await.unwrap();
    let completed = KeyState::Completed(reply("second".to_owned()));
    assert_eq!(store.begin(&key, later(63)).await.unwrap(), completed);
    let day = 24 * 60 * 60;
    claim(&store, &other, later(61 + day)).await;
}

#[tokio::test]
async fn who_lost_a_lapsed_claim_does_not_touch_its_successors() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let key = used("ada", "k", "one");
    let first = claim(&store, &key, NOW).await;
    let second = claim(&store, &key, later(60)).await;
    // The first request continues while the second still runs.
    store.abandon(&key, &first).await.unwrap();
    assert_eq!(store.begin(&key, later(61)).await.unwrap(), KeyState::InProgress);
    store.finish(&key, &first, &reply("first".to_owned()), later(62)).await.unwrap();
    assert_eq!(store.begin(&key, later(63)).await.unwrap(), KeyState::InProgress);
    store.finish(&key, &second, &reply("second".to_owned()), later(64)).await.unwrap();
    let completed = KeyState::Completed(reply("second".to_owned()));
    assert_eq!(store.begin(&key, later(65)).await.unwrap(), completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_is_first() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let states: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.begin(&used("ada", "k", "one"), NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for states in states {
        match states.await.unwrap() {
            KeyState::Acquired(_) => first += 1,
            other => assert_eq!(other, KeyState::InProgress),
        }
    }
    assert_eq!(first, 1);
}
