//! Invariants of a job under any sequence of events.

use std::time::Duration;

use proptest::prelude::*;
use writ_model::{Error, ErrorKind, JobState, JobStatus, Submission};

use crate::bounds::{LEASE, LEASE_GRACE};
use crate::fixture::{at, runner, submission};
use crate::{
    AttemptEnd, Delivery, DueAction, LeaseRequest, cancel, claim_callback, complete, due, enqueue,
    lease, record_delivery, release, renew_lease, retry, start,
};

/// An event in the life cycle of a job.
#[derive(Clone, Debug)]
enum Event {
    Lease,
    Beat(u8),
    Run(u8),
    Finish(u8, Option<ErrorKind>),
    GiveBack(u8),
    Cancel,
    Retry,
    Sweep,
    Call(bool),
    /// The clock advances, or is set back, by milliseconds.
    Clock(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop::option::of(prop::sample::select(vec![
        ErrorKind::PolicyRaised,
        ErrorKind::PolicyTimedOut,
        ErrorKind::Unavailable,
    ]));
    // One of the granted leases, counted back from the newest; it may have expired.
    let lease = 0_u8..4;
    prop_oneof![
        4 => Just(Event::Lease),
        2 => lease.clone().prop_map(Event::Beat),
        2 => lease.clone().prop_map(Event::Run),
        3 => (lease.clone(), kind).prop_map(|(lease, kind)| Event::Finish(lease, kind)),
        1 => lease.prop_map(Event::GiveBack),
        1 => Just(Event::Cancel),
        1 => Just(Event::Retry),
        4 => Just(Event::Sweep),
        2 => any::<bool>().prop_map(Event::Call),
        4 => (-20_000_i64..200_000).prop_map(Event::Clock),
    ]
}

fn happen(
    submission: &Submission,
    state: &JobState,
    event: &Event,
    now: i64,
    leases: u8,
) -> Option<JobState> {
    // The newest lease is 0.
    let fencing_token = |back: u8| format!("f{}", leases.saturating_sub(back));
    match event {
        Event::Lease => {
            let lease_request = LeaseRequest {
                fencing_token: format!("f{}", leases + 1),
                execution_id: "e".to_owned(),
            };
            lease(submission, state, &runner(), lease_request, at(now)).ok()
        }
        Event::Beat(back) => renew_lease(state, &fencing_token(*back), at(now)).ok(),
        Event::Run(back) => start(state, &fencing_token(*back), at(now), at(now)).ok(),
        Event::Finish(back, kind) => {
            let error = kind.map(|kind| Error::new(kind, "no"));
            let ended =
                AttemptEnd { error: error.as_ref(), execution_id: Some("e"), started_at: None };
            complete(submission, state, &fencing_token(*back), &ended, at(now), 7).ok()
        }
        Event::GiveBack(back) => release(state, &fencing_token(*back), None, Some(1), at(now)).ok(),
        Event::Cancel => cancel(submission, state, "ana", at(now)).ok(),
        Event::Retry => retry(state, at(now)).ok(),
        Event::Sweep => match due(submission, state, at(now), 7) {
            DueAction::Write(state) => Some(*state),
            DueAction::Nothing => None,
        },
        Event::Call(arrives) => {
            let claimed = claim_callback(state, at(now))?;
            let again = Delivery::Again { reason: "no".to_owned(), at: at(now + 5_000) };
            record_delivery(&claimed, if *arrives { Delivery::Delivered } else { again })
        }
        Event::Clock(_) => None,
    }
}

fn assert_sound(submission: &Submission, before: &JobState, after: &JobState, now: i64) {
    assert!(after.version > before.version);
    let status = after.job_status;
    // INVARIANT: a job that has not ended, or has a pending callback, is due at some time.
    let waits_for_call = after.callback.as_ref().is_some_and(|call| call.next_at.is_some());
    assert_eq!(after.due_at.is_some(), !status.is_final() || waits_for_call, "{after:?}");
    assert_eq!(after.lease.is_some(), status.is_leased(), "{after:?}");
    assert!(!after.is_queued || status == JobStatus::Queued, "{after:?}");
    assert_eq!(after.finished_at.is_some(), status.is_final(), "{after:?}");
    if let Some(lease) = &after.lease {
        let timeout = Duration::from_secs(submission.timeout_seconds.into());
        let admitted_at = after.attempts.last().unwrap().admitted_at;
        assert!(lease.expires_at <= admitted_at + timeout + LEASE_GRACE, "{after:?}");
        assert_eq!(after.due_at, Some(lease.expires_at));
    }
    let open = after.attempts.iter().filter(|attempt| attempt.outcome.is_none()).count();
    assert_eq!(open, usize::from(status.is_leased()), "{after:?}");
    if before.job_status.is_final() && before.round == after.round {
        assert_eq!(before.job_status, after.job_status, "an end is an end");
    }
    let most = submission.max_attempts.unwrap_or(crate::bounds::ATTEMPTS);
    assert!(after.attempts_made <= most, "{after:?} at {now}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nobody_is_forgotten_and_no_lease_outlives_its_bound(
        events in prop::collection::vec(event(), 1..80),
        most in prop::option::of(1_u32..4),
        calls: bool,
    ) {
        let submission = Submission {
            max_attempts: most,
            callback_url: calls.then(|| "https://a.example".to_owned()),
            ..submission()
        };
        let (mut state, mut now, mut leases) = (enqueue(&submission), 0, 0);
        for event in &events {
            if let Event::Clock(ms) = event {
                now += ms;
            }
            if let Some(after) = happen(&submission, &state, event, now, leases) {
                assert_sound(&submission, &state, &after, now);
                leases += u8::from(matches!(event, Event::Lease));
                state = after;
            }
        }
        // With sweeps and runners alone, the job ends.
        for _ in 0..100 {
            if state.job_status.is_final() {
                break;
            }
            now += i64::try_from(LEASE.as_millis()).unwrap() + 400_000;
            for event in [Event::Sweep, Event::Lease, Event::Finish(0, None)] {
                if let Some(after) = happen(&submission, &state, &event, now, leases) {
                    assert_sound(&submission, &state, &after, now);
                    leases = leases.saturating_add(u8::from(matches!(event, Event::Lease)));
                    state = after;
                }
            }
        }
        prop_assert!(state.job_status.is_final(), "{state:?}");
    }
}
