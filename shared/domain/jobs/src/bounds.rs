//! How long and how often.

use std::time::Duration;

use writ_model::Backoff;

/// A lease that is not renewed ends after this.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a runner renews: five renewals may go astray.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// The first beat comes sooner: it is what says that the policy runs.
pub const FIRST_HEARTBEAT: Duration = Duration::from_millis(250);

/// A lease goes beyond the run's time by this: loading, a pre-check, the commit.
pub const LEASE_GRACE: Duration = Duration::from_secs(60);

/// The waits between signals of a queued job, in case one was lost: two minutes at first, then twice
/// as long each time, up to an hour.
pub const RENOTIFY: Backoff =
    Backoff { first: Duration::from_secs(120), max: Duration::from_secs(3_600) };

/// The default timeout of an attempt, in seconds.
pub const TIMEOUT_S: u32 = 300;

/// The maximum timeout of an attempt on the platform itself, in seconds: a Lambda function ends
/// after 15 minutes.
pub const TIMEOUT_S_MAX: u32 = 840;

/// The maximum number of attempts of a job without `max_attempts`. Only failures of the platform
/// are repeated then.
pub const ATTEMPTS: u32 = 3;

/// The upper bound of `max_attempts`.
pub const ATTEMPTS_MAX: u32 = 10;

/// The highest priority; the lowest is 0.
pub const PRIORITY_MAX: u8 = 9;

/// The default priority of a job.
pub const PRIORITY: u8 = 5;

/// The most days that a job may wait for its time: a year.
pub const NOT_BEFORE_DAYS_MAX: u64 = 366;

/// A job may wait this long for its time: a year.
pub const NOT_BEFORE_HORIZON: Duration = Duration::from_secs(NOT_BEFORE_DAYS_MAX * 24 * 3_600);

/// The maximum length of a job's name, in characters.
pub const NAME_CHARS_MAX: usize = 120;

/// The number of attempts that a job's state keeps, the newest ones.
pub const ATTEMPTS_KEPT: usize = 20;

/// The number of idempotency keys that a job knows of those that started a round, the newest ones.
pub const ROUND_IDS_MAX: usize = 20;

/// The pauses before another attempt, as long as they are without jitter: each further one is twice
/// as long, up to five minutes.
pub const RETRY: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(300) };

/// One runner's claim on the delivery of a callback ends after this.
pub const CALLBACK_CLAIM: Duration = Duration::from_secs(60);
