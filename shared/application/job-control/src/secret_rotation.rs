//! The secrets that a workspace's callbacks are signed with: made when they are first needed, changed
//! on request.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use writ_model::{Error, ErrorKind, Timestamp, Workspace};
use writ_ports::{
    CALLBACK_SECRET_PREFIX, CALLBACK_SECRETS_MAX, CallbackSecret, CallbackSecretStore,
    CallbackSecrets, Clock, Ids,
};

/// An old secret goes on signing for a day, so that receivers can change over.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// Attempts of a write while other callers change the secrets at the same time.
const ATTEMPTS_MAX: u32 = 5;

/// The secrets that sign now, newest first. The first one is made where there is none.
///
/// # Errors
/// The store's; the operating system gives no random numbers.
pub async fn current_secrets(
    ports: &(impl CallbackSecretStore + Clock + Ids),
    workspace: &Workspace,
) -> Result<Vec<CallbackSecret>, Error> {
    add_secret_if(ports, workspace, None, |stored| stored.secrets.is_empty()).await
}

/// Adds a secret, which comes first. The one before signs beside it for a day. All requests with one
/// idempotency key add one secret: `request_id` is the id by that key, `None` without a key.
///
/// # Errors
/// As [`current_secrets`]; [`ErrorKind::Conflict`] where as many sign already as a message may
/// carry.
pub async fn rotate_secrets(
    ports: &(impl CallbackSecretStore + Clock + Ids),
    workspace: &Workspace,
    request_id: Option<&str>,
) -> Result<Vec<CallbackSecret>, Error> {
    let is_own = |secret: &CallbackSecret| secret.request_id.as_deref() == request_id;
    add_secret_if(ports, workspace, request_id, |stored| {
        request_id.is_none() || !stored.secrets.iter().any(is_own)
    })
    .await
}

async fn add_secret_if(
    ports: &(impl CallbackSecretStore + Clock + Ids),
    workspace: &Workspace,
    request_id: Option<&str>,
    needs_another: impl Fn(&CallbackSecrets) -> bool,
) -> Result<Vec<CallbackSecret>, Error> {
    for _ in 0..ATTEMPTS_MAX {
        let stored = ports.get_callback_secrets(workspace).await?;
        let now = ports.now();
        if !needs_another(&stored) {
            return Ok(unexpired(stored.secrets, now));
        }
        let ends_at = Some(now + OVERLAP);
        let secret = format!("{CALLBACK_SECRET_PREFIX}{}", STANDARD.encode(ports.secret()?));
        let older = unexpired(stored.secrets, now);
        if older.len() >= CALLBACK_SECRETS_MAX {
            return Err(too_many(&older));
        }
        let older = older.into_iter();
        let older = older.map(|old| CallbackSecret { ends_at: old.ends_at.or(ends_at), ..old });
        let newest = CallbackSecret {
            secret,
            made_at: now,
            ends_at: None,
            request_id: request_id.map(str::to_owned),
        };
        let secrets = std::iter::once(newest).chain(older).collect();
        let next = CallbackSecrets { version: stored.version + 1, secrets };
        if ports.put_callback_secrets(workspace, &next).await? {
            return Ok(next.secrets);
        }
    }
    let message = "others change the callback secrets at the same time; try again";
    Err(Error::new(ErrorKind::Unavailable, message).retry_after(1))
}

/// Another signature would be more than a message carries, and no secret ends before its day.
fn too_many(signing: &[CallbackSecret]) -> Error {
    let oldest = signing.last().and_then(|secret| secret.ends_at);
    let again = oldest.map(|end| format!("; try again after {end}")).unwrap_or_default();
    let message = format!(
        "{CALLBACK_SECRETS_MAX} secrets sign already, as the old ones do for a day{again}, when \
         the oldest ends"
    );
    Error::new(ErrorKind::Conflict, message)
}

fn unexpired(secrets: Vec<CallbackSecret>, now: Timestamp) -> Vec<CallbackSecret> {
    secrets.into_iter().filter(|secret| secret.ends_at.is_none_or(|end| end > now)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A store of one workspace, at an hour of the day.
    struct Memory {
        secrets: Mutex<CallbackSecrets>,
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
            Ok([u8::try_from(self.secrets.lock().unwrap().version).unwrap(); 32])
        }
    }

    impl CallbackSecretStore for Memory {
        async fn get_callback_secrets(&self, _: &Workspace) -> Result<CallbackSecrets, Error> {
            Ok(self.secrets.lock().unwrap().clone())
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
            *self.secrets.lock().unwrap() = secrets.clone();
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
        let mut memory = Memory { secrets: Mutex::default(), hour: 0, lost_races: Mutex::new(2) };
        let workspace = Workspace::default();
        let first = ready(current_secrets(&memory, &workspace)).unwrap();
        assert_eq!(ready(current_secrets(&memory, &workspace)).unwrap(), first);
        assert!(writ_callbacks::Secret::parse(&first[0].secret).is_ok(), "a client can sign");
        let both = ready(rotate_secrets(&memory, &workspace, None)).unwrap();
        assert_eq!(both.len(), 2);
        assert_eq!((&both[1].secret, both[0].ends_at), (&first[0].secret, None));
        memory.hour = 23;
        assert_eq!(ready(current_secrets(&memory, &workspace)).unwrap(), both);
        memory.hour = 24;
        assert_eq!(ready(current_secrets(&memory, &workspace)).unwrap(), both[..1]);
    }

    #[test]
    fn one_key_adds_one_secret() {
        let memory = Memory { secrets: Mutex::default(), hour: 0, lost_races: Mutex::default() };
        let workspace = Workspace::default();
        let first = ready(rotate_secrets(&memory, &workspace, Some("k"))).unwrap();
        assert_eq!(ready(rotate_secrets(&memory, &workspace, Some("k"))).unwrap(), first);
        let both = ready(rotate_secrets(&memory, &workspace, Some("l"))).unwrap();
        assert_eq!(ready(rotate_secrets(&memory, &workspace, Some("k"))).unwrap(), both);
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn no_more_secrets_sign_than_a_message_carries() {
        let mut memory =
            Memory { secrets: Mutex::default(), hour: 0, lost_races: Mutex::default() };
        let workspace = Workspace::default();
        for wanted in 1..=CALLBACK_SECRETS_MAX {
            assert_eq!(ready(rotate_secrets(&memory, &workspace, None)).unwrap().len(), wanted);
        }
        let error = ready(rotate_secrets(&memory, &workspace, None)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("1970-01-02T00:00:00"), "{error}");
        memory.hour = 24;
        assert_eq!(ready(rotate_secrets(&memory, &workspace, None)).unwrap().len(), 2);
    }
}
