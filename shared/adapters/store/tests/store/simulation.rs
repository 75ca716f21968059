//! Simulations of writers, crashes and garbage collection, interleaved by seeds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use serde_json::json;
use writ_model::{Digest, ErrorKind, Execution, RawJson, Timestamp};
use writ_ports::{
    Clock, CollectUploads, CreatePolicy, DeletePolicy, GetBody, GetExecution, GetPolicy,
    Idempotency, IdempotencyKey, KeyState, RecordExecution, RemoveExpired, ReplacePolicy,
    StoredReply,
};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Draft, Dump, Fixture, dump, execution, uri, workspace};
use crate::interleave::{ManualClock, Rng, Simulation};

const SEEDS: Range<u64> = 0..40;

/// The variable with other seeds, as in `WRIT_SEEDS=1000..2000`.
const SEEDS_VARIABLE: &str = "WRIT_SEEDS";

/// So small that a record of a kilobyte needs several transactions.
const BOUNDS: ChunkSizes = ChunkSizes { chunk_bytes_max: 256, transaction_bytes_max: 512 };

const HOUR_MS: i64 = 3_600_000;

/// The results that the writers got, and what they tried to write.
#[derive(Default)]
struct History {
    recorded: Vec<Execution>,
    tried: Vec<Execution>,
    bodies: Vec<(Digest, String)>,
}

type Shared = Rc<RefCell<History>>;

fn text(rng: &mut Rng) -> String {
    "é\"x".repeat(rng.of(&[0, 80, 200, 600]))
}

/// Records an execution. Of three writers, two share their id with another one.
async fn record(store: Store, history: Shared, number: u64, seed: u64) {
    let mut rng = Rng(seed);
    let mut record = execution(&workspace("home"), number % 4, "a:1-x", 1_790_000_000_000);
    record.seed = seed;
    record.input_data = RawJson::of(&json!({ "text": text(&mut rng) }));
    history.borrow_mut().tried.push(record.clone());
    if store.record_execution(&record).await.is_ok() {
        history.borrow_mut().recorded.push(record);
    }
}

/// Creates, replaces, renames or deletes a policy, with one of few bodies.
async fn write(store: Store, history: Shared, number: u64, seed: u64) {
    let (mut rng, home) = (Rng(seed), workspace("home"));
    let name = rng.of(&["a:1-x", "b:1-x"]);
    let fields = json!({ "code": text(&mut rng) });
    let Ok(head) = store.get_policy(&home, &uri(name)).await else { return };
    let (draft, written) = match head {
        None => {
            let draft = Draft::new(name, &format!("id-{number}"), fields);
            let created = store.create_policy(&home, draft.revision()).await;
            (draft, created)
        }
        Some(head) if rng.below(4) == 0 => {
            let _ = store.delete_policy(&home, &head).await;
            return;
        }
        Some(head) => {
            let draft = Draft::after(&head, rng.of(&["a:1-x", "b:1-x"]), fields);
            let replaced = store.replace_policy(&home, &head, draft.revision()).await;
            (draft, replaced)
        }
    };
    match written {
        Ok(()) => history.borrow_mut().bodies.push((draft.head.digest, draft.body)),
        Err(error) => assert_ne!(error.kind, ErrorKind::Internal, "{error:?}"),
    }
}

async fn reply(store: Store, clock: ManualClock, number: u64, seed: u64) {
    let key = IdempotencyKey {
        workspace: workspace("home"),
        identity: "ada".to_owned(),
        key: format!("k{}", number % 2),
        request: Digest::of(b"r"),
    };
    let body = text(&mut Rng(seed));
    match store.begin(&key, clock.now()).await {
        Ok(KeyState::Acquired(claim)) => {
            let reply = StoredReply { status: 201, headers: Vec::new(), body };
            let _ = store.finish(&key, &claim.id, &reply, clock.now()).await;
        }
        Ok(_) => {}
        Err(error) => assert_ne!(error.kind, ErrorKind::Internal, "{error:?}"),
    }
}

async fn gc(store: Store, clock: impl Clock) {
    for _ in 0..6 {
        let before = Timestamp::from_ms(clock.now().as_ms() - HOUR_MS);
        while store.collect_uploads(before).await.is_ok_and(|swept| swept.more) {}
        while store.remove_expired(before).await.is_ok_and(|swept| swept.more) {}
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        ManualClock::now(self)
    }
}

