//! Tests of the cache over hours, on a manual clock.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use writ_testing::ManualClock;

use super::*;

/// A source of keys by name, which can be down.
#[derive(Default)]
struct Names {
    published: Mutex<Vec<&'static str>>,
    is_down: AtomicBool,
    fetches: AtomicUsize,
    /// Each fetch waits for a message on this channel, if there is one.
    pause: Mutex<Option<mpsc::Receiver<()>>>,
}

impl KeySource for Arc<Names> {
    fn fetch(&self) -> Result<Vec<Jwk>, FetchError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if let Some(pause) = &*self.pause.lock().unwrap() {
            pause.recv().unwrap();
        }
        if self.is_down.load(Ordering::SeqCst) {
            return Err(FetchError::Status {
                url: "https://issuer.example".to_owned(),
                status: 500,
            });
        }
        let names = self.published.lock().unwrap();
        Ok(names.iter().map(|name| jwk(name)).collect())
    }
}

struct Fixture {
    names: Arc<Names>,
    clock: ManualClock,
    cache: Arc<JwksCache<Arc<Names>, ManualClock>>,
}

impl Fixture {
    fn with(published: &[&'static str]) -> Self {
        let (names, clock) =
            (Arc::new(Names::default()), ManualClock::starting_at(Timestamp::from_ms(0)));
        *names.published.lock().unwrap() = published.to_vec();
        let cache = Arc::new(JwksCache::new(Arc::clone(&names), clock.clone()));
        Self { names, clock, cache }
    }

    fn publish(&self, names: &[&'static str]) {
        *self.names.published.lock().unwrap() = names.to_vec();
    }

    fn is_down(&self, is_down: bool) {
        self.names.is_down.store(is_down, Ordering::SeqCst);
    }

    fn fetches(&self) -> usize {
        self.names.fetches.load(Ordering::SeqCst)
    }

    /// Looks up a key. Returns `found`, `unknown`, or the delay before a retry.
    async fn lookup(&self, kid: &str) -> String {
        match self.cache.key(kid).await {
            Ok(Some(key)) => {
                assert_eq!(key.kid.as_deref(), Some(kid));
                "found".to_owned()
            }
            Ok(None) => "unknown".to_owned(),
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Unavailable);
                format!("in {} s", error.retry_after_s.unwrap())
            }
        }
    }
}

