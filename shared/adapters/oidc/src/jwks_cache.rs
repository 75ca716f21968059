//! Keys that were fetched, and when to fetch them again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use writ_model::{Error, ErrorKind, Timestamp};
use writ_ports::{Clock, Jwk, SigningKeys};

use crate::FetchError;

/// How long keys are as good as new: so long a key that its issuer withdrew lets in at most.
const FRESH_US: u64 = 10 * 60 * 1_000_000;

/// How long they are used while the issuer cannot be reached.
const STALE_US: u64 = 60 * 60 * 1_000_000;

/// How long after a fetch the next one comes at the earliest, while there are keys: callers who
/// make up names of keys, and an issuer that is down, cost one fetch in this time.
const AGAIN_S: u32 = 30;

/// The same while there are none.
const AGAIN_WITHOUT_KEYS_S: u32 = 5;

/// Where keys come from. It blocks, and ends within seconds.
pub trait Source: Send + Sync + 'static {
    /// Every key that the issuer publishes now.
    ///
    /// # Errors
    /// [`FetchError`], for the log.
    fn fetch(&self) -> Result<Vec<Jwk>, FetchError>;
}

/// An issuer's keys, fetched when they are asked for and kept for a while.
///
/// One fetch runs at a time, on a thread for blocking calls: any tokio runtime will do. Whoever
/// stops waiting does not stop it.
#[derive(Debug)]
pub struct JwksCache<S, C>(Arc<Shared<S, C>>);

#[derive(Debug)]
struct Shared<S, C> {
    source: S,
    clock: C,
    state: Mutex<State>,
    /// Held by the one who fetches.
    gate: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Keys>,
    /// When the latest fetch ended, well or not.
    tried: Option<ClockReading>,
    has_failed: bool,
}

#[derive(Debug)]
struct Keys {
    list: Vec<Jwk>,
    since: ClockReading,
}

/// A moment on both clocks. Ticks may stand still while a function is frozen; time may step.
#[derive(Clone, Copy, Debug)]
struct ClockReading {
    ticks_us: u64,
    time: Timestamp,
}

/// What is known about a key without a fetch.
enum Known {
    Answer(Result<Option<Jwk>, Error>),
    /// It takes a fetch; meanwhile others go on with what there is.
    Due(Option<Jwk>),
}

impl ClockReading {
    fn of(clock: &impl Clock) -> Self {
        Self { ticks_us: clock.ticks_us(), time: clock.now() }
    }

    /// By the clock that says more.
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
    /// The first key of the name that is for signatures.
    fn find(&self, kid: &str) -> Option<&Jwk> {
        self.list.iter().find(|key| key.kid.as_deref() == Some(kid) && key.is_for_signatures())
    }
}

impl<S: Source, C: Clock> Shared<S, C> {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody leaves it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, kid: &str) -> Known {
        self.state().look(kid, ClockReading::of(&self.clock))
    }

    /// Asks the source, and keeps what it says. The gate opens at the end.
    fn renew(&self, gate: OwnedMutexGuard<()>) {
        // What it says may be as old as the question.
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
    /// No keys yet, of this source.
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
            // Somebody fetches; a key at hand need not wait for it.
            (Err(_), Some(key)) => return Ok(Some(key)),
            (Err(_), None) => gate.lock_owned().await,
        };
        // Somebody may have fetched in between.
        if let Known::Answer(answer) = self.0.look(kid) {
            return answer;
        }
        let shared = Arc::clone(&self.0);
        let fetch = tokio::task::spawn_blocking(move || shared.renew(gate));
        fetch.await.map_err(Error::internal)?;
        match self.0.look(kid) {
            Known::Answer(answer) => answer,
            // Frozen for long right here. What there is was good a moment ago.
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
