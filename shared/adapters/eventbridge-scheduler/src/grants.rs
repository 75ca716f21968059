//! What the ports do to timers, recorded and held against the table of grants.

use std::collections::BTreeSet;

use writ_grants::Resource;
use writ_model::Schedule;
use writ_ports::{CancelTimer as _, ScheduleTimer as _};

use super::recorder::Recorder;
use super::timer::tests::schedule;

/// Resource and action: what IAM is asked.
type Used = BTreeSet<(Resource, &'static str)>;

/// What the calls ask for: one that hands on a role has to be allowed to pass it.
fn used(recorder: &Recorder) -> Used {
    let mut used = Used::new();
    for call in recorder.take() {
        let action = match call.method.as_str() {
            "POST" => "CreateSchedule",
            "PUT" => "UpdateSchedule",
            "DELETE" => "DeleteSchedule",
            other => panic!("no action is known for {other} {}", call.path),
        };
        used.insert((Resource::Timers, action));
        if call.body["Target"]["RoleArn"].is_string() {
            used.insert((Resource::TimerRole, "PassRole"));
        }
    }
    used
}

fn granted(port: &str) -> Used {
    let grants = writ_grants::of(port).unwrap().iter();
    grants.map(|grant| (grant.resource, grant.action)).collect()
}

#[tokio::test]
async fn ports_ask_for_what_is_listed_and_for_all_of_it() {
    let recorder = Recorder::default();
    let timers = recorder.scheduler();
    let first = schedule("rate(1 day)");
    timers.schedule_timer(&first).await.unwrap();
    let mut second = Schedule { revision: 2, ..first.clone() };
    timers.schedule_timer(&second).await.unwrap();
    second.state.next_fire_at = None;
    timers.schedule_timer(&second).await.unwrap();
    assert_eq!(used(&recorder), granted("ScheduleTimer"));

    timers.cancel_timer(&first.workspace, &first.name).await.unwrap();
    assert_eq!(used(&recorder), granted("CancelTimer"));
}
