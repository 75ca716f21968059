//! Schedules: read as written, changed a version at a time, found when they are due.

use serde_json::{Value, json};
use writ_model::{
    CatchUp, ErrorKind, RawJson, Schedule, ScheduleDefinition, ScheduleState, Timestamp, Workspace,
};
use writ_ports::{
    ChangeSchedule, DeleteSchedule, DueSchedules, GetSchedule, PutSchedule, QuerySchedules,
};
use writ_store::Store;

use crate::fixture::{Fixture, dump, query, values, workspace};
use crate::script::{Fault, faulty, refusal};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000 + ms)
}

/// A schedule that is due at this time, or never.
pub(crate) fn schedule(workspace: &Workspace, name: &str, due_ms: Option<i64>) -> Schedule {
    Schedule {
        schedule_id: format!("id-of-{name}"),
        workspace: workspace.clone(),
        name: name.to_owned(),
        definition: ScheduleDefinition {
            schedule_expression: "rate(1 day)".to_owned(),
            timezone: "UTC".to_owned(),
            start_at: None,
            end_at: None,
            flexible_time_window_minutes: None,
            enabled: true,
            catch_up: CatchUp::Skip,
            description: Some(format!("{name}!")),
            target: RawJson::parse(r#"{"policy": {"x": 1.0,  "a": 1e400}}"#).unwrap(),
        },
        revision: 1,
        created_at: at(0),
        updated_at: at(0),
        identity: "ada".to_owned(),
        on_behalf_of: None,
        mask: vec!["/input_data/ip".to_owned()],
        state: ScheduleState {
            version: 1,
            handled: None,
            firing: Vec::new(),
            firing_since: None,
            next_fire_at: due_ms.map(at),
            due_at: due_ms.map(at),
            last_fires: Vec::new(),
        },
    }
}

/// The same schedule at its next version.
pub(crate) fn next(schedule: &Schedule) -> Schedule {
    let mut next = schedule.clone();
    next.state.version += 1;
    next
}

async fn due(store: &Store, before_ms: i64) -> Vec<String> {
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let page = store.due_schedules(at(before_ms), token.as_deref()).await.unwrap();
        names.extend(page.schedules.into_iter().map(|(home, name)| format!("{home}/{name}")));
        token = page.next;
        if token.is_none() {
            names.sort();
            return names;
        }
    }
}

#[tokio::test]
async fn a_schedule_is_read_as_it_was_written_and_made_once() {
    let Fixture { store, database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    let one = schedule(&home, "a", Some(5));
    store.put_schedule(&one).await.unwrap();
    assert_eq!(store.get_schedule(&home, "a").await, Ok(Some(one.clone())));
    for (workspace, name) in
        [(&other, "a"), (&home, "b"), (&home, ""), (&home, &*"a".repeat(5_000))]
    {
        assert_eq!(store.get_schedule(workspace, name).await, Ok(None));
    }
    let before = dump(&database).await;
    let error = store.put_schedule(&one).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`a`"), "{error}");
    assert!(dump(&database).await == before, "a refused schedule left something");
    // The same name is free in another workspace.
    store.put_schedule(&schedule(&other, "a", None)).await.unwrap();
}

#[tokio::test]
async fn of_writers_of_one_version_one_wins_and_none_overwrites_another_schedule_of_the_name() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let one = schedule(&workspace("home"), "a", Some(5));
    assert_eq!(store.change_schedule(&next(&one)).await, Ok(false), "out of nothing");
    store.put_schedule(&one).await.unwrap();
    let second = next(&one);
    assert_eq!(store.change_schedule(&one).await, Ok(false));
    assert_eq!(store.change_schedule(&second).await, Ok(true));
    assert_eq!(store.change_schedule(&second).await, Ok(false));
    assert_eq!(store.delete_schedule(&one).await, Ok(false), "it has moved on");
    assert_eq!(store.delete_schedule(&second).await, Ok(true));
    assert_eq!(store.delete_schedule(&second).await, Ok(true), "it is gone");
    let anew = Schedule { schedule_id: "another".to_owned(), ..one.clone() };
    store.put_schedule(&anew).await.unwrap();
    assert_eq!(store.change_schedule(&second).await, Ok(false), "that is another one");
    assert_eq!(store.delete_schedule(&one).await, Ok(true), "that one is gone");
    assert_eq!(store.get_schedule(&anew.workspace, "a").await, Ok(Some(anew)));
}

#[tokio::test]
async fn a_lost_reply_does_not_make_a_write_fail_against_itself() {
    let Fixture { store, database } = Fixture::new().await;
    let losing = |operation| faulty(&database, operation, &[Fault::LostReply], 3).0;
    let one = schedule(&workspace("home"), "a", Some(5));
    assert_eq!(losing("PutItem").put_schedule(&one).await, Ok(()));
    assert_eq!(losing("PutItem").change_schedule(&next(&one)).await, Ok(true));
    assert_eq!(store.get_schedule(&one.workspace, "a").await, Ok(Some(next(&one))));
    assert_eq!(losing("DeleteItem").delete_schedule(&next(&one)).await, Ok(true));
    assert_eq!(store.get_schedule(&one.workspace, "a").await, Ok(None));
}