fn jwk(name: &str) -> Jwk {
    Jwk { kid: Some(name.to_owned()), kty: "OKP".to_owned(), ..Jwk::default() }
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept_for_ten_minutes() {
    let fixture = Fixture::with(&["a", "b"]);
    assert_eq!(fixture.fetches(), 0, "nothing is fetched before the first lookup");
    for kid in ["a", "b", "a"] {
        assert_eq!(fixture.lookup(kid).await, "found");
    }
    fixture.clock.advance_s(599);
    assert_eq!((fixture.lookup("a").await.as_str(), fixture.fetches()), ("found", 1));
    fixture.clock.advance_s(1);
    assert_eq!((fixture.lookup("a").await.as_str(), fixture.fetches()), ("found", 2));
}

#[tokio::test]
async fn a_withdrawn_key_is_gone_after_ten_minutes() {
    let fixture = Fixture::with(&["a"]);
    assert_eq!(fixture.lookup("a").await, "found");
    fixture.publish(&["b"]);
    assert_eq!(fixture.lookup("a").await, "found");
    fixture.clock.advance_s(600);
    assert_eq!(fixture.lookup("a").await, "unknown");
}

#[tokio::test]
async fn a_new_key_is_known_half_a_minute_after_the_last_fetch() {
    let fixture = Fixture::with(&["a"]);
    assert_eq!(fixture.lookup("a").await, "found");
    fixture.publish(&["a", "b"]);
    assert_eq!((fixture.lookup("b").await.as_str(), fixture.fetches()), ("unknown", 1));
    fixture.clock.advance_s(30);
    assert_eq!((fixture.lookup("b").await.as_str(), fixture.fetches()), ("found", 2));
}

#[tokio::test]
async fn names_that_are_made_up_cost_the_issuer_one_fetch_in_half_a_minute() {
    let fixture = Fixture::with(&["a"]);
    for second in 0..300 {
        assert_eq!(fixture.lookup(&format!("made-up-{second}")).await, "unknown");
        fixture.clock.advance_s(1);
    }
    assert_eq!(fixture.fetches(), 10);
}

#[tokio::test]
async fn keys_outlive_their_issuer_for_an_hour() {
    let fixture = Fixture::with(&["a"]);
    assert_eq!(fixture.lookup("a").await, "found");
    fixture.is_down(true);
    for minute in 1..60 {
        fixture.clock.advance_s(60);
        assert_eq!(fixture.lookup("a").await, "found", "minute {minute}");
    }
    fixture.clock.advance_s(60);
    assert_eq!(fixture.lookup("a").await, "in 5 s");
    fixture.is_down(false);
    assert_eq!(fixture.lookup("a").await, "in 5 s", "not asked again at once");
    fixture.clock.advance_s(5);
    assert_eq!(fixture.lookup("a").await, "found");
}

#[tokio::test]
async fn while_the_issuer_is_down_an_unknown_key_is_no_proof_of_fraud() {
    let fixture = Fixture::with(&["a"]);
    assert_eq!(fixture.lookup("a").await, "found");
    fixture.is_down(true);
    fixture.clock.advance_s(30);
    assert_eq!(fixture.lookup("b").await, "in 30 s");
    assert_eq!(fixture.lookup("b").await, "in 30 s");
    assert_eq!((fixture.lookup("a").await.as_str(), fixture.fetches()), ("found", 2));
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_is_asked_every_five_seconds() {
    let fixture = Fixture::with(&["a"]);
    fixture.is_down(true);
    for _ in 0..20 {
        assert_eq!(fixture.lookup("a").await, "in 5 s");
        fixture.clock.advance_s(1);
    }
    assert_eq!(fixture.fetches(), 4);
}

#[tokio::test]
async fn a_frozen_tick_does_not_keep_a_key_alive() {
    let fixture = Fixture::with(&["a"]);
    assert_eq!(fixture.lookup("a").await, "found");
    fixture.publish(&[]);
    fixture.clock.shift_wall_ms(3_600_000);
    assert_eq!(fixture.lookup("a").await, "unknown");
    // A clock that was set back does not keep it either.
    fixture.publish(&["a"]);
    fixture.clock.set_wall(Timestamp::from_ms(0));
    fixture.clock.advance_ticks(Duration::from_secs(30));
    assert_eq!(fixture.lookup("a").await, "found");
}

#[tokio::test]
async fn concurrent_lookups_wait_for_the_same_fetch() {
    let fixture = Fixture::with(&["a"]);
    let (resume, pause) = mpsc::channel();
    *fixture.names.pause.lock().unwrap() = Some(pause);
    let lookups: Vec<_> = (0..50)
        .map(|_| {
            let cache = Arc::clone(&fixture.cache);
            tokio::spawn(async move { cache.key("a").await })
        })
        .collect();
    while fixture.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    resume.send(()).unwrap();
    for lookup in lookups {
        assert!(lookup.await.unwrap().unwrap().is_some());
    }
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_key_at_hand_does_not_wait_for_a_fetch() {
    let fixture = Fixture::with(&["a"]);
    assert_eq!(fixture.lookup("a").await, "found");
    let (resume, pause) = mpsc::channel();
    *fixture.names.pause.lock().unwrap() = Some(pause);
    fixture.clock.advance_s(600);
    let cache = Arc::clone(&fixture.cache);
    let first = tokio::spawn(async move { cache.key("a").await });
    while fixture.fetches() == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.lookup("a").await, "found", "while the fetch hangs");
    resume.send(()).unwrap();
    assert!(first.await.unwrap().unwrap().is_some());
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn a_cancelled_lookup_does_not_stop_the_fetch() {
    let fixture = Fixture::with(&["a"]);
    let (resume, pause) = mpsc::channel();
    *fixture.names.pause.lock().unwrap() = Some(pause);
    let cache = Arc::clone(&fixture.cache);
    let first = tokio::spawn(async move { cache.key("a").await });
    while fixture.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    resume.send(()).unwrap();
    assert_eq!((fixture.lookup("a").await.as_str(), fixture.fetches()), ("found", 1));
}

#[tokio::test]
async fn a_key_for_encryption_hides_none_for_signatures() {
    let names = Arc::new(Names::default());
    let cache = JwksCache::new(names, ManualClock::starting_at(Timestamp::from_ms(0)));
    let encryption = Jwk { usage: Some("enc".to_owned()), ..jwk("a") };
    let fetched_at = ClockReading::of(&cache.0.clock);
    cache.0.state().keys = Some(Keys { list: vec![encryption, jwk("a")], fetched_at });
    assert_eq!(cache.key("a").await.unwrap(), Some(jwk("a")));
}
