//! The order of a queue, and the jobs that are due.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use writ_jobs::{DueAction, cancel, due, enqueue, lease, queue_key};
use writ_model::{JobSignal, SignalKind, Submission, Timestamp};
use writ_ports::{ChangeJob, CountQueued, DueJobs, PeekQueue, PutJob};
use writ_store::Store;

use crate::fixture::{Fixture, dump, workspace};
use crate::job::{after, at, end, get, lease_request, over, put, record, run, runner, submission};
use writ_dynamodb::Database;

/// All due jobs, read page by page, and the number of pages.
async fn all_due(store: &Store, before: Timestamp) -> (Vec<JobSignal>, usize) {
    let (mut jobs, mut pages, mut next) = (Vec::new(), 0, None);
    loop {
        let page = store.due_jobs(before, next.as_deref()).await.unwrap();
        assert!(page.jobs.len() <= 100);
        jobs.extend(page.jobs);
        pages += 1;
        next = page.next;
        if next.is_none() {
            return (jobs, pages);
        }
    }
}

/// The number of entries of the index, of all workspaces.
async fn entries(database: &Database, index: &str) -> usize {
    let scan = database.client().scan().table_name("writ-jobs").index_name(index);
    scan.send().await.unwrap().items().len()
}

fn signal(submission: &Submission) -> JobSignal {
    JobSignal::new(submission, SignalKind::Queue)
}

