//! The cache of an issuer's keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use writ_model::{Error, ErrorKind, Timestamp};
use writ_ports::{Clock, Jwk, SigningKeys};

use crate::FetchError;

/// How long keys are fresh, in microseconds. A key that its issuer withdrew is accepted for at most
/// this time.
const FRESH_US: u64 = 10 * 60 * 1_000_000;

/// How long stale keys are used while the issuer cannot be reached, in microseconds.
const STALE_US: u64 = 60 * 60 * 1_000_000;

/// The minimum interval between two fetches while there are keys, in seconds. It limits the fetches
/// that unknown key ids in requests, or an outage of the issuer, cause.
const REFETCH_S: u32 = 30;

/// The minimum interval between two fetches while there are no keys, in seconds.
const REFETCH_WITHOUT_KEYS_S: u32 = 5;

/// A source of keys. Its calls block, and end within seconds.
pub trait KeySource: Send + Sync + 'static {
    /// Fetches all keys that the issuer currently publishes.
    ///
    /// # Errors
    /// Returns a [`FetchError`] for the log.
    fn fetch(&self) -> Result<Vec<Jwk>, FetchError>;
}

/// A cache of an issuer's keys, which are fetched on demand.
///
/// One fetch runs at a time, on a blocking thread of any tokio runtime. Dropping the future of a
/// caller does not cancel it.
#[derive(Debug)]
pub struct JwksCache<S, C>(Arc<Inner<S, C>>);

#[derive(Debug)]
struct Inner<S, C> {
    source: S,
    clock: C,
    state: Mutex<State>,
    /// Held during a fetch.
    fetch_lock: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Keys>,
    /// The end of the latest fetch, successful or not.
    last_fetch: Option<ClockReading>,
    has_failed: bool,
}

#[derive(Debug)]
struct Keys {
    list: Vec<Jwk>,
    fetched_at: ClockReading,
}

/// A reading of both clocks. Ticks can stop while a function is frozen, and the time can step.
#[derive(Clone, Copy, Debug)]
struct ClockReading {
    ticks_us: u64,
    time: Timestamp,
}

/// The result of a lookup in the cache.
enum Lookup {
    Resolved(Result<Option<Jwk>, Error>),
    /// A fetch is due. Concurrent callers use the cached key meanwhile, if there is one.
    FetchDue(Option<Jwk>),
}

impl ClockReading {
    fn of(clock: &impl Clock) -> Self {
        Self { ticks_us: clock.ticks_us(), time: clock.now() }
    }

    /// Returns the elapsed time by the clock that advanced more, in microseconds.
    fn elapsed_us(self, now: Self) -> u64 {
        let ms = now.time.as_ms().saturating_sub(self.time.as_ms());
        let by_time = u64::try_from(ms).unwrap_or(0).saturating_mul(1_000);
        now.ticks_us.saturating_sub(self.ticks_us).max(by_time)
    }
}

impl State {
    fn lookup(&self, kid: &str, now: ClockReading) -> Lookup {
        let age_us = self.keys.as_ref().map(|keys| keys.fetched_at.elapsed_us(now));
        let usable = self.keys.as_ref().filter(|_| age_us.is_some_and(|age| age < STALE_US));
        let key = usable.and_then(|keys| keys.find(kid));
        let is_fresh = age_us.is_some_and(|age| age < FRESH_US);
        let refetch_s = if usable.is_some() { REFETCH_S } else { REFETCH_WITHOUT_KEYS_S };
        let refetch_us = u64::from(refetch_s) * 1_000_000;
        let may_fetch =
            self.last_fetch.is_none_or(|last_fetch| last_fetch.elapsed_us(now) >= refetch_us);
        match key {
            Some(key) if is_fresh || !may_fetch => Lookup::Resolved(Ok(Some(key.clone()))),
            key if may_fetch => Lookup::FetchDue(key.cloned()),
            _ if usable.is_none() || self.has_failed => {
                Lookup::Resolved(Err(unreachable(refetch_s)))
            }
            _ => Lookup::Resolved(Ok(None)),
        }
    }
}

impl Keys {
    /// Returns the first key of this id that is for signatures.
    fn find(&self, kid: &str) -> Option<&Jwk> {
        self.list.iter().find(|key| key.kid.as_deref() == Some(kid) && key.is_for_signatures())
    }
}

impl<S: KeySource, C: Clock> Inner<S, C> {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after a panic: no code panics between the assignments of an
        // update.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookup(&self, kid: &str) -> Lookup {
        self.state().lookup(kid, ClockReading::of(&self.clock))
    }

    /// Fetches the keys and stores them. Releases the lock at the end.
    fn refresh(&self, fetch_lock: OwnedMutexGuard<()>) {
        // The keys may be as old as the start of the fetch.
        let fetched_at = ClockReading::of(&self.clock);
        let fetched = self.source.fetch();
        let mut state = self.state();
        state.last_fetch = Some(ClockReading::of(&self.clock));
        state.has_failed = fetched.is_err();
        match fetched {
            Ok(list) => state.keys = Some(Keys { list, fetched_at }),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the identity provider's keys could not be fetched");
            }
        }
        drop(state);
        drop(fetch_lock);
    }
}

impl<S: KeySource, C: Clock + 'static> JwksCache<S, C> {
    /// Creates an empty cache over a source.
    pub fn new(source: S, clock: C) -> Self {
        let (state, fetch_lock) = (Mutex::default(), Arc::default());
        Self(Arc::new(Inner { source, clock, state, fetch_lock }))
    }
}

impl<S: KeySource, C: Clock + 'static> SigningKeys for JwksCache<S, C> {
    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        let meanwhile = match self.0.lookup(kid) {
            Lookup::Resolved(answer) => return answer,
            Lookup::FetchDue(key) => key,
        };
        let fetch_lock = Arc::clone(&self.0.fetch_lock);
        let fetch_lock = match (Arc::clone(&fetch_lock).try_lock_owned(), meanwhile) {
            (Ok(fetch_lock), _) => fetch_lock,
            // Another caller fetches; a cached key can be used without waiting.
            (Err(_), Some(key)) => return Ok(Some(key)),
            (Err(_), None) => fetch_lock.lock_owned().await,
        };
        // Another caller may have fetched in the meantime.
        if let Lookup::Resolved(answer) = self.0.lookup(kid) {
            return answer;
        }
        let shared = Arc::clone(&self.0);
        let fetch = tokio::task::spawn_blocking(move || shared.refresh(fetch_lock));
        fetch.await.map_err(Error::internal)?;
        match self.0.lookup(kid) {
            Lookup::Resolved(answer) => answer,
            // The process was frozen here for long. The cached key was valid when it was fetched.
            Lookup::FetchDue(Some(key)) => Ok(Some(key)),
            Lookup::FetchDue(None) => Err(unreachable(REFETCH_WITHOUT_KEYS_S)),
        }
    }
}

fn unreachable(retry_after_s: u32) -> Error {
    let message = "the identity provider could not be reached, so no JWT can be verified now";
    Error::new(ErrorKind::Unavailable, message).retry_after(retry_after_s)
}

#[cfg(test)]
mod tests;
