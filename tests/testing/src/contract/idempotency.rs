//! Used idempotency keys.

use writ_model::{Digest, Timestamp};
use writ_ports::{ClaimId, Idempotency, IdempotencyKey, KeyState, StoredReply};

use crate::START;
use crate::builders::workspace;

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_ms(START.as_ms() + seconds * 1_000)
}

fn key(identity: &str, key: &str, request: &str) -> IdempotencyKey {
    IdempotencyKey {
        workspace: workspace("own"),
        identity: identity.to_owned(),
        key: key.to_owned(),
        request: Digest::of(request.as_bytes()),
    }
}

fn reply(body: &str) -> StoredReply {
    let headers = vec![("location".to_owned(), "/policy/a".to_owned())];
    StoredReply { status: 201, headers, body: body.to_owned() }
}

async fn acquire<P: Idempotency>(ports: &P, key: &IdempotencyKey, now: Timestamp) -> ClaimId {
    match ports.begin(key, now).await.unwrap() {
        KeyState::Acquired(claim) => claim.id,
        other => panic!("{key:?} is not free: {other:?}"),
    }
}

/// A key is in progress, then completed with its reply; another request under it is a mismatch.
pub async fn the_same_request_again_gets_the_first_reply<P: Idempotency>(ports: &P) {
    let (same, other) = (key("ada", "k", "one"), key("ada", "k", "two"));
    let claim = acquire(ports, &same, START).await;
    assert_eq!(ports.begin(&same, later(1)).await, Ok(KeyState::InProgress));
    assert_eq!(ports.begin(&other, later(1)).await, Ok(KeyState::Mismatch));
    // A small reply, then one that no item holds.
    for (key, claim, body) in [
        (same, claim, "{}".to_owned()),
        (
            key("ada", "l", "x"),
            acquire(ports, &key("ada", "l", "x"), START).await,
            "é\"".repeat(200_000),
        ),
    ] {
        ports.finish(&key, &claim, &reply(&body), later(2)).await.unwrap();
        assert!(ports.begin(&key, later(3)).await == Ok(KeyState::Completed(reply(&body))));
    }
    assert_eq!(ports.begin(&other, later(3)).await, Ok(KeyState::Mismatch));
}

/// The same key of another identity or workspace is another key.
pub async fn a_key_belongs_to_its_caller_and_workspace<P: Idempotency>(ports: &P) {
    let elsewhere = IdempotencyKey { workspace: workspace("other"), ..key("ada", "b#c", "one") };
    let long = "x".repeat(3_000);
    for key in [
        key("ada", "b#c", "one"),
        key("ada#b", "c", "one"),
        key("bob", "b#c", "one"),
        elsewhere,
        key(&long, "b#c", "one"),
    ] {
        acquire(ports, &key, START).await;
    }
}

/// Only the present claim gives its key back, and only while it has no reply.
pub async fn an_abandoned_key_is_free_and_a_finished_one_is_not_abandoned<P>(ports: &P)
where
    P: Idempotency,
{
    let (one, other) = (key("ada", "k", "one"), key("ada", "k", "other"));
    let first = acquire(ports, &one, START).await;
    ports.abandon(&one, &first).await.unwrap();
    let second = acquire(ports, &other, later(1)).await;
    ports.abandon(&one, &first).await.unwrap();
    assert_eq!(ports.begin(&other, later(1)).await, Ok(KeyState::InProgress));
    ports.abandon(&other, &second).await.unwrap();
    let third = acquire(ports, &one, START).await;
    ports.finish(&one, &third, &reply("{}"), START).await.unwrap();
    ports.abandon(&one, &third).await.unwrap();
    assert_eq!(ports.begin(&one, later(1)).await, Ok(KeyState::Completed(reply("{}"))));
}

