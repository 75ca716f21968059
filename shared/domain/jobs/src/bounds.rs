//! Durations and limits of jobs. A name ends in its unit.

/// The time after which a lease expires unless it is renewed, in milliseconds.
pub const LEASE_MS: i64 = 30_000;

/// The interval of a runner's heartbeats, in milliseconds: a lease survives five lost ones.
pub const HEARTBEAT_MS: u64 = 5_000;

/// The delay before the first heartbeat, in milliseconds. It is short, because the first heartbeat
/// reports that the policy runs.
pub const FIRST_HEARTBEAT_MS: u64 = 250;

/// The time by which a lease may exceed the timeout of its attempt, in milliseconds: for loading,
/// the pre-check and the commit.
pub const LEASE_GRACE_MS: i64 = 60_000;

/// The time after which the signal of a queued job is sent again in case it was lost, in
/// milliseconds. It doubles each time.
pub const ANNOUNCE_MS: i64 = 120_000;

/// The upper bound of that time, in milliseconds.
pub const ANNOUNCE_MS_MAX: i64 = 3_600_000;

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

/// The longest time until `not_before`, in milliseconds: a year.
pub const NOT_BEFORE_HORIZON_MS: i64 = 366 * 24 * 3_600_000;

/// The maximum length of a job's name, in characters.
pub const NAME_CHARS_MAX: usize = 120;

/// The number of attempts that a job's state keeps, the newest ones.
pub const ATTEMPTS_KEPT: usize = 20;

/// The first step of the backoff, in milliseconds. It doubles with each attempt.
pub const BACKOFF_MS: i64 = 1_000;

/// The upper bound of the backoff, in milliseconds.
pub const BACKOFF_MS_MAX: i64 = 300_000;

/// The time for which a claim on a callback is exclusive, in milliseconds.
pub const CALLBACK_CLAIM_MS: i64 = 60_000;
