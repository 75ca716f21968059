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
const AGAIN_S: u32 = 30;

/// The minimum interval between two fetches while there are no keys, in seconds.
const AGAIN_WITHOUT_KEYS_S: u32 = 5;

/// A source of keys. Its calls block, and end within seconds.
pub trait Source: Send + Sync + 'static {
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
pub struct JwksCache<S, C>(Arc<Shared<S, C>>);

#[derive(Debug)]
struct Shared<S, C> {
    source: S,
    clock: C,
    state: Mutex<State>,
    /// Held during a fetch.
    gate: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Keys>,
    /// The end of the latest fetch, successful or not.
    tried: Option<ClockReading>,
    has_failed: bool,
}

#[derive(Debug)]
struct Keys {
    list: Vec<Jwk>,
    since: ClockReading,
}

/// A reading of both clocks. Ticks can stop while a function is frozen, and the time can step.
#[derive(Clone, Copy, Debug)]
struct ClockReading {
    ticks_us: u64,
    time: Timestamp,
}

/// The result of a lookup in the cache.
enum Known {
    Answer(Result<Option<Jwk>, Error>),
    /// A fetch is due. Concurrent callers use the cached key meanwhile, if there is one.
    Due(Option<Jwk>),
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
    fn look(&self, kid: &str, now: ClockReading) -> Known {
        let age_us = self.keys.as_ref().map(|keys| keys.since.elapsed_us(now));
        let usable = self.keys.as_ref().filter(|_| age_us.is_some_and(|age| age < STALE_US));
        let key = usable.and_then(|keys| keys.find(kid));
        let is_fresh = age_us.is_some_and(|age| age < FRESH_US);
        let again_s = if usable.is_some() { AGAIN_S } else { AGAIN_WITHOUT_KEYS_S };
        let again_us = u64::from(again_s) * 1_000_000;
        let may_fetch = self.tried.is_none_or(|tried| tried.elapsed_us(now) >= again_us);
        match key {
            Some(key) if is_fresh || !may_fetch => Known::Answer(Ok(Some(key.clone()))),
            key if may_fetch => Known::Due(key.cloned()),
            _ if usable.is_none() || self.has_failed => Known::Answer(Err(unreachable(again_s))),
            _ => Known::Answer(Ok(None)),
        }
    }
}

impl Keys {
    /// Returns the first key of this id that is for signatures.
    fn find(&self, kid: &str) -> Option<&Jwk> {
        self.list.iter().find(|key| key.kid.as_deref() == Some(kid) && key.is_for_signatures())
    }
}

impl<S: Source, C: Clock> Shared<S, C> {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after a panic: no code panics between the assignments of an
        // update.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, kid: &str) -> Known {
        self.state().look(kid, ClockReading::of(&self.clock))
    }

    /// Fetches the keys and stores them. Releases the lock at the end.
    fn renew(&self, gate: OwnedMutexGuard<()>) {
        // The keys may be as old as the start of the fetch.
        let since = ClockReading::of(&self.clock);
        let fetched = self.source.fetch();
        let mut state = self.state();
        state.tried = Some(ClockReading::of(&self.clock));
        state.has_failed = fetched.is_err();
        match fetched {
            Ok(list) => state.keys = Some(Keys { list, since }),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the identity provider's keys could not be fetched");
            }
        }
        drop(state);
        drop(gate);
    }
}

impl<S: Source, C: Clock + 'static> JwksCache<S, C> {
    /// Creates an empty cache over a source.
    pub fn new(source: S, clock: C) -> Self {
        let (state, gate) = (Mutex::default(), Arc::default());
        Self(Arc::new(Shared { source, clock, state, gate }))
    }
}

impl<S: Source, C: Clock + 'static> SigningKeys for JwksCache<S, C> {
    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        let meanwhile = match self.0.look(kid) {
            Known::Answer(answer) => return answer,
            Known::Due(key) => key,
        };
        let gate = Arc::clone(&self.0.gate);
        let gate = match (Arc::clone(&gate).try_lock_owned(), meanwhile) {
            (Ok(gate), _) => gate,
            // Another caller fetches; a cached key can be used without waiting.
            (Err(_), Some(key)) => return Ok(Some(key)),
            (Err(_), None) => gate.lock_owned().await,
        };
        // Another caller may have fetched in the meantime.
        if let Known::Answer(answer) = self.0.look(kid) {
            return answer;
        }
        let shared = Arc::clone(&self.0);
        let fetch = tokio::task::spawn_blocking(move || shared.renew(gate));
        fetch.await.map_err(Error::internal)?;
        match self.0.look(kid) {
            Known::Answer(answer) => answer,
            // The process was frozen here for long. The cached key was valid when it was fetched.
            Known::Due(Some(key)) => Ok(Some(key)),
            Known::Due(None) => Err(unreachable(AGAIN_WITHOUT_KEYS_S)),
        }
    }
}

fn unreachable(retry_after_s: u32) -> Error {
    let message =
        "the identity provider could not be reached, so nobody can be let in by a JWT now";
    Error::new(ErrorKind::Unavailable, message).retry_after(retry_after_s)
}

#[cfg(test)]
mod tests;