/// A claim without a reply lapses for the same request alone; a reply is kept for 24 hours.
pub async fn a_claim_lapses_after_a_minute_and_a_reply_after_a_day<P: Idempotency>(ports: &P) {
    let (one, other) = (key("ada", "k", "one"), key("ada", "k", "other"));
    let first = acquire(ports, &one, START).await;
    assert_eq!(ports.begin(&one, later(59)).await, Ok(KeyState::InProgress));
    assert_eq!(ports.begin(&other, later(60)).await, Ok(KeyState::Mismatch));
    let second = acquire(ports, &one, later(60)).await;
    ports.finish(&one, &second, &reply("second"), later(61)).await.unwrap();
    ports.finish(&one, &first, &reply("first"), later(62)).await.unwrap();
    assert_eq!(ports.begin(&one, later(63)).await, Ok(KeyState::Completed(reply("second"))));
    let day = 24 * 60 * 60;
    assert_eq!(ports.begin(&other, later(60 + day)).await, Ok(KeyState::Mismatch));
    acquire(ports, &other, later(61 + day)).await;
}

/// After its claim lapsed, a holder neither abandons nor finishes the claim that came after it.
pub async fn a_lapsed_claim_does_not_touch_its_successor<P: Idempotency>(ports: &P) {
    let key = key("ada", "k", "one");
    let first = acquire(ports, &key, START).await;
    let second = acquire(ports, &key, later(60)).await;
    ports.abandon(&key, &first).await.unwrap();
    assert_eq!(ports.begin(&key, later(61)).await, Ok(KeyState::InProgress));
    ports.finish(&key, &first, &reply("first"), later(62)).await.unwrap();
    assert_eq!(ports.begin(&key, later(63)).await, Ok(KeyState::InProgress));
    ports.finish(&key, &second, &reply("second"), later(64)).await.unwrap();
    assert_eq!(ports.begin(&key, later(65)).await, Ok(KeyState::Completed(reply("second"))));
}

/// The time of a key's first claim, and whether a claim is not the first one, for a claim that is
/// acquired.
async fn first_claim<P: Idempotency>(
    ports: &P,
    key: &IdempotencyKey,
    now: Timestamp,
) -> (Timestamp, bool) {
    match ports.begin(key, now).await.unwrap() {
        KeyState::Acquired(claim) => (claim.first_claimed_at, claim.is_retry),
        other => panic!("{key:?} is not free: {other:?}"),
    }
}

/// A claim that is taken over keeps the time of the first one, until the key expires.
pub async fn every_claim_of_a_key_has_the_time_of_the_first<P: Idempotency>(ports: &P) {
    let key = key("ada", "k", "one");
    for (now, want) in [
        (START, (START, false)),
        (later(60), (START, true)),
        (later(7_200), (START, true)),
        (later(7_200 + 24 * 60 * 60), (later(7_200 + 24 * 60 * 60), false)),
    ] {
        assert_eq!(first_claim(ports, &key, now).await, want);
    }
}

/// A released key is free at once, for the same request alone, and keeps the time of its first claim. An
/// abandoned one is forgotten.
pub async fn a_released_key_is_free_for_the_same_request<P: Idempotency>(ports: &P) {
    let (one, other) = (key("ada", "k", "one"), key("ada", "k", "other"));
    let first = acquire(ports, &one, START).await;
    ports.release(&one, &first).await.unwrap();
    assert_eq!(ports.begin(&other, later(1)).await, Ok(KeyState::Mismatch));
    assert_eq!(first_claim(ports, &one, later(1)).await, (START, true));
    assert_eq!(ports.begin(&one, later(2)).await, Ok(KeyState::InProgress));
    // The claim before has no say in it any more.
    ports.release(&one, &first).await.unwrap();
    assert_eq!(ports.begin(&one, later(2)).await, Ok(KeyState::InProgress));
    let second = acquire(ports, &one, later(61)).await;
    ports.abandon(&one, &second).await.unwrap();
    assert_eq!(first_claim(ports, &other, later(62)).await, (later(62), false));
}
