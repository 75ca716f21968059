//! Queries of jobs.

use proptest::prelude::*;
use serde_json::{Value, json};
use writ_jobs::{cancel, document, enqueue};
use writ_model::{JobState, JobStatus, RawJson, Submission, Workspace};
use writ_ports::{ChangeJob, PutJob, QueryJobs};
use writ_query::Sort;
use writ_store::Store;

use crate::fixture::{Fixture, query, workspace};
use crate::job::{at, get, lease_request, long, numbers, over, put, run, submission};

/// Reads every page: the documents, and the sum of reads.
async fn all(
    store: &Store,
    home: &Workspace,
    filter: &Value,
    sort: &Value,
    limit: usize,
) -> (Vec<String>, usize) {
    let (mut found, mut reads, mut token) = (Vec::new(), 0, None);
    loop {
        let request = query(filter.clone(), sort.clone(), limit, token);
        let page = store.query_jobs(home, &request).await.unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items);
        reads += page.reads;
        token = page.next_token;
        if token.is_none() {
            return (found, reads);
        }
    }
}

/// The job of a number, which also determines its status.
fn nth(home: &Workspace, number: u64) -> Submission {
    Submission {
        policy_rule_uri: ["a:1-x", "b:1-x"][number as usize % 2].parse().unwrap(),
        inputs: RawJson::of(&json!({"ip": format!("10.0.0.{}", number % 4), "n": number})),
        priority: (number % 3) as u8,
        ..submission(home, number)
    }
}

/// Brings the job into the status of its number: completed, failed, cancelled, running or queued.
/// Jobs end in another order than they were submitted in.
async fn put_with_status(store: &Store, home: &Workspace, number: u64) {
    let submitted = nth(home, number);
    let ended = at(i64::try_from(10_000 + number * 37 % 101).unwrap());
    match number % 8 {
        0..3 => drop(over(store, &submitted, number + 1, Some(&json!({"n": number})), ended).await),
        3..5 => drop(over(store, &submitted, number + 1, None, ended).await),
        5 => {
            let state = cancel(&submitted, &put(store, &submitted).await, "ada", ended).unwrap();
            assert!(store.change_job(&submitted, &state).await.unwrap());
        }
        6 => {
            let state = put(store, &submitted).await;
            run(store, &submitted, &state, &lease_request(&submitted.job_id).fencing_token, ended)
                .await;
        }
        _ => drop(put(store, &submitted).await),
    }
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_found_by_whatever_they_say() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..40 {
        put_with_status(&store, &home, number).await;
    }
    for (filter, want) in [
        (json!({}), (0..40).rev().collect::<Vec<u64>>()),
        (json!({"inputs.ip": "10.0.0.3"}), (0..40).rev().filter(|n| n % 4 == 3).collect()),
        (json!({"policy_rule_uri": "b:1-x"}), (0..40).rev().filter(|n| n % 2 == 1).collect()),
        (json!({"job_policy_rule_uri": "b:1-x"}), (0..40).rev().filter(|n| n % 2 == 1).collect()),
        (json!({"job_status": "queued"}), (0..40).rev().filter(|n| n % 8 == 7).collect()),
        (
            json!({"job_status": {"$in": ["queued", "running"]}}),
            (0..40).rev().filter(|n| n % 8 >= 6).collect(),
        ),
        (
            json!({"job_status": {"$in": ["queued", "cancelled"]}}),
            (0..40).rev().filter(|n| [5, 7].contains(&(n % 8))).collect(),
        ),
        (json!({"job_output_data.n": {"$lt": 9}}), vec![8, 2, 1, 0]),
        (json!({"error.kind": "policy_raised", "priority": 0}), vec![36, 27, 12, 3]),
        (json!({"name": "check 7"}), vec![7]),
        (json!({"submitted_at": {"$lt": at(3).to_string()}}), vec![2, 1, 0]),
        (json!({"job_status": "nonsense"}), vec![]),
        (json!({"cancelled_by": "ada", "inputs.n": {"$gt": 20}}), vec![37, 29, 21]),
    ] {
        let (found, _) = all(&store, &home, &filter, &json!(null), 7).await;
        assert_eq!(numbers(&found), want, "{filter}");
    }
}

