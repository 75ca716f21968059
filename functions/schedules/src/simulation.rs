//! However ticks are interleaved or cut off: each fire is run once or missed once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use writ_model::{Error, Timestamp, Workspace};
use writ_ports::Clock as _;
use writ_schedules::{run_id, timing_of};

use writ_testing::MemoryPlatform;

use crate::fixture::{body, jobs, missed, own, platform, request};
use writ_scheduler::{TickReport, run_due_schedule, tick};

/// A tick that has begun and did not end yet.
type Waking<'m> = Pin<Box<dyn Future<Output = Result<TickReport, Error>> + 'm>>;

#[derive(Clone, Debug)]
enum Event {
    /// Another tick begins now.
    Tick,
    /// A timer calls for the fire so many milliseconds from now.
    Hint(i64),
    /// One of the ticks that have begun goes on, so many steps.
    GoOn(usize, u8),
    /// One of them is dropped.
    Crash(usize),
    /// The clock goes by so much, also back.
    Clock(i64),
    /// The next calls fail.
    Fail(u32),
    /// A caller writes a revision that does not change the times.
    Describe,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Tick),
        2 => (-400_000_i64..5_000).prop_map(Event::Hint),
        12 => (0_usize..4, 1_u8..30).prop_map(|(who, steps)| Event::GoOn(who, steps)),
        2 => (0_usize..4).prop_map(Event::Crash),
        4 => (-20_000_i64..200_000).prop_map(Event::Clock),
        1 => (200_000_i64..20_000_000).prop_map(Event::Clock),
        1 => (1_u32..4).prop_map(Event::Fail),
        1 => Just(Event::Describe),
    ]
}

fn poll(waking: &mut Waking<'_>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(waking.as_mut().poll(&mut context), Poll::Ready(_))
}

/// A decided fire fails when the store has been away for this long since.
const GIVE_UP_MS: i64 = 15 * 60_000;

/// Steps that nothing of this size takes.
const STEPS_MAX: usize = 1_000_000;

fn to_its_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..STEPS_MAX {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("there is no end to it");
}

fn happen<'m>(
    ports: &'m MemoryPlatform,
    home: &'m Workspace,
    wakers: &mut Vec<Waking<'m>>,
    event: &Event,
) {
    match event {
        Event::Tick if wakers.len() < 4 => wakers.push(Box::pin(tick(ports))),
        Event::Hint(ms) if wakers.len() < 4 => {
            // A fire of the minute.
            let at = (ports.now().as_ms() + ms) / 60_000 * 60_000;
            wakers.push(Box::pin(run_due_schedule(ports, home, "nightly", Timestamp::from_ms(at))));
        }
        Event::Tick | Event::Hint(_) => {}
        Event::GoOn(who, steps) => {
            let goes_on = |waking: &mut Waking<'_>| (0..*steps).any(|_| poll(waking));
            if wakers.get_mut(*who).is_some_and(goes_on) {
                drop(wakers.remove(*who));
            }
        }
        Event::Crash(who) => {
            if *who < wakers.len() {
                drop(wakers.remove(*who));
            }
        }
        Event::Clock(ms) => ports.clock().shift_wall_ms(bounded_ms(ports, *ms)),
        Event::Fail(calls) => ports.fail_next(*calls),
        Event::Describe => {
            let asked = request("nightly", r#"{"$set": {"description": "d"}}"#);
            let _ = to_its_end(crate::update::handle(ports, asked));
        }
    }
}

/// The time to let pass: less than makes a decided fire fail, because a store that is away for that long
/// gives it up on purpose.
fn bounded_ms(ports: &MemoryPlatform, ms: i64) -> i64 {
    let Some(since) = ports.schedule(&own(), "nightly").state.firing_since else { return ms };
    ms.min(since.as_ms() + GIVE_UP_MS - 1 - ports.now().as_ms())
}

fn assert_each_once(ports: &MemoryPlatform) {
    let schedule = ports.schedule(&own(), "nightly");
    let timing = timing_of(&schedule.definition, schedule.created_at).unwrap();
    let begin = schedule.created_at - Duration::from_millis(1);
    let handled = schedule.state.handled.unwrap_or(begin);
    let fires = timing.fires_between(begin, handled, usize::MAX);
    let (jobs, missed) = (jobs(ports), missed(ports));
    let mut made = 0;
    for fire in &fires {
        let id = run_id(&own(), &schedule.schedule_id, *fire);
        let times_missed = missed
            .iter()
            .filter(|missed| (missed.missed_from.unwrap()..=missed.scheduled_for).contains(fire))
            .count();
        let times_made = usize::from(jobs.contains_key(&id));
        assert_eq!(
            times_made + times_missed,
            1,
            "{fire}: made {times_made}, missed {times_missed}"
        );
        made += times_made;
    }
    assert_eq!(jobs.len(), made, "no job but those of the fires");
    let counted: u64 = missed.iter().filter_map(|missed| missed.missed_count).sum();
    assert_eq!(counted as usize + made, fires.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn each_fire_is_run_once_or_missed_once(
        events in prop::collection::vec(event(), 1..120),
        expression in prop::sample::select(vec!["rate(1 minute)", "cron(0/2 * * * ? *)", "rate(1 hour)"]),
        catch_up in prop::sample::select(vec!["skip", "latest", "all"]),
        window in prop::option::of(1_u32..10),
    ) {
        let ports = platform();
        let home = own();
        let asked = body(json!({
            "schedule_expression": expression, "catch_up": catch_up,
            "flexible_time_window_minutes": window,
        }));
        to_its_end(crate::create::handle(&ports, request("", &asked))).unwrap();
        let mut wakers = Vec::new();
        for event in &events {
            happen(&ports, &home, &mut wakers, event);
        }
        drop(wakers);
        ports.fail_next(0);
        // Left to the clock alone, all that fell due is dealt with.
        ports.clock().shift_wall_ms(7_200_000);
        while ports.schedule(&own(), "nightly").state.due_at <= Some(ports.now()) {
            to_its_end(tick(&ports)).unwrap();
        }
        let state = ports.schedule(&own(), "nightly").state;
        prop_assert!(state.firing.is_empty() && state.handled.is_some(), "{state:?}");
        prop_assert!(state.due_at > Some(ports.now()), "{state:?}");
        assert_each_once(&ports);
    }
}