async fn simulate(seed: u64) {
    let Fixture { store, database } = Fixture::new().await;
    let store = store.with_chunk_sizes(BOUNDS);
    let history = Shared::default();
    let mut simulation = Simulation::new(&database, seed, BOUNDS);
    for number in 0..12 {
        let (history, clock, seed) =
            (Rc::clone(&history), simulation.clock.clone(), seed * 100 + number);
        match number % 6 {
            0..3 => simulation.add(|store| record(store, history, number, seed)),
            3..5 => simulation.add(|store| write(store, history, number, seed)),
            _ => simulation.add(|store| reply(store, clock, number, seed)),
        }
    }
    for _ in 0..2 {
        let clock = simulation.clock.clone();
        simulation.add(|store| gc(store, clock));
    }
    simulation.run().await;
    simulation.clock.advance(72 * HOUR_MS);
    gc(store.clone(), simulation.clock.clone()).await;

    let history = history.take();
    committed_content_is_whole(&store, &history).await;
    let dump = dump(&database).await;
    records_own_their_chunks(&dump);
    revisions_own_their_bodies(&store, &dump).await;
    let left: Vec<_> = dump.keys().filter(|key| key.0 == "writ-idempotency").collect();
    assert!(left.iter().all(|key| key.1 == "#upkeep"), "{left:?}");
}

async fn committed_content_is_whole(store: &Store, history: &History) {
    let home = workspace("home");
    for record in &history.recorded {
        let stored = store.get_execution(&home, &record.execution_id).await.unwrap();
        assert!(stored.as_ref() == Some(record), "{} is not what was written", record.execution_id);
    }
    for record in &history.tried {
        if let Some(stored) = store.get_execution(&home, &record.execution_id).await.unwrap() {
            assert!(
                history.tried.contains(&stored),
                "{} was written by no writer",
                record.execution_id
            );
        }
    }
    for (digest, body) in &history.bodies {
        assert!(store.get_body(&home, digest).await.unwrap().as_deref() == Some(body));
    }
}

pub(crate) fn records_own_their_chunks(dump: &Dump) {
    let mut owned = BTreeSet::new();
    for (key, item) in dump.iter().filter(|(key, _)| key.0 == "writ-executions") {
        if key.2 == "record" {
            let upload = item.get("upload").map(|upload| upload.as_s().unwrap());
            owned.extend(upload.map(|upload| (key.1.clone(), upload.clone())));
        }
    }
    for (table, partition, sort) in dump.keys() {
        if table == "writ-executions" && sort != "record" {
            let upload = sort.strip_prefix("record#").and_then(|rest| rest.split('#').next());
            let upload = upload.unwrap_or_else(|| panic!("{partition} {sort} was left"));
            assert!(
                owned.contains(&(partition.clone(), upload.to_owned())),
                "{sort} has no record"
            );
        }
    }
}

async fn revisions_own_their_bodies(store: &Store, dump: &Dump) {
    let mut owned = BTreeMap::new();
    for (key, item) in dump.iter().filter(|(key, _)| key.1.starts_with("home#revision#")) {
        owned.insert(item["digest"].as_s().unwrap().clone(), key.clone());
    }
    for digest in owned.keys() {
        let digest = Digest::from_stored(digest.clone());
        assert!(store.get_body(&workspace("home"), &digest).await.unwrap().is_some());
    }
    for (_, partition, _) in dump.keys() {
        if let Some(digest) = partition.strip_prefix("home#body#") {
            assert!(owned.contains_key(digest), "body {digest} has no revision");
        }
    }
}

pub(crate) fn seeds(unless_said: Range<u64>) -> Range<u64> {
    let Ok(range) = std::env::var(SEEDS_VARIABLE) else { return unless_said };
    let (from, to) = range.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

/// Prints the seed of a failed test.
pub(crate) struct Seed(pub(crate) u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing seed is {0}: {SEEDS_VARIABLE}={0}..{1}", self.0, self.0 + 1);
        }
    }
}

#[tokio::test]
async fn no_interleaving_loses_what_was_committed_or_leaves_what_was_not() {
    for seed in seeds(SEEDS) {
        let _named = Seed(seed);
        simulate(seed).await;
    }
}