#[tokio::test]
async fn what_fails_is_said_and_changes_nothing() {
    let Fixture { store, database } = Fixture::new().await;
    let one = schedule(&workspace("home"), "a", Some(5));
    store.put_schedule(&one).await.unwrap();
    let before = dump(&database).await;
    for fault in [refusal("ThrottlingException"), Fault::TimedOut, Fault::Unreachable] {
        let failing = || faulty(&database, "", std::slice::from_ref(&fault), 1).0;
        assert!(failing().put_schedule(&schedule(&one.workspace, "b", None)).await.is_err());
        assert!(failing().change_schedule(&next(&one)).await.is_err());
        assert!(failing().delete_schedule(&one).await.is_err());
        assert!(failing().get_schedule(&one.workspace, "a").await.is_err());
        assert!(failing().due_schedules(at(9), None).await.is_err());
        assert!(dump(&database).await == before);
    }
}

#[tokio::test]
async fn what_is_due_is_found_in_every_workspace_and_nothing_else() {
    let Fixture { store, database: _database } = Fixture::new().await;
    for home in ["home", "other"] {
        let home = workspace(home);
        for (name, due_ms) in
            [("early", Some(-5)), ("now", Some(0)), ("late", Some(1)), ("off", None)]
        {
            store.put_schedule(&schedule(&home, name, due_ms)).await.unwrap();
        }
    }
    assert_eq!(due(&store, -6).await, Vec::<String>::new());
    assert_eq!(due(&store, 0).await, ["home/early", "home/now", "other/early", "other/now"]);
    let mut moved = next(&schedule(&workspace("home"), "now", Some(0)));
    moved.state.due_at = None;
    assert_eq!(store.change_schedule(&moved).await, Ok(true));
    assert_eq!(due(&store, 0).await, ["home/early", "other/early", "other/now"]);
}

#[tokio::test]
async fn more_than_a_page_is_due() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..230 {
        store.put_schedule(&schedule(&home, &format!("n{number:03}"), Some(number))).await.unwrap();
    }
    assert_eq!(store.due_schedules(at(500), None).await.unwrap().schedules.len(), 100);
    assert_eq!(due(&store, 500).await.len(), 230);
    assert_eq!(due(&store, 99).await.len(), 100);
}

#[tokio::test]
async fn schedules_are_listed_by_name_and_searched_on_every_field() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    for name in ["b", "a.b", "a", "c"] {
        store.put_schedule(&schedule(&home, name, Some(1))).await.unwrap();
    }
    let mut off = schedule(&home, "d", None);
    off.definition.enabled = false;
    store.put_schedule(&off).await.unwrap();
    let ask = async |filter: Value, sort: Value| {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let request = query(filter.clone(), sort.clone(), 2, token);
            let page = store.query_schedules(&home, &request).await.unwrap();
            names.extend(values(&page, "name"));
            token = page.next_token;
            if token.is_none() {
                return names.join(" ");
            }
        }
    };
    for (filter, sort, names) in [
        (json!({}), json!(null), "a a.b b c d"),
        (json!({}), json!({"name": -1}), "d c b a.b a"),
        (json!({"name": "a.b"}), json!(null), "a.b"),
        (json!({"name": {"$gte": "b"}}), json!(null), "b c d"),
        (json!({"enabled": false}), json!(null), "d"),
        (json!({"target.policy.x": 1}), json!({"description": -1}), "d c b a.b a"),
    ] {
        assert_eq!(ask(filter.clone(), sort.clone()).await, names, "{filter} {sort}");
    }
    let page = store.query_schedules(&other, &query(json!({}), json!(null), 9, None)).await;
    assert!(page.unwrap().items.is_empty());
}

/// Calls every operation that a port of schedules can make the store perform. Returns whether the
/// port is one of them.
pub(crate) async fn exercise(port: &str, watched: &Store, quiet: &Store, home: &Workspace) -> bool {
    let ports = [
        PutSchedule.name,
        GetSchedule.name,
        ChangeSchedule.name,
        DeleteSchedule.name,
        QuerySchedules.name,
        DueSchedules.name,
    ];
    if !ports.contains(&port) {
        return false;
    }
    let of = |it: &str| if it == port { watched } else { quiet };
    let one = schedule(home, "a", Some(1));
    of("PutSchedule").put_schedule(&one).await.unwrap();
    assert!(of("PutSchedule").put_schedule(&one).await.is_err());
    assert!(of("GetSchedule").get_schedule(home, "a").await.unwrap().is_some());
    for holds in [true, false] {
        assert_eq!(of("ChangeSchedule").change_schedule(&next(&one)).await, Ok(holds));
    }
    for sort in [json!(null), json!({"description": 1})] {
        let request = query(json!({}), sort, 9, None);
        let page = of("QuerySchedules").query_schedules(home, &request).await.unwrap();
        assert_eq!(page.items.len(), 1);
    }
    let due = of("DueSchedules").due_schedules(at(9), None).await.unwrap();
    assert_eq!(due.schedules.len(), 1);
    for schedule in [&one, &next(&one)] {
        of("DeleteSchedule").delete_schedule(schedule).await.unwrap();
    }
    true
}