#[test]
fn the_line_is_in_the_order_of_ranks() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let job = (0..10_u8, 0..5_i64, 0..3_u8);
    let jobs = proptest::collection::vec(job, 0..14);
    let by = runner();
    let cases = &mut proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    let outcome = cases.run(&(jobs, 0..16_usize), |(jobs, limit)| {
        runtime.block_on(async {
            let Fixture { store, database: _database } = Fixture::new().await;
            let home = workspace("home");
            let mut waiting = Vec::new();
            for (number, (priority, ready, fate)) in jobs.into_iter().enumerate() {
                let submitted = Submission {
                    priority,
                    submitted_at: at(ready),
                    not_before: (fate == 1).then(|| at(1_000_000)),
                    ..submission(&home, number as u64)
                };
                let state = put(&store, &submitted).await;
                match fate {
                    0 => waiting.push((queue_key(&submitted, &state), submitted.job_id)),
                    // The job's time has not come yet.
                    1 => {}
                    _ => {
                        let leased_state =
                            lease(&submitted, &state, &by, lease_request("e"), at(10));
                        assert!(
                            store.change_job(&submitted, &leased_state.unwrap()).await.unwrap()
                        );
                    }
                }
            }
            waiting.sort();
            let want: Vec<String> = waiting.iter().map(|(_, id)| id.clone()).take(limit).collect();
            prop_assert_eq!(store.peek_queue(&home, limit).await.unwrap(), want);
            for (position, (queue_key, _)) in waiting.iter().enumerate() {
                let count = store.count_before(&home, queue_key, limit).await.unwrap();
                prop_assert_eq!(count, position.min(limit));
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_job_stands_in_line_while_it_waits_and_is_due_until_it_is_over() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let holds = async |line, due| {
        assert_eq!(
            (entries(&database, "by_line").await, entries(&database, "by_due").await),
            (line, due)
        );
    };
    let submitted = Submission { not_before: Some(at(5_000)), ..submission(&home, 1) };
    let state = put(&store, &submitted).await;
    holds(0, 1).await;
    assert_eq!(store.due_jobs(at(4_999), None).await.unwrap().jobs, []);
    assert_eq!(store.due_jobs(at(5_000), None).await.unwrap().jobs, [signal(&submitted)]);

    let DueAction::Write(state) = due(&submitted, &state, at(5_000), 0) else { panic!("not due") };
    assert_eq!(store.change_job(&submitted, &state).await, Ok(true));
    holds(1, 1).await;
    assert_eq!(store.peek_queue(&home, 5).await, Ok(vec![submitted.job_id.clone()]));
    assert_eq!(store.due_jobs(at(5_000), None).await.unwrap().jobs, []);

    let record = record(&submitted, 1, Some(&json!(1)));
    let state = run(&store, &submitted, &state, &record.execution_id, at(6_000)).await;
    holds(0, 1).await;
    assert_eq!(store.due_jobs(at(35_999), None).await.unwrap().jobs, []);
    assert_eq!(store.due_jobs(at(36_000), None).await.unwrap().jobs, [signal(&submitted)]);

    let state = after(&submitted, &state, &record, at(7_000));
    assert_eq!(state.due_at, None);
    end(&store, &submitted, &state, &record).await.unwrap();
    holds(0, 0).await;
    for other in ["by_time", "by_policy", "by_outcome"] {
        assert_eq!(entries(&database, other).await, 1, "{other}");
    }
}

#[tokio::test]
async fn whatever_ends_a_job_takes_it_out_of_its_line() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let submitted = submission(&home, 1);
    let state = cancel(&submitted, &put(&store, &submitted).await, "ada", at(1)).unwrap();
    assert_eq!(store.change_job(&submitted, &state).await, Ok(true));
    over(&store, &submission(&home, 2), 2, None, at(5)).await;
    // This job has a callback, which is due.
    let url = Some("https://example.com".to_owned());
    let with_callback = Submission { callback_url: url, ..submission(&home, 3) };
    over(&store, &with_callback, 3, Some(&json!(1)), at(5)).await;
    assert_eq!(entries(&database, "by_line").await, 0);
    assert_eq!(all_due(&store, at(1_000)).await.0, [signal(&with_callback)]);
}

#[tokio::test]
async fn a_lost_race_leaves_the_line_as_it_is() {
    let Fixture { store, database } = Fixture::new().await;
    let submitted = submission(&workspace("home"), 1);
    let state = put(&store, &submitted).await;
    let leased_state = lease(&submitted, &state, &runner(), lease_request("e"), at(10)).unwrap();
    let cancelled_state = cancel(&submitted, &state, "ada", at(10)).unwrap();
    assert_eq!(store.change_job(&submitted, &cancelled_state).await, Ok(true));
    let before = dump(&database).await;
    assert_eq!(store.change_job(&submitted, &leased_state).await, Ok(false));
    assert!(dump(&database).await == before);
    assert_eq!(get(&store, &submitted).await.state, cancelled_state);
}

#[tokio::test]
async fn what_is_due_is_found_for_all_workspaces_page_by_page_and_once() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let homes = [workspace("home"), workspace("other"), workspace("third")];
    let mut want = BTreeSet::new();
    for number in 0..330_u64 {
        let submitted = submission(&homes[number as usize % 3], number);
        let mut state = enqueue(&submitted);
        state.due_at = (number % 11 != 0).then(|| at(i64::try_from(number * 7 % 330).unwrap()));
        store.put_job(&submitted, &state).await.unwrap();
        if state.due_at.is_some_and(|due_at| due_at <= at(299)) {
            want.insert((submitted.workspace.to_string(), submitted.job_id));
        }
    }
    let (found, pages) = all_due(&store, at(299)).await;
    let count = found.len();
    let found: BTreeSet<_> =
        found.into_iter().map(|signal| (signal.workspace.to_string(), signal.job_id)).collect();
    assert!(found == want && count == want.len() && count > 200, "{count}");
    assert!(pages <= 4, "{pages}");
    for before in [0, i64::MAX] {
        store.due_jobs(Timestamp::from_ms(before), None).await.unwrap();
    }
}

#[tokio::test]
async fn a_forged_token_of_what_is_due_is_refused() {
    let Fixture { store, database: _database } = Fixture::new().await;
    for token in ["", "x", "eyJ2IjoxfQ"] {
        let error = store.due_jobs(at(0), Some(token)).await.unwrap_err();
        assert_eq!(error.location.as_deref(), Some("next_token"), "{token}");
    }
}

#[tokio::test]
async fn a_long_line_is_counted_and_taken_only_as_far_as_was_asked() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let mut last = String::new();
    for number in 0..150 {
        let submitted = submission(&home, number);
        last = queue_key(&submitted, &put(&store, &submitted).await);
    }
    for (most, count) in [(0, 0), (1, 1), (100, 100), (149, 149), (1_000, 149)] {
        assert_eq!(store.count_before(&home, &last, most).await, Ok(count));
        assert_eq!(store.peek_queue(&home, most).await.unwrap().len(), most.min(150));
    }
    for queue_key in ["", &"9".repeat(5_000)] {
        assert_eq!(store.count_before(&home, queue_key, 10).await, Ok(0));
    }
}
