//! Concurrent writers of one resource: one wins, the others get an error, no write is partial.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::target::{Session, Target};
use crate::{TargetCheck, fail};
use writ_tests::server::HttpResponse;

pub(crate) const CHECKS: &[(&str, TargetCheck)] = &[
    ("concurrency::one_of_many_creators_wins", one_of_many_creators_wins),
    ("concurrency::one_of_many_writers_of_a_revision_wins", one_of_many_writers_wins),
    ("concurrency::what_was_acknowledged_of_a_race_was_done_once", what_was_acknowledged_was_done),
    ("concurrency::one_of_many_renames_to_one_name_wins", one_of_many_renames_wins),
];

const WRITERS: usize = 8;

/// A policy document with this name and description.
fn policy(name: &str, description: &str) -> Value {
    json!({
        "name": name, "version": "1", "release_tag": "x", "description": description,
        "code": format!("package {name}\n\nallow := true\n"), "code_type": "rego",
    })
}

fn json_with(
    session: &Session,
    method: &str,
    path: &str,
    if_match: Option<&str>,
    body: &Value,
) -> Result<HttpResponse, Failed> {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(if_match.map(|etag| ("if-match".to_owned(), etag.to_owned())));
    session.send(method, path, &headers, body.to_string().as_bytes())
}

/// Starts the writers at the same time and returns the response to each.
fn race(
    write: impl Fn(usize) -> Result<HttpResponse, Failed> + Sync,
) -> Result<Vec<HttpResponse>, Failed> {
    let start = std::sync::Barrier::new(WRITERS);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (start, write) = (&start, &write);
                scope.spawn(move || {
                    start.wait();
                    write(number)
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().map_err(|_| "a writer panicked")?).collect()
    })
}

/// Returns the index of the one response with status `won`; all others must have a status of `lost`.
fn winner(responses: &[HttpResponse], won: u16, lost: &[u16]) -> Result<usize, Failed> {
    let winners: Vec<_> = (0..)
        .zip(responses)
        .filter(|(_, response)| response.status == won)
        .map(|(at, _)| at)
        .collect();
    let others = responses.iter().filter(|response| response.status != won);
    for other in others {
        if !lost.contains(&other.status) {
            return fail(format!("{other:?}"));
        }
    }
    match winners.as_slice() {
        [one] => Ok(*one),
        _ => fail(format!("{} winners: {responses:?}", winners.len())),
    }
}

/// Fetches a policy and its number of revisions.
fn stored(session: &Session, uri: &str) -> Result<(Value, usize), Failed> {
    let policy = session.send("GET", &format!("/policy/{uri}"), &[], b"")?;
    let revisions = session.send("GET", &format!("/policy/{uri}/revisions"), &[], b"")?;
    let count = revisions.json()?.pointer("/data").and_then(Value::as_array).map_or(0, Vec::len);
    let data = policy.json()?.pointer("/data").cloned();
    Ok((data.ok_or_else(|| format!("{policy:?}"))?, count))
}

fn expect(found: &(Value, usize), description: &str, revisions: usize) -> Result<(), Failed> {
    let is_expected =
        found.0.get("description") == Some(&json!(description)) && found.1 == revisions;
    if is_expected {
        Ok(())
    } else {
        fail(format!("instead of `{description}` in {revisions} revisions: {found:?}"))
    }
}

fn one_of_many_creators_wins(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    let responses = race(|number| {
        json_with(&session, "POST", "/policy", None, &policy("contested", &number.to_string()))
    })?;
    let winner = winner(&responses, 201, &[409])?;
    expect(&stored(&session, "contested:1-x")?, &winner.to_string(), 1)
}

fn one_of_many_writers_wins(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    let created = json_with(&session, "POST", "/policy", None, &policy("contested", "at first"))?;
    let etag = created.header("etag").ok_or_else(|| format!("no etag: {created:?}"))?;
    let responses = race(|number| {
        let update = json!({"$set": {"description": number.to_string()}});
        json_with(&session, "PUT", "/policy/contested:1-x", Some(etag), &update)
    })?;
    let winner = winner(&responses, 200, &[409, 412])?;
    expect(&stored(&session, "contested:1-x")?, &winner.to_string(), 2)
}

fn what_was_acknowledged_was_done(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    json_with(&session, "POST", "/policy", None, &policy("counted", "a counter"))?;
    let responses = race(|_| {
        let update = json!({"$inc": {"policy_parameters.n": 1}});
        json_with(&session, "PUT", "/policy/counted:1-x", None, &update)
    })?;
    let done = responses.iter().filter(|response| response.status == 200).count();
    // A writer that lost too often may get 503; its change is not applied then.
    if let Some(other) =
        responses.iter().find(|response| ![200, 409, 412, 503].contains(&response.status))
    {
        return fail(format!("{other:?}"));
    }
    let (policy, revisions) = stored(&session, "counted:1-x")?;
    if done == 0 || policy.pointer("/policy_parameters/n") != Some(&json!(done)) {
        return fail(format!("{done} were acknowledged: {policy}"));
    }
    if revisions == done + 1 { Ok(()) } else { fail(format!("{revisions} revisions of {done}")) }
}

fn one_of_many_renames_wins(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    for number in 0..WRITERS {
        let body = policy(&format!("from{number}"), &number.to_string());
        json_with(&session, "POST", "/policy", None, &body)?;
    }
    let responses = race(|number| {
        let update = json!({"$set": {"name": "to"}});
        json_with(&session, "PUT", &format!("/policy/from{number}:1-x"), None, &update)
    })?;
    let winner = winner(&responses, 200, &[409])?;
    expect(&stored(&session, "to:1-x")?, &winner.to_string(), 2)?;
    for number in 0..WRITERS {
        let response = session.send("GET", &format!("/policy/from{number}:1-x"), &[], b"")?;
        let is_there = response.status == 200;
        if is_there == (number == winner) {
            return fail(format!("after `from{winner}` was renamed: {response:?}"));
        }
    }
    Ok(())
}
