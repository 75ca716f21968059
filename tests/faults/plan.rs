//! What may go wrong in one schedule. Each draws its own few faults: where everything goes wrong
//! at once, nothing gets far enough for the rare cases.

use crate::rng::Rng;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// From when to when, in milliseconds.
pub(crate) type Span = (u64, u64);

/// One schedule. Rates are so many of a thousand calls; times are milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) jobs: u64,
    pub(crate) runners: u64,
    pub(crate) sweepers: u64,
    /// Nothing goes wrong after this.
    pub(crate) faults_end: u64,
    /// A call fails and has had no effect.
    pub(crate) fails: u64,
    /// A call has its effect, and its answer is lost.
    pub(crate) answers_lost: u64,
    /// A write arrives twice.
    pub(crate) doubled: u64,
    /// The process dies before the call has an effect.
    pub(crate) dies_before: u64,
    /// The process dies after it.
    pub(crate) dies_after: u64,
    /// The process dies, and what it sent has its effect long after.
    pub(crate) dies_late: u64,
    /// The process stands still for minutes, then goes on.
    pub(crate) stops: u64,
    pub(crate) latency_max: u64,
    /// The store refuses everything meanwhile.
    pub(crate) throttled: Vec<Span>,
    /// The queue refuses everything meanwhile.
    pub(crate) queue_gone: Vec<Span>,
    /// A message never arrives.
    pub(crate) hints_lost: u64,
    /// A message arrives again.
    pub(crate) hints_doubled: u64,
    pub(crate) hint_delay_max: u64,
    /// Clocks of nodes differ by up to this.
    pub(crate) skew_max: u64,
    /// A clock is set anew, so often.
    pub(crate) clock_jumps: u64,
    /// Clocks go wrong by up to so many of a thousand.
    pub(crate) drift_max: u64,
    /// An index is behind its table by up to this.
    pub(crate) stale_max: u64,
    /// A limit refuses an attempt.
    pub(crate) limited: u64,
    /// The policy raises.
    pub(crate) raises: u64,
    /// The engine loses the run.
    pub(crate) runs_lost: u64,
    /// A policy runs for up to this.
    pub(crate) run_max: u64,
    /// A policy runs for up to seven minutes.
    pub(crate) runs_long: u64,
    /// A call that tells of an end does not arrive.
    pub(crate) callbacks_lost: u64,
    /// It arrives, and seems not to have.
    pub(crate) callbacks_unsure: u64,
    /// A job is cancelled.
    pub(crate) cancelled: u64,
    /// A job is tried again by hand.
    pub(crate) retried: u64,
    /// A job waits for a time.
    pub(crate) later: u64,
    /// Jobs arrive within this.
    pub(crate) arrival_max: u64,
    /// Whoever is taken must be the first of the line.
    pub(crate) is_ordered: bool,
}

impl Plan {
    /// Faults by chance.
    pub(crate) fn stormy(rng: &mut Rng) -> Self {
        let mut plan = Self {
            jobs: rng.between(1, 4),
            runners: rng.between(1, 3),
            sweepers: rng.between(1, 2),
            faults_end: rng.one_of(&[MINUTE, 3 * MINUTE, 8 * MINUTE]),
            latency_max: rng.one_of(&[2, 50, 500, 5 * SECOND]),
            run_max: rng.one_of(&[50, 2 * SECOND, 20 * SECOND]),
            runs_long: rng.one_of(&[0, 0, 100]),
            arrival_max: rng.one_of(&[1, 2 * SECOND, MINUTE]),
            raises: rng.one_of(&[0, 100, 500]),
            later: rng.one_of(&[0, 0, 500]),
            ..Self::default()
        };
        let end = plan.faults_end;
        for rate in [
            &mut plan.fails,
            &mut plan.answers_lost,
            &mut plan.doubled,
            &mut plan.dies_before,
            &mut plan.dies_after,
            &mut plan.dies_late,
            &mut plan.stops,
        ] {
            *rate = rng.one_of(&[0, 0, 0, 5, 20, 80]);
        }
        for rate in [
            &mut plan.hints_lost,
            &mut plan.hints_doubled,
            &mut plan.limited,
            &mut plan.runs_lost,
            &mut plan.callbacks_lost,
            &mut plan.callbacks_unsure,
            &mut plan.cancelled,
            &mut plan.retried,
        ] {
            *rate = rng.one_of(&[0, 0, 100, 400, 900]);
        }
        for spans in [&mut plan.throttled, &mut plan.queue_gone] {
            for _ in 0..rng.one_of(&[0, 0, 1, 3]) {
                let from = rng.below(end);
                spans.push((from, from + rng.between(SECOND, MINUTE)));
            }
        }
        plan.hint_delay_max = rng.one_of(&[0, 100, 30 * SECOND]);
        plan.skew_max = rng.one_of(&[0, 0, 300, 10 * MINUTE]);
        plan.clock_jumps = rng.one_of(&[0, 0, 0, 2, 6]);
        plan.drift_max = rng.one_of(&[0, 0, 10]);
        plan.stale_max = rng.one_of(&[0, 200, 5 * SECOND]);
        plan
    }

    /// No faults but those of the policies, and nobody sweeps.
    pub(crate) fn calm(rng: &mut Rng) -> Self {
        Self {
            jobs: rng.between(1, 6),
            runners: rng.between(1, 3),
            faults_end: 10 * MINUTE,
            latency_max: rng.one_of(&[2, 50]),
            run_max: rng.one_of(&[50, 2 * SECOND, 20 * SECOND]),
            arrival_max: rng.one_of(&[1, 2 * SECOND, MINUTE]),
            raises: rng.one_of(&[0, 100, 500]),
            runs_lost: rng.one_of(&[0, 300]),
            limited: rng.one_of(&[0, 300]),
            later: rng.one_of(&[0, 500]),
            cancelled: rng.one_of(&[0, 100]),
            retried: rng.one_of(&[0, 300]),
            // A queue of the usual kind does this on its good days, too.
            hints_doubled: rng.one_of(&[0, 300]),
            hint_delay_max: rng.one_of(&[0, 100]),
            ..Self::default()
        }
    }

    /// One runner and a line that it can see: who goes first is certain.
    pub(crate) fn ordered(rng: &mut Rng) -> Self {
        Self {
            jobs: rng.between(2, 12),
            runners: 1,
            sweepers: 0,
            latency_max: 0,
            hints_doubled: 0,
            hint_delay_max: 0,
            is_ordered: true,
            ..Self::calm(rng)
        }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.sweepers == 0
    }
}
