//! The load and the faults of one schedule. Each schedule draws only some kinds of fault: under all
//! of them at once, jobs do not get far enough for the rare cases.

use crate::rng::Rng;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// A start and an end, in milliseconds; the end is exclusive.
pub(crate) type Interval = (u64, u64);

/// The configuration of one schedule. Rates are in thousandths; times are in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) jobs: u64,
    pub(crate) runners: u64,
    pub(crate) sweepers: u64,
    /// The time after which no fault happens.
    pub(crate) faults_end_ms: u64,
    /// The rate of calls that fail and have no effect.
    pub(crate) call_errors: u64,
    /// The rate of calls that have their effect and lose their response.
    pub(crate) responses_lost: u64,
    /// The rate of calls that have their effect twice.
    pub(crate) duplicates: u64,
    /// The rate of calls in which the process crashes before the effect.
    pub(crate) crashes_before: u64,
    /// The rate of calls in which the process crashes after the effect.
    pub(crate) crashes_after: u64,
    /// The rate of calls in which the process crashes and the effect comes up to two minutes later.
    pub(crate) crashes_with_delay: u64,
    /// The rate of pauses of the process, of up to seven minutes, before and after the effect.
    pub(crate) pauses: u64,
    /// The longest time before the effect of a call, and after it.
    pub(crate) latency_ms_max: u64,
    /// The intervals in which the store refuses all calls.
    pub(crate) store_outages: Vec<Interval>,
    /// The intervals in which the queue refuses all calls.
    pub(crate) queue_outages: Vec<Interval>,
    /// The rate of signals that are lost.
    pub(crate) signals_lost: u64,
    /// The rate of signals that arrive twice.
    pub(crate) signals_duplicated: u64,
    /// The longest time that a signal is late.
    pub(crate) signal_delay_ms_max: u64,
    /// The greatest error of a clock at the start.
    pub(crate) skew_ms_max: u64,
    /// How often a clock is set during the schedule.
    pub(crate) clock_jumps: u64,
    /// The greatest drift of a clock, in thousandths.
    pub(crate) drift_per_mille_max: u64,
    /// The longest time that an index lags behind its table.
    pub(crate) index_lag_ms_max: u64,
    /// The rate of attempts that admission refuses.
    pub(crate) admissions_refused: u64,
    /// The rate of runs in which the policy raises an error.
    pub(crate) policy_errors: u64,
    /// The rate of runs that the engine loses.
    pub(crate) runs_lost: u64,
    /// The longest run, apart from `long_runs`.
    pub(crate) run_ms_max: u64,
    /// The rate of runs that take up to seven minutes.
    pub(crate) long_runs: u64,
    /// The rate of callbacks that do not arrive.
    pub(crate) callbacks_lost: u64,
    /// The rate of callbacks that arrive and lose their response.
    pub(crate) callback_responses_lost: u64,
    /// The rate of jobs that a client cancels.
    pub(crate) cancellations: u64,
    /// The rate of retries by a client, of which each job may have two.
    pub(crate) retries: u64,
    /// The rate of jobs with a `not_before`.
    pub(crate) delayed_starts: u64,
    /// The time within which all jobs are submitted.
    pub(crate) arrival_ms_max: u64,
    /// Whether each leased job must be the first of the queue.
    pub(crate) has_queue_order: bool,
}

impl Config {
    /// A schedule with random faults.
    pub(crate) fn with_faults(rng: &mut Rng) -> Self {
        let mut config = Self {
            jobs: rng.between(1, 4),
            runners: rng.between(1, 3),
            sweepers: rng.between(1, 2),
            faults_end_ms: rng.choose(&[MINUTE, 3 * MINUTE, 8 * MINUTE]),
            latency_ms_max: rng.choose(&[2, 50, 500, 5 * SECOND]),
            run_ms_max: rng.choose(&[50, 2 * SECOND, 20 * SECOND]),
            long_runs: rng.choose(&[0, 0, 100]),
            arrival_ms_max: rng.choose(&[1, 2 * SECOND, MINUTE]),
            policy_errors: rng.choose(&[0, 100, 500]),
            delayed_starts: rng.choose(&[0, 0, 500]),
            ..Self::default()
        };
        let end = config.faults_end_ms;
        for rate in [
            &mut config.call_errors,
            &mut config.responses_lost,
            &mut config.duplicates,
            &mut config.crashes_before,
            &mut config.crashes_after,
            &mut config.crashes_with_delay,
            &mut config.pauses,
        ] {
            *rate = rng.choose(&[0, 0, 0, 5, 20, 80]);
        }
        for rate in [
            &mut config.signals_lost,
            &mut config.signals_duplicated,
            &mut config.admissions_refused,
            &mut config.runs_lost,
            &mut config.callbacks_lost,
            &mut config.callback_responses_lost,
            &mut config.cancellations,
            &mut config.retries,
        ] {
            *rate = rng.choose(&[0, 0, 100, 400, 900]);
        }
        for intervals in [&mut config.store_outages, &mut config.queue_outages] {
            for _ in 0..rng.choose(&[0, 0, 1, 3]) {
                let start = rng.below(end);
                intervals.push((start, start + rng.between(SECOND, MINUTE)));
            }
        }
        config.signal_delay_ms_max = rng.choose(&[0, 100, 30 * SECOND]);
        config.skew_ms_max = rng.choose(&[0, 0, 300, 10 * MINUTE]);
        config.clock_jumps = rng.choose(&[0, 0, 0, 2, 6]);
        config.drift_per_mille_max = rng.choose(&[0, 0, 10]);
        config.index_lag_ms_max = rng.choose(&[0, 200, 5 * SECOND]);
        config
    }

    /// A schedule without faults other than those of policies, and without sweeps.
    pub(crate) fn without_faults(rng: &mut Rng) -> Self {
        Self {
            jobs: rng.between(1, 6),
            runners: rng.between(1, 3),
            faults_end_ms: 10 * MINUTE,
            latency_ms_max: rng.choose(&[2, 50]),
            run_ms_max: rng.choose(&[50, 2 * SECOND, 20 * SECOND]),
            arrival_ms_max: rng.choose(&[1, 2 * SECOND, MINUTE]),
            policy_errors: rng.choose(&[0, 100, 500]),
            runs_lost: rng.choose(&[0, 300]),
            admissions_refused: rng.choose(&[0, 300]),
            delayed_starts: rng.choose(&[0, 500]),
            cancellations: rng.choose(&[0, 100]),
            retries: rng.choose(&[0, 300]),
            // Queues deliver at least once, so a duplicate is not a fault.
            signals_duplicated: rng.choose(&[0, 300]),
            signal_delay_ms_max: rng.choose(&[0, 100]),
            ..Self::default()
        }
    }

    /// A schedule with one runner and no latency, where the order of leases is determined.
    pub(crate) fn with_queue_order(rng: &mut Rng) -> Self {
        Self {
            jobs: rng.between(2, 12),
            runners: 1,
            sweepers: 0,
            latency_ms_max: 0,
            signals_duplicated: 0,
            signal_delay_ms_max: 0,
            has_queue_order: true,
            ..Self::without_faults(rng)
        }
    }

    /// Whether the schedule is without faults other than those of policies.
    pub(crate) fn is_fault_free(&self) -> bool {
        self.sweepers == 0
    }
}
