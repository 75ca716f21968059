//! Tests of the cache over hours, on a manual clock.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

/// A source of keys by name, which can be down.
#[derive(Default)]
struct Names {
    published: Mutex<Vec<&'static str>>,
    is_down: AtomicBool,
    fetches: AtomicUsize,
    /// Each fetch waits for a message on this channel, if there is one.
    hold: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Source for Arc<Names> {
    fn fetch(&self) -> Result<Vec<Jwk>, FetchError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if let Some(hold) = &*self.hold.lock().unwrap() {
            hold.recv().unwrap();
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

/// A clock that the tests advance.
#[derive(Clone, Default)]
struct Hands {
    ticks_us: Arc<AtomicU64>,
    time_ms: Arc<AtomicU64>,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.time_ms.load(Ordering::SeqCst) as i64)
    }

    fn ticks_us(&self) -> u64 {
        self.ticks_us.load(Ordering::SeqCst)
    }
}

impl Hands {
    fn forward_s(&self, seconds: u64) {
        self.ticks_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        self.time_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

struct World {
    names: Arc<Names>,
    hands: Hands,
    kept: Arc<JwksCache<Arc<Names>, Hands>>,
}

impl World {
    fn with(published: &[&'static str]) -> Self {
        let (names, hands) = (Arc::new(Names::default()), Hands::default());
        *names.published.lock().unwrap() = published.to_vec();
        let kept = Arc::new(JwksCache::new(Arc::clone(&names), hands.clone()));
        Self { names, hands, kept }
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
    async fn ask(&self, kid: &str) -> String {
        match self.kept.key(kid).await {
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
    let world = World::with(&["a", "b"]);
    assert_eq!(world.fetches(), 0, "nothing is fetched before somebody asks");
    for kid in ["a", "b", "a"] {
        assert_eq!(world.ask(kid).await, "found");
    }
    world.hands.forward_s(599);
    assert_eq!((world.ask("a").await.as_str(), world.fetches()), ("found", 1));
    world.hands.forward_s(1);
    assert_eq!((world.ask("a").await.as_str(), world.fetches()), ("found", 2));
}

#[tokio::test]
async fn a_withdrawn_key_is_gone_after_ten_minutes() {
    let world = World::with(&["a"]);
    assert_eq!(world.ask("a").await, "found");
    world.publish(&["b"]);
    assert_eq!(world.ask("a").await, "found");
    world.hands.forward_s(600);
    assert_eq!(world.ask("a").await, "unknown");
}

#[tokio::test]
async fn a_new_key_is_known_half_a_minute_after_the_last_fetch() {
    let world = World::with(&["a"]);
    assert_eq!(world.ask("a").await, "found");
    world.publish(&["a", "b"]);
    assert_eq!((world.ask("b").await.as_str(), world.fetches()), ("unknown", 1));
    world.hands.forward_s(30);
    assert_eq!((world.ask("b").await.as_str(), world.fetches()), ("found", 2));
}

#[tokio::test]
async fn names_that_are_made_up_cost_the_issuer_one_fetch_in_half_a_minute() {
    let world = World::with(&["a"]);
    for second in 0..300 {
        assert_eq!(world.ask(&format!("made-up-{second}")).await, "unknown");
        world.hands.forward_s(1);
    }
    assert_eq!(world.fetches(), 10);
}

#[tokio::test]
async fn keys_outlive_their_issuer_for_an_hour() {
    let world = World::with(&["a"]);
    assert_eq!(world.ask("a").await, "found");
    world.is_down(true);
    for minute in 1..60 {
        world.hands.forward_s(60);
        assert_eq!(world.ask("a").await, "found", "minute {minute}");
    }
    world.hands.forward_s(60);
    assert_eq!(world.ask("a").await, "in 5 s");
    world.is_down(false);
    assert_eq!(world.ask("a").await, "in 5 s", "not asked again at once");
    world.hands.forward_s(5);
    assert_eq!(world.ask("a").await, "found");
}

#[tokio::test]
async fn while_the_issuer_is_down_an_unknown_key_is_no_proof_of_fraud() {
    let world = World::with(&["a"]);
    assert_eq!(world.ask("a").await, "found");
    world.is_down(true);
    world.hands.forward_s(30);
    assert_eq!(world.ask("b").await, "in 30 s");
    assert_eq!(world.ask("b").await, "in 30 s");
    assert_eq!((world.ask("a").await.as_str(), world.fetches()), ("found", 2));
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_is_asked_every_five_seconds() {
    let world = World::with(&["a"]);
    world.is_down(true);
    for _ in 0..20 {
        assert_eq!(world.ask("a").await, "in 5 s");
        world.hands.forward_s(1);
    }
    assert_eq!(world.fetches(), 4);
}

#[tokio::test]
async fn a_frozen_tick_does_not_keep_a_key_alive() {
    let world = World::with(&["a"]);
    assert_eq!(world.ask("a").await, "found");
    world.publish(&[]);
    world.hands.time_ms.fetch_add(3_600_000, Ordering::SeqCst);
    assert_eq!(world.ask("a").await, "unknown");
    // A clock that was set back does not keep it either.
    world.publish(&["a"]);
    world.hands.time_ms.store(0, Ordering::SeqCst);
    world.hands.ticks_us.fetch_add(30_000_000, Ordering::SeqCst);
    assert_eq!(world.ask("a").await, "found");
}

#[tokio::test]
async fn who_asks_at_the_same_time_waits_for_the_same_fetch() {
    let world = World::with(&["a"]);
    let (go_on, hold) = mpsc::channel();
    *world.names.hold.lock().unwrap() = Some(hold);
    let asks: Vec<_> = (0..50)
        .map(|_| {
            let kept = Arc::clone(&world.kept);
            tokio::spawn(async move { kept.key("a").await })
        })
        .collect();
    while world.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    go_on.send(()).unwrap();
    for ask in asks {
        assert!(ask.await.unwrap().unwrap().is_some());
    }
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn a_key_at_hand_does_not_wait_for_a_fetch() {
    let world = World::with(&["a"]);
    assert_eq!(world.ask("a").await, "found");
    let (go_on, hold) = mpsc::channel();
    *world.names.hold.lock().unwrap() = Some(hold);
    world.hands.forward_s(600);
    let kept = Arc::clone(&world.kept);
    let first = tokio::spawn(async move { kept.key("a").await });
    while world.fetches() == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.ask("a").await, "found", "while the fetch hangs");
    go_on.send(()).unwrap();
    assert!(first.await.unwrap().unwrap().is_some());
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn who_stops_waiting_does_not_stop_the_fetch() {
    let world = World::with(&["a"]);
    let (go_on, hold) = mpsc::channel();
    *world.names.hold.lock().unwrap() = Some(hold);
    let kept = Arc::clone(&world.kept);
    let first = tokio::spawn(async move { kept.key("a").await });
    while world.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    assert_eq!((world.ask("a").await.as_str(), world.fetches()), ("found", 1));
}

#[tokio::test]
async fn a_key_for_encryption_hides_none_for_signatures() {
    let names = Arc::new(Names::default());
    let kept = JwksCache::new(names, Hands::default());
    let encryption = Jwk { usage: Some("enc".to_owned()), ..jwk("a") };
    let since = ClockReading::of(&kept.0.clock);
    kept.0.state().keys = Some(Keys { list: vec![encryption, jwk("a")], since });
    assert_eq!(kept.key("a").await.unwrap(), Some(jwk("a")));
}
