//! How long and how often. Times are milliseconds.

/// A lease that is not renewed ends after this.
pub const LEASE_MS: i64 = 30_000;

/// How often a runner renews: five renewals may go astray.
pub const HEARTBEAT_MS: u64 = 5_000;

/// The first beat comes sooner: it is what says that the policy runs.
pub const FIRST_HEARTBEAT_MS: u64 = 250;

/// A lease goes beyond the run's time by this: loading, a pre-check, the commit.
pub const LEASE_GRACE_MS: i64 = 60_000;

/// A job whose announcement may have been lost is announced again after this; each further time
/// waits twice as long.
pub const ANNOUNCE_MS: i64 = 120_000;

/// No announcement waits longer.
pub const ANNOUNCE_MS_MAX: i64 = 3_600_000;

/// Seconds that an attempt may run unless its submitter says otherwise.
pub const TIMEOUT_S: u32 = 300;

/// Seconds that an attempt on the platform itself may run: a Lambda function ends after 15 minutes.
pub const TIMEOUT_S_MAX: u32 = 840;

/// Attempts of a job whose submitter did not say how many; only those that the platform lost are
/// repeated then.
pub const ATTEMPTS: u32 = 3;

/// Attempts that a submitter may ask for.
pub const ATTEMPTS_MAX: u32 = 10;

/// The highest priority.
pub const PRIORITY_MAX: u8 = 9;

/// The priority of a job whose submitter gave none.
pub const PRIORITY: u8 = 5;

/// A job may wait this long for its time: a year.
pub const NOT_BEFORE_HORIZON_MS: i64 = 366 * 24 * 3_600_000;

/// Characters of a job's name.
pub const NAME_CHARS_MAX: usize = 120;

/// Attempts that a job remembers.
pub const ATTEMPTS_KEPT: usize = 20;

/// The first pause before another attempt; each further one is twice as long.
pub const BACKOFF_MS: i64 = 1_000;

/// No pause is longer.
pub const BACKOFF_MS_MAX: i64 = 300_000;

/// A call that tells of the end is somebody's for this long.
pub const CALLBACK_CLAIM_MS: i64 = 60_000;
