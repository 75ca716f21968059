//! What the routes promise, and what a fire does.

use serde_json::{Value, json};
use writ_edge::AccessLevel;
use writ_model::{Cause, Error, ErrorKind, FireOutcome, Timestamp};
use writ_ports::Clock as _;
use writ_schema::Schema;

use super::schedules::{SPECS, routes};
use writ_testing::{MemoryPlatform, PRIVATE_URL, TimerChange};

use crate::fixture::{POLICY, body, data, jobs, missed, own, platform, request};
use crate::{create, delete, get, list, query, update};
use writ_scheduler::{ClockWatch, run_due_schedule, tick, tick_with};

async fn make(ports: &MemoryPlatform, members: Value) -> Result<Value, Error> {
    create::handle(ports, request("", &body(members))).await.map(|reply| data(&reply))
}

async fn put(ports: &MemoryPlatform, body: Value) -> Result<Value, Error> {
    let reply = update::handle(ports, request("nightly", &body.to_string())).await;
    reply.map(|reply| data(&reply))
}

#[test]
fn every_route_is_served_and_those_that_write_are_for_operators() {
    assert_eq!(routes::<MemoryPlatform>().len(), SPECS.len());
    for spec in SPECS {
        let reads = ["list", "query", "get"].iter().any(|verb| spec.name.ends_with(verb));
        let access_level = if reads { AccessLevel::Read } else { AccessLevel::Execute };
        assert_eq!(spec.access_level, access_level, "{}", spec.name);
    }
    assert_eq!(writ_edge::undefined_names(SPECS), Vec::<String>::new());
}

/// What the reference page says of a schedule against what is sent; and no member beyond it.
#[tokio::test]
async fn what_is_sent_is_what_the_reference_page_says() {
    let ports = platform();
    make(&ports, json!({"description": "d", "start_at": "2000-01-01T00:00:00Z"})).await.unwrap();
    tick(&ports).await.unwrap();
    ports.clock().shift_wall_ms(3_600_000);
    ports.remove_policies();
    tick(&ports).await.unwrap();
    ports.clock().shift_wall_ms(300_000);
    let sent = data(&get::handle(&ports, request("nightly", "")).await.unwrap());
    let outcomes: Vec<_> =
        sent["last_fires"].as_array().unwrap().iter().map(|fire| &fire["outcome"]).collect();
    assert_eq!(outcomes, ["failed", "missed", "submitted"], "{sent}");
    let components = writ_edge::openapi(SPECS)["components"].take();
    let known = components["schemas"]["Schedule"]["properties"].as_object().unwrap();
    assert!(sent.as_object().unwrap().keys().all(|name| known.contains_key(name)), "{sent}");
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/components/schemas/Schedule",
        "components": components,
    });
    assert_eq!(Schema::compile(&document).unwrap().violations("sent", &sent), []);
}