#[tokio::test]
async fn a_listed_job_is_shown_as_it_is_shown_alone() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..8 {
        put_with_status(&store, &home, number).await;
    }
    let large = Submission { inputs: RawJson::of(&long(700_000)), ..submission(&home, 50) };
    over(&store, &large, 51, Some(&long(600_000)), at(60)).await;
    let (found, _) = all(&store, &home, &json!({}), &json!(null), 100).await;
    let mut want = vec![document(&get(&store, &large).await, None).unwrap()];
    for number in (0..8).rev() {
        want.push(document(&get(&store, &nth(&home, number)).await, None).unwrap());
    }
    assert!(found == want);
}

/// Two thousand jobs, of which few failed, and fewer are not over.
#[tokio::test]
async fn what_an_index_serves_is_read_in_proportion_to_the_result() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..2_000_u64 {
        let rare = number % 100 == 0;
        let submitted = Submission {
            policy_rule_uri: if rare { "rare:1-x" } else { "a:1-x" }.parse().unwrap(),
            ..submission(&home, number)
        };
        let waiting = enqueue(&submitted);
        let stopped = cancel(&submitted, &waiting, "ada", at(9_000)).unwrap();
        let state = match number {
            1_990.. => waiting,
            _ if number % 50 == 7 => JobState { job_status: JobStatus::Failed, ..stopped },
            _ => stopped,
        };
        store.put_job(&submitted, &state).await.unwrap();
    }
    let newest = submission(&home, 1_999).job_id;
    for (filter, sort, results, reads) in [
        (json!({}), json!(null), 20, 60),
        (json!({}), json!({"submitted_at": 1}), 20, 60),
        (json!({"policy_rule_uri": "rare:1-x"}), json!(null), 20, 60),
        (json!({"job_status": "failed"}), json!(null), 20, 60),
        (json!({"job_status": "failed"}), json!({"finished_at": 1}), 20, 60),
        (json!({"job_status": "failed", "name": "check 7"}), json!(null), 1, 60),
        (json!({"job_status": "queued"}), json!(null), 10, 20),
        (json!({"job_status": "queued"}), json!({"submitted_at": 1}), 10, 20),
        (json!({"job_status": "running"}), json!(null), 0, 20),
        (json!({"job_status": "completed"}), json!(null), 0, 8),
        (json!({"job_id": newest}), json!(null), 1, 1),
        (json!({"job_id": {"$in": [newest, "none"]}, "job_status": "failed"}), json!(null), 0, 2),
        (json!({"submitted_at": at(1_000).to_string()}), json!(null), 1, 9),
        (json!({"submitted_at": {"$gte": at(1_980).to_string()}}), json!(null), 20, 40),
    ] {
        let request = query(filter.clone(), sort.clone(), 20, None);
        let page = store.query_jobs(&home, &request).await.unwrap();
        assert_eq!(page.items.len(), results, "{filter} {sort}");
        assert!(page.reads <= reads, "{filter} {sort} took {} reads", page.reads);
    }
    // A page of a query that no index serves ends at the budget, and the next one continues.
    let filter = json!({"inputs.ip": "none"});
    let page =
        store.query_jobs(&home, &query(filter.clone(), json!(null), 20, None)).await.unwrap();
    assert!(page.items.is_empty() && page.reads <= 2_000, "{}", page.reads);
    let (found, reads) = all(&store, &home, &filter, &json!(null), 20).await;
    assert!(found.is_empty() && (2_000..2_020).contains(&reads), "{reads}");
}

#[tokio::test]
async fn a_token_is_good_for_its_own_query_and_workspace_alone() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    for number in 0..5 {
        put_with_status(&store, &home, number).await;
        put_with_status(&store, &other, number).await;
    }
    let ask = |filter: Value, token| query(filter, json!(null), 2, token);
    let page = store.query_jobs(&home, &ask(json!({}), None)).await.unwrap();
    let token = page.next_token;
    for (workspace, filter) in [(&other, json!({})), (&home, json!({"priority": 1}))] {
        let error = store.query_jobs(workspace, &ask(filter, token.clone())).await.unwrap_err();
        assert_eq!(error.location.as_deref(), Some("next_token"));
    }
    let page = store.query_jobs(&home, &ask(json!({}), token)).await.unwrap();
    assert_eq!(numbers(&page.items), [2, 1]);
}

