//! Schedules.

use writ_model::{ErrorKind, Schedule, Timestamp};
use writ_ports::{ChangeSchedule, DeleteSchedule, DueSchedules, GetSchedule, PutSchedule};

use crate::at;
use crate::builders::{next_version, schedule, workspace};

/// A second schedule of the name is refused; the name is free in another workspace.
pub async fn a_schedule_is_read_as_it_was_written_and_made_once<P>(ports: &P)
where
    P: GetSchedule + PutSchedule,
{
    let (own, other) = (workspace("own"), workspace("other"));
    let one = schedule(&own, "a", Some(at(5)));
    ports.put_schedule(&one).await.unwrap();
    assert_eq!(ports.get_schedule(&own, "a").await, Ok(Some(one.clone())));
    for (workspace, name) in [(&other, "a"), (&own, "b"), (&own, ""), (&own, &*"a".repeat(5_000))] {
        assert_eq!(ports.get_schedule(workspace, name).await, Ok(None), "{workspace} {name}");
    }
    let again = Schedule { schedule_id: "another".to_owned(), ..one.clone() };
    for again in [&one, &again] {
        let error = ports.put_schedule(again).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("`a`"), "{error}");
    }
    assert_eq!(ports.get_schedule(&own, "a").await, Ok(Some(one)));
    ports.put_schedule(&schedule(&other, "a", None)).await.unwrap();
}

/// A version is written over the one before it; a removal needs the present version.
pub async fn of_writers_of_one_version_of_a_schedule_one_wins<P>(ports: &P)
where
    P: ChangeSchedule + DeleteSchedule + GetSchedule + PutSchedule,
{
    let own = workspace("own");
    let one = schedule(&own, "a", Some(at(5)));
    let second = next_version(&one);
    assert_eq!(ports.change_schedule(&second).await, Ok(false), "there is none");
    ports.put_schedule(&one).await.unwrap();
    assert_eq!(ports.change_schedule(&one).await, Ok(false));
    assert_eq!(ports.change_schedule(&second).await, Ok(true));
    assert_eq!(ports.change_schedule(&second).await, Ok(false));
    assert_eq!(ports.get_schedule(&own, "a").await, Ok(Some(second.clone())));
    assert_eq!(ports.delete_schedule(&one).await, Ok(false), "that was the version before");
    assert_eq!(ports.delete_schedule(&second).await, Ok(true));
    assert_eq!(ports.get_schedule(&own, "a").await, Ok(None));
    assert_eq!(ports.delete_schedule(&second).await, Ok(true), "it is gone");
}

/// A schedule that was made under the name of a removed one is neither changed nor removed by
/// writers that know the removed one.
pub async fn a_schedule_made_anew_is_another_one<P>(ports: &P)
where
    P: ChangeSchedule + DeleteSchedule + GetSchedule + PutSchedule,
{
    let own = workspace("own");
    let one = schedule(&own, "a", Some(at(5)));
    ports.put_schedule(&one).await.unwrap();
    assert_eq!(ports.delete_schedule(&one).await, Ok(true));
    let anew = Schedule { schedule_id: "another".to_owned(), ..one.clone() };
    ports.put_schedule(&anew).await.unwrap();
    assert_eq!(ports.change_schedule(&next_version(&one)).await, Ok(false));
    assert_eq!(ports.delete_schedule(&one).await, Ok(true), "that one is gone");
    assert_eq!(ports.get_schedule(&own, "a").await, Ok(Some(anew)));
}

async fn due<P: DueSchedules>(ports: &P, before: Timestamp) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = ports.due_schedules(before, token.as_deref()).await.unwrap();
        found.extend(page.schedules.into_iter().map(|(own, name)| format!("{own}/{name}")));
        token = page.next;
        if token.is_none() {
            found.sort();
            return found;
        }
    }
}

/// Schedules are due at their time and not before, in every workspace, each on one of the pages.
pub async fn every_schedule_that_is_due_is_found_over_pages<P>(ports: &P)
where
    P: ChangeSchedule + DueSchedules + PutSchedule,
{
    let (own, other) = (workspace("own"), workspace("other"));
    let mut names = vec!["other/early".to_owned()];
    ports.put_schedule(&schedule(&other, "early", Some(at(-5)))).await.unwrap();
    ports.put_schedule(&schedule(&other, "late", Some(at(1_000)))).await.unwrap();
    ports.put_schedule(&schedule(&other, "off", None)).await.unwrap();
    for number in 0..110 {
        let name = format!("n{number:03}");
        ports.put_schedule(&schedule(&own, &name, Some(at(number)))).await.unwrap();
        names.push(format!("own/{name}"));
    }
    assert_eq!(due(ports, at(-6)).await, Vec::<String>::new());
    assert_eq!(due(ports, at(0)).await, names[..2]);
    assert_eq!(due(ports, at(500)).await, names);
    let mut moved = next_version(&schedule(&other, "early", Some(at(-5))));
    moved.state.due_at = None;
    assert_eq!(ports.change_schedule(&moved).await, Ok(true));
    assert_eq!(due(ports, at(500)).await, names[1..]);
}