#[tokio::test]
async fn what_is_left_out_or_null_has_its_default() {
    let ports = platform();
    let nulls = json!({
        "name": "nulls", "timezone": null, "start_at": null, "end_at": null, "enabled": null,
        "flexible_time_window_minutes": null, "catch_up": null, "description": null,
    });
    for members in [json!({}), nulls] {
        let made = make(&ports, members).await.unwrap();
        assert_eq!(
            (&made["timezone"], &made["enabled"], &made["catch_up"], &made["revision"]),
            (&json!("UTC"), &json!(true), &json!("skip"), &json!(1))
        );
        // A rate fires when it is made.
        assert_eq!(made["next_fire_at"], made["created_at"]);
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let ports = platform();
    let job = |members: Value| {
        let mut job = json!({"policy_rule_uri": "list:1-x", "inputs": {"ip": "x"}});
        job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"target": {"job": job}})
    };
    let policy = |members: Value| {
        let mut policy = json!({"policy_rule_uri": "list:1-x", "input_data": {"ip": "x"}});
        policy.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"target": {"policy": policy}})
    };
    for (members, location, message) in [
        (json!({"name": null}), "/name", "is missing"),
        (json!({"name": "a b"}), "/name", "letters, digits"),
        (json!({"name": ".."}), "/name", "not all of them dots"),
        (json!({"name": "a".repeat(65)}), "/name", "1 to 64"),
        (json!({"schedule_expression": null}), "/schedule_expression", "is missing"),
        (json!({"schedule_expression": 5}), "/schedule_expression", "`rate(...)`"),
        (
            json!({"schedule_expression": "cron(0 9 * * 1-5)"}),
            "/schedule_expression",
            "cron `0 9 * * 1-5` has five fields",
        ),
        (
            json!({"schedule_expression": "at(2001-01-01T00:00:00)"}),
            "/schedule_expression",
            "no such time to come",
        ),
        (json!({"timezone": "Europe/Berlim"}), "/timezone", "did you mean `Europe/Berlin`"),
        (
            json!({"start_at": "2030-01-01T00:00:00Z", "end_at": "2029-01-01T00:00:00Z"}),
            "/end_at",
            "is not after the start",
        ),
        (json!({"start_at": "tomorrow"}), "/start_at", "a time such as"),
        (json!({"flexible_time_window_minutes": 0}), "/flexible_time_window_minutes", "1 to 1440"),
        (json!({"enabled": "yes"}), "/enabled", "true or false"),
        (json!({"catch_up": "most"}), "/catch_up", "`skip`, `latest` or `all`"),
        (json!({"description": "a".repeat(513)}), "/description", "512"),
        (json!({"cron": "x"}), "/cron", "no member `cron`"),
        (json!({"target": null}), "/target", "is missing"),
        (json!({"target": []}), "/target", "what each fire makes"),
        (json!({"target": {}}), "/target", "exactly one"),
        (json!({"target": {"job": {}, "policy": {}}}), "/target", "exactly one"),
        (json!({"target": {"graph": "g"}}), "/target/graph", "later"),
        (json!({"target": {"lambda": "g"}}), "/target/lambda", "no member `lambda`"),
        (job(json!({"timeout_seconds": -5})), "/target/job/timeout_seconds", "1 to 840"),
        (job(json!({"not_before": "2030-01-01T00:00:00Z"})), "/target/job/not_before", "says when"),
        (job(json!({"nmae": "x"})), "/target/job/nmae", "no member `nmae`"),
        (job(json!({"executor_id": 7})), "/target/job/executor_id", "the id of an executor"),
        (job(json!({"callback_url": PRIVATE_URL})), "/target/job/callback_url", "private"),
        (policy(json!({"parameters": []})), "/target/policy/parameters", "a JSON object"),
        (policy(json!({"policy_rule_uri": "x"})), "/target/policy/policy_rule_uri", "x"),
        (policy(json!({"inputs": {}})), "/target/policy/inputs", "no member `inputs`"),
    ] {
        let error = make(&ports, members.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{members} {error}");
        assert_eq!(error.location.as_deref(), Some(location), "{members} {error}");
        assert!(error.message.contains(message), "{members} {error}");
    }
    for (members, kind, location) in [
        (
            policy(json!({"policy_rule_uri": "none:1-x"})),
            ErrorKind::NotFound,
            Some("/target/policy/policy_rule_uri"),
        ),
        (
            job(json!({"policy_rule_uri": "none:1-x"})),
            ErrorKind::NotFound,
            Some("/target/job/policy_rule_uri"),
        ),
        (job(json!({"executor_id": "moon"})), ErrorKind::NotFound, Some("/target/job/executor_id")),
        (policy(json!({"input_data": {}})), ErrorKind::SchemaViolation, None),
        (job(json!({"inputs": {"ip": 7}})), ErrorKind::SchemaViolation, None),
        (
            policy(json!({"input_data": {"ip": "x".repeat(70_000)}})),
            ErrorKind::TooLarge,
            Some("/target"),
        ),
    ] {
        let error = make(&ports, members).await.unwrap_err();
        assert_eq!((error.kind, error.location.as_deref()), (kind, location), "{error}");
    }
    make(&ports, json!({})).await.unwrap();
    assert_eq!(make(&ports, json!({})).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_fire_makes_a_job_that_acts_for_whoever_asked() {
    let ports = platform();
    make(&ports, json!({})).await.unwrap();
    assert_eq!(tick(&ports).await.unwrap().fired, 1);
    assert_eq!(tick(&ports).await.unwrap().fired, 0);
    ports.clock().shift_wall_ms(300_000);
    assert_eq!(tick(&ports).await.unwrap().fired, 1);
    let jobs = jobs(&ports);
    let job = jobs.values().next().unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(
        (job.name.as_str(), job.identity.as_str(), job.principal_kind.name(), job.cause),
        ("nightly", "ada", "schedule", Cause::Schedule)
    );
    assert_eq!(
        (job.schedule.as_deref(), job.inputs.as_str()),
        (Some("nightly"), r#"{"ip":"10.0.0.1"}"#)
    );
    assert_eq!(job.mask, ["/input_data/secret"]);
    let shown = data(&get::handle(&ports, request("nightly", "")).await.unwrap());
    let last: Vec<_> = jobs.keys().rev().collect();
    let shown: Vec<_> = shown["last_fires"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fire| fire["job_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(shown.iter().collect::<Vec<_>>(), last, "the newest first");
}

#[tokio::test]
async fn what_a_submission_may_say_a_scheduled_job_may() {
    let ports = platform();
    let job = json!({
        "name": "check", "policy_rule_uri": "list:1-x", "inputs": {"ip": "x"}, "priority": 9,
        "timeout_seconds": 60, "max_attempts": 2, "executor_id": "builtin",
        "callback_url": "https://a.example",
    });
    make(&ports, json!({"target": {"job": job}})).await.unwrap();
    tick(&ports).await.unwrap();
    let jobs = jobs(&ports);
    let job = jobs.values().next().unwrap();
    assert_eq!((job.name.as_str(), job.priority, job.timeout_seconds), ("check", 9, 60));
    assert_eq!(
        (job.max_attempts, job.callback_url.as_deref()),
        (Some(2), Some("https://a.example"))
    );
}

#[tokio::test]
async fn a_fire_whose_policy_is_gone_has_failed_and_the_schedule_goes_on() {
    let ports = platform();
    make(&ports, json!({})).await.unwrap();
    ports.remove_policies();
    tick(&ports).await.unwrap();
    let state = ports.schedule(&own(), "nightly").state;
    let fire = state.last_fires.first().unwrap();
    assert_eq!((fire.outcome, fire.job_id.clone()), (FireOutcome::Failed, None));
    assert_eq!(fire.error.as_ref().unwrap().kind, ErrorKind::NotFound);
    ports.register(&own(), POLICY);
    ports.clock().shift_wall_ms(300_000);
    tick(&ports).await.unwrap();
    let state = ports.schedule(&own(), "nightly").state;
    assert_eq!(state.last_fires.first().unwrap().outcome, FireOutcome::Submitted);
}

#[tokio::test]
async fn what_the_platform_cannot_do_now_is_done_later() {
    let ports = platform();
    make(&ports, json!({})).await.unwrap();
    for calls in 1..12 {
        ports.fail_next(calls);
        let _ = tick(&ports).await;
    }
    ports.fail_next(0);
    tick(&ports).await.unwrap();
    assert_eq!(jobs(&ports).len(), 1);
    assert_eq!(ports.schedule(&own(), "nightly").state.last_fires.len(), 1);
}

#[tokio::test]
async fn what_passes_while_it_is_disabled_is_neither_run_nor_missed() {
    let ports = platform();
    make(&ports, json!({"catch_up": "all", "enabled": false})).await.unwrap();
    ports.clock().shift_wall_ms(3_600_000);
    tick(&ports).await.unwrap();
    assert_eq!(ports.schedule(&own(), "nightly").state.next_fire_at, None);
    let made = put(&ports, json!({"$set": {"enabled": true}})).await.unwrap();
    tick(&ports).await.unwrap();
    assert_eq!((jobs(&ports).len(), missed(&ports).len()), (0, 0));
    assert!(made["updated_at"].as_str() < made["next_fire_at"].as_str(), "{made}");
    ports.clock().shift_wall_ms(300_000);
    tick(&ports).await.unwrap();
    assert_eq!(jobs(&ports).len(), 1);
}

#[tokio::test]
async fn another_timing_begins_when_it_is_written() {
    let ports = platform();
    make(&ports, json!({"schedule_expression": "rate(1 day)", "catch_up": "all"})).await.unwrap();
    tick(&ports).await.unwrap();
    ports.clock().shift_wall_ms(3_600_000 + 30_000);
    let update = json!({"$set": {"schedule_expression": "rate(1 minute)"}});
    put(&ports, update).await.unwrap();
    tick(&ports).await.unwrap();
    assert_eq!(jobs(&ports).len(), 1, "no fire of the hour before");
    ports.clock().shift_wall_ms(60_000);
    tick(&ports).await.unwrap();
    assert_eq!(jobs(&ports).len(), 2);
}

#[tokio::test]
async fn a_whole_object_or_operators_write_a_revision_and_keep_the_name() {
    let ports = platform();
    let made = make(&ports, json!({"description": "first"})).await.unwrap();
    // What was read can be sent back.
    let same = put(&ports, made).await.unwrap();
    assert_eq!((&same["revision"], &same["description"]), (&json!(2), &json!("first")));
    let set =
        json!({"$set": {"target.policy.input_data.ip": "10.0.0.2"}, "$unset": {"description": 1}});
    let changed = put(&ports, set).await.unwrap();
    assert_eq!(changed["target"]["policy"]["input_data"]["ip"], "10.0.0.2");
    assert_eq!((&changed["description"], &changed["revision"]), (&json!(null), &json!(3)));
    for (update, location) in [
        (json!({"$set": {"name": "b"}}), "/name"),
        (json!({"$set": {"last_fires": []}}), "/last_fires"),
        (json!({"name": "b", "schedule_expression": "rate(1 day)", "target": {}}), "/name"),
    ] {
        let error = put(&ports, update).await.unwrap_err();
        assert_eq!(
            (error.kind, error.location.as_deref()),
            (ErrorKind::InvalidRequest, Some(location))
        );
    }
    let set = |revision| TimerChange::Set { name: "nightly".to_owned(), revision };
    assert_eq!(ports.timers(), [1, 2, 3].map(set));
}

#[tokio::test]
async fn an_entity_tag_is_that_of_the_revision_and_not_of_its_fires() {
    let ports = platform();
    make(&ports, json!({})).await.unwrap();
    let etag = ports.schedule(&own(), "nightly").etag();
    tick(&ports).await.unwrap();
    assert_eq!(ports.schedule(&own(), "nightly").etag(), etag);
    let asked = |tag: &str| {
        let mut asked = request("nightly", r#"{"$set": {"description": "d"}}"#);
        asked.headers.insert(http::header::IF_MATCH, tag.parse().unwrap());
        asked
    };
    assert!(update::handle(&ports, asked(&etag)).await.is_ok());
    let error = update::handle(&ports, asked(&etag)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    let error = delete::handle(&ports, asked(&etag)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert!(delete::handle(&ports, asked("*")).await.is_ok());
}

#[tokio::test]
async fn one_that_is_gone_fires_no_more_and_its_plan_is_forgotten() {
    let ports = platform();
    make(&ports, json!({})).await.unwrap();
    delete::handle(&ports, request("nightly", "")).await.unwrap();
    ports.clock().shift_wall_ms(3_600_000);
    assert_eq!(tick(&ports).await.unwrap().fired, 0);
    let at = Timestamp::from_ms(0);
    run_due_schedule(&ports, &own(), "nightly", at).await.unwrap();
    let name = || "nightly".to_owned();
    let (set, cancelled) =
        (TimerChange::Set { name: name(), revision: 1 }, TimerChange::Cancelled { name: name() });
    assert_eq!((jobs(&ports).len(), ports.timers()), (0, vec![set, cancelled.clone(), cancelled]));
    for asked in [request("nightly", "{}"), request("", "{}")] {
        let error = get::handle(&ports, asked.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(delete::handle(&ports, asked).await.is_err());
    }
}

#[tokio::test]
async fn one_that_is_made_again_under_its_name_is_another() {
    let ports = platform();
    for _ in 0..2 {
        make(&ports, json!({})).await.unwrap();
        tick(&ports).await.unwrap();
        delete::handle(&ports, request("nightly", "")).await.unwrap();
    }
    assert_eq!(jobs(&ports).len(), 2, "the same fire of two schedules");
}

#[tokio::test]
async fn whoever_chose_a_point_of_the_window_is_on_time() {
    let ports = platform();
    let window = json!({"schedule_expression": "rate(1 day)", "flexible_time_window_minutes": 60});
    make(&ports, window).await.unwrap();
    let at = ports.schedule(&own(), "nightly").state.next_fire_at.unwrap();
    ports.clock().shift_wall_ms(1);
    assert_eq!(run_due_schedule(&ports, &own(), "nightly", at).await.unwrap().fired, 1);
    // Of a window that is over, the catch-up rule says.
    ports.clock().shift_wall_ms(24 * 3_600_000 + 63 * 60_000);
    let at = ports.schedule(&own(), "nightly").state.next_fire_at.unwrap();
    assert_eq!(run_due_schedule(&ports, &own(), "nightly", at).await.unwrap().fired, 0);
    assert_eq!((jobs(&ports).len(), missed(&ports).len()), (1, 1));
}

#[tokio::test]
async fn nobody_is_shown_what_the_policy_masks() {
    let ports = platform();
    let input = json!({"ip": "x", "secret": "hush"});
    let policy = json!({"policy_rule_uri": "list:1-x", "input_data": input});
    let made = make(&ports, json!({"target": {"policy": policy}})).await.unwrap();
    let job = json!({"policy_rule_uri": "list:1-x", "inputs": input});
    let other = make(&ports, json!({"name": "b", "target": {"job": job}})).await.unwrap();
    let all = list::handle(&ports, request("", "")).await.unwrap();
    let found = query::handle(&ports, request("", r#"{"name": "b"}"#)).await.unwrap();
    assert_eq!(
        (data(&all).as_array().unwrap().len(), data(&found).as_array().unwrap().len()),
        (2, 1)
    );
    for shown in [made.to_string(), other.to_string(), all.body, found.body] {
        assert!(!shown.contains("hush") && shown.contains("**masked**"), "{shown}");
    }
    tick(&ports).await.unwrap();
    assert!(jobs(&ports).values().all(|job| job.inputs.as_str().contains("hush")));
}

#[tokio::test]
async fn a_value_stays_masked_under_a_policy_that_does_not_mask_it() {
    let ports = platform();
    let target = json!({"policy": {
        "policy_rule_uri": "list:1-x", "input_data": {"ip": "x", "secret": "hush"},
    }});
    make(&ports, json!({"target": target})).await.unwrap();
    ports.register(
        &own(),
        &POLICY.replace("list", "open").replace("/input_data/secret", "/output/other"),
    );
    let repoint = json!({"$set": {"target.policy.policy_rule_uri": "open:1-x"}});
    for update in [repoint, json!({"$set": {"description": "d"}})] {
        let shown = put(&ports, update).await.unwrap().to_string();
        assert!(!shown.contains("hush") && shown.contains("**masked**"), "{shown}");
    }
    ports.clock().advance_s(300);
    tick(&ports).await.unwrap();
    let jobs = jobs(&ports);
    let job = jobs.values().next_back().unwrap();
    assert_eq!(job.policy_rule_uri.to_string(), "open:1-x");
    assert_eq!(job.mask, ["/output/other", "/input_data/secret"]);

    // A whole object has its own values: what the caller sends is not masked for another policy's sake.
    let target = json!({"policy": {"policy_rule_uri": "open:1-x", "input_data": {"ip": "x", "secret": "own"}}});
    let sent: Value = serde_json::from_str(&body(json!({"target": target}))).unwrap();
    let shown = put(&ports, sent).await.unwrap().to_string();
    assert!(shown.contains("own"), "{shown}");
}

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn a_clock_that_was_ahead_silences_no_schedule_after_it_was_set_back() {
    for catch_up in ["skip", "latest", "all"] {
        let (ports, watch) = (platform(), ClockWatch::default());
        let end_at = Timestamp::from_ms(ports.now().as_ms() + DAY_MS).to_string();
        make(&ports, json!({"catch_up": catch_up, "end_at": end_at})).await.unwrap();
        make(&ports, json!({"name": "endless", "catch_up": catch_up})).await.unwrap();
        tick_with(&ports, &watch).await.unwrap();
        let created = jobs(&ports).len();
        // Ten days ahead: one schedule is over by that clock, the other goes on there.
        ports.clock().shift_wall_ms(10 * DAY_MS);
        tick_with(&ports, &watch).await.unwrap();
        let early = jobs(&ports);
        // The clock is set back, and the server may have been started anew meanwhile.
        ports.clock().shift_wall_ms(-10 * DAY_MS);
        for watch in [watch, ClockWatch::default()] {
            for _ in 0..3 {
                ports.clock().advance_s(300);
                tick_with(&ports, &watch).await.unwrap();
            }
        }
        let made: Vec<_> = jobs(&ports).into_keys().filter(|id| !early.contains_key(id)).collect();
        assert_eq!((created, made.len()), (2, 2 * 6), "{catch_up}");
        for name in ["nightly", "endless"] {
            let fires = ports.schedule(&own(), name).state.last_fires;
            let submitted = fires.iter().filter(|fire| fire.outcome == FireOutcome::Submitted);
            assert!(submitted.count() >= 6, "{catch_up} {name}: {fires:?}");
        }
    }
}