#[tokio::test]
async fn a_sort_that_no_index_gives_is_sorted_in_memory() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..20 {
        put_with_status(&store, &home, number).await;
    }
    let sort = json!({"priority": -1, "inputs.n": 1});
    let (found, _) = all(&store, &home, &json!({"job_status": "failed"}), &sort, 2).await;
    assert_eq!(numbers(&found), [11, 4, 19, 3, 12]);
}

fn condition() -> impl Strategy<Value = Value> {
    let time = || (0..110_i64).prop_map(|ms| at(10_000 + ms).to_string());
    let status = prop_oneof![
        Just("queued"),
        Just("running"),
        Just("completed"),
        Just("failed"),
        Just("cancelled"),
    ];
    prop_oneof![
        status.clone().prop_map(|status| json!({"job_status": status})),
        (status.clone(), status.clone())
            .prop_map(|(one, other)| json!({"job_status": {"$in": [one, other]}})),
        status.prop_map(|status| json!({"job_status": {"$ne": status}})),
        (0..40_i64).prop_map(|ms| json!({"submitted_at": {"$gte": at(ms).to_string()}})),
        time().prop_map(|time| json!({"finished_at": {"$lt": time}})),
        time().prop_map(|time| json!({"finished_at": {"$gt": time}})),
        Just(json!({"finished_at": null})),
        Just(json!({"policy_rule_uri": "a:1-x"})),
        Just(json!({"job_policy_rule_uri": {"$in": ["b:1-x", "none:1-x"]}})),
        Just(json!({"inputs.ip": "10.0.0.1"})),
        (0..3_u8).prop_map(|priority| json!({"priority": priority})),
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    let some = || proptest::collection::vec(condition(), 1..4);
    prop_oneof![
        condition(),
        some().prop_map(|all| json!({ "$and": all })),
        some().prop_map(|any| json!({ "$or": any })),
        Just(json!({})),
    ]
}

fn sort() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!({"submitted_at": 1})),
        Just(json!({"submitted_at": -1})),
        Just(json!({"finished_at": 1})),
        Just(json!({"finished_at": -1})),
        Just(json!({"priority": 1, "submitted_at": -1})),
    ]
}

#[test]
fn paging_visits_what_the_filter_means_exactly_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = workspace("home");
    let (fixture, documents) = runtime.block_on(async {
        let fixture = Fixture::new().await;
        let mut documents = Vec::new();
        for number in 0..40 {
            put_with_status(&fixture.store, &home, number).await;
            let job = get(&fixture.store, &nth(&home, number)).await;
            documents.push(document(&job, None).unwrap());
        }
        (fixture, documents)
    });
    let parse = |text: &String| serde_json::from_str::<Value>(text).unwrap();
    let values: Vec<Value> = documents.iter().map(parse).collect();
    let cases = &mut proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(96));
    let outcome = cases.run(&(filter(), sort(), 1..12_usize), |(filter, sort, limit)| {
        let parsed = query(filter.clone(), sort.clone(), limit, None);
        let matching = (0..).zip(&values).filter(|(_, value)| parsed.filter.matches(value));
        let want: Vec<u64> = matching.map(|(number, _)| number).collect();
        let (found, _) = runtime.block_on(all(&fixture.store, &home, &filter, &sort, limit));
        if let Some(sort) = (!sort.is_null()).then(|| Sort::parse(&sort).unwrap()) {
            let found: Vec<Value> = found.iter().map(parse).collect();
            prop_assert!(found.is_sorted_by(|left, right| sort.compare(left, right).is_le()));
        }
        let mut found = numbers(&found);
        found.sort_unstable();
        prop_assert_eq!(found, want);
        Ok(())
    });
    outcome.unwrap();
}
