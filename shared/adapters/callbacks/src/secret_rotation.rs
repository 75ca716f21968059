//! A workspace's secrets: made when they are first needed, changed when somebody asks.

use writ_model::{Error, ErrorKind, Timestamp, Workspace};
use writ_ports::{CallbackSecret, CallbackSecretStore, CallbackSecrets, Clock, Ids};

use crate::{SECRETS_MAX, Secret};

/// An old secret goes on signing for so long, so that receivers can change over.
const OVERLAP_MS: i64 = 24 * 3_600_000;

/// Tries against others who change the secrets at the same time.
const TRIES: u32 = 5;

/// The secrets that sign now, newest first; the first one is made where there is none.
///
/// # Errors
/// The store's; no randomness to be had.
pub async fn current(
    ports: &(impl CallbackSecretStore + Clock + Ids),
    workspace: &Workspace,
) -> Result<Vec<CallbackSecret>, Error> {
    change(ports, workspace, |kept| kept.secrets.is_empty()).await
}

/// A new secret goes first; the one before signs beside it for a day.
///
/// # Errors
/// As [`current`]; [`ErrorKind::Conflict`] where as many sign already as a message may carry.
pub async fn rotate(
    ports: &(impl CallbackSecretStore + Clock + Ids),
    workspace: &Workspace,
) -> Result<Vec<CallbackSecret>, Error> {
    change(ports, workspace, |_| true).await
}

async fn change(
    ports: &(impl CallbackSecretStore + Clock + Ids),
    workspace: &Workspace,
    wants_another: impl Fn(&CallbackSecrets) -> bool,
) -> Result<Vec<CallbackSecret>, Error> {
    for _ in 0..TRIES {
        let kept = ports.get_callback_secrets(workspace).await?;
        let now = ports.now();
        if !wants_another(&kept) {
            return Ok(alive(kept.secrets, now));
        }
        let ends_at = Some(Timestamp::from_ms(now.as_ms().saturating_add(OVERLAP_MS)));
        let secret = Secret::from_bytes(ports.secret()?).reveal();
        let older = alive(kept.secrets, now);
        if older.len() >= SECRETS_MAX {
            return Err(too_many(&older));
        }
        let older = older.into_iter();
        let older = older.map(|old| CallbackSecret { ends_at: old.ends_at.or(ends_at), ..old });
        let newest = CallbackSecret { secret, made_at: now, ends_at: None };
        let secrets = std::iter::once(newest).chain(older).collect();
        let next = CallbackSecrets { version: kept.version + 1, secrets };
        if ports.put_callback_secrets(workspace, &next).await? {
            return Ok(next.secrets);
        }
    }
    let message = "others change the callback secrets at the same time; try again";
    Err(Error::new(ErrorKind::Unavailable, message).retry_after(1))
}

/// Another signature would be more than a message carries, and nobody's secret ends before its day.
fn too_many(signing: &[CallbackSecret]) -> Error {
    let oldest = signing.last().and_then(|secret| secret.ends_at);
    let again = oldest.map(|end| format!("; try again after {end}")).unwrap_or_default();
    let message = format!(
        "{SECRETS_MAX} secrets sign already, as the old ones do for a day{again}, when the oldest ends"
    );
    Error::new(ErrorKind::Conflict, message)
}

fn alive(secrets: Vec<CallbackSecret>, now: Timestamp) -> Vec<CallbackSecret> {
    secrets.into_iter().filter(|secret| secret.ends_at.is_none_or(|end| end > now)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A store of one workspace, at an hour of the day.
    struct Memory {
        kept: Mutex<CallbackSecrets>,
        hour: i64,
        lost_races: Mutex<u32>,
    }

    impl Clock for Memory {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(self.hour * 3_600_000)
        }
    }

    impl Ids for Memory {
        fn id(&self, _now: Timestamp) -> String {
            String::new()
        }

        fn seed(&self) -> u64 {
            0
        }

        fn secret(&self) -> Result<[u8; 32], Error> {
            Ok([u8::try_from(self.kept.lock().unwrap().version).unwrap(); 32])
        }
    }

    impl CallbackSecretStore for Memory {
        async fn get_callback_secrets(&self, _: &Workspace) -> Result<CallbackSecrets, Error> {
            Ok(self.kept.lock().unwrap().clone())
        }

        async fn put_callback_secrets(
            &self,
            _: &Workspace,
            secrets: &CallbackSecrets,
        ) -> Result<bool, Error> {
            let mut lost = self.lost_races.lock().unwrap();
            if *lost > 0 {
                *lost -= 1;
                return Ok(false);
            }
            *self.kept.lock().unwrap() = secrets.clone();
            Ok(true)
        }
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn the_first_secret_is_made_once_and_an_old_one_signs_for_a_day_more() {
        let mut memory = Memory { kept: Mutex::default(), hour: 0, lost_races: Mutex::new(2) };
        let workspace = Workspace::default();
        let first = ready(current(&memory, &workspace)).unwrap();
        assert_eq!(ready(current(&memory, &workspace)).unwrap(), first);
        let both = ready(rotate(&memory, &workspace)).unwrap();
        assert_eq!(both.len(), 2);
        assert_eq!((&both[1].secret, both[0].ends_at), (&first[0].secret, None));
        memory.hour = 23;
        assert_eq!(ready(current(&memory, &workspace)).unwrap(), both);
        memory.hour = 24;
        assert_eq!(ready(current(&memory, &workspace)).unwrap(), both[..1]);
    }

    #[test]
    fn no_more_secrets_sign_than_a_message_carries() {
        let mut memory = Memory { kept: Mutex::default(), hour: 0, lost_races: Mutex::default() };
        let workspace = Workspace::default();
        for wanted in 1..=SECRETS_MAX {
            assert_eq!(ready(rotate(&memory, &workspace)).unwrap().len(), wanted);
        }
        let error = ready(rotate(&memory, &workspace)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("1970-01-02T00:00:00"), "{error}");
        memory.hour = 24;
        assert_eq!(ready(rotate(&memory, &workspace)).unwrap().len(), 2);
    }
}
