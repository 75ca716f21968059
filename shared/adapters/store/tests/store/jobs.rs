//! Jobs, from their submission to their end.

use serde_json::{Value, json};
use writ_jobs::{cancel, document, enqueue, renew_lease, retry};
use writ_model::{ErrorKind, Job, JobStatus, RawJson, Submission};
use writ_ports::{
    CallbackSecret, CallbackSecretStore, CallbackSecrets, ChangeJob, CommitResult, CountQueued,
    GetJob, PeekQueue, PutJob, QueryJobs,
};
use writ_store::ChunkSizes;

use crate::fixture::{Fixture, dump, query, workspace};
use crate::job::{after, at, end, get, long, over, put, record, run, submission};

#[tokio::test]
async fn a_job_is_read_as_it_was_written_through_all_of_its_life() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let submitted = Submission {
        policy_rule_parameters: Some(RawJson::parse(r#"{"b":1e400,"a":[]}"#).unwrap()),
        node_selector: Some(RawJson::parse(r#"{"zone": "z"}"#).unwrap()),
        max_attempts: Some(2),
        callback_url: Some("https://example.com/done".to_owned()),
        mask: vec!["/input_data/ip".to_owned()],
        ..submission(&home, 1)
    };
    let state = put(&store, &submitted).await;
    let whole = |state, output| Job { submission: submitted.clone(), state, output };
    assert_eq!(get(&store, &submitted).await, whole(state.clone(), None));

    let first = record(&submitted, 1, None);
    let state = run(&store, &submitted, &state, &first.execution_id, at(5)).await;
    let state = renew_lease(&state, &first.execution_id, at(5_000)).unwrap();
    assert_eq!(store.change_job(&submitted, &state).await, Ok(true));
    assert_eq!(get(&store, &submitted).await, whole(state.clone(), None));

    // The policy failed, and there is another attempt.
    let state = after(&submitted, &state, &first, at(6_000));
    assert_eq!(state.job_status, JobStatus::Queued);
    assert_eq!(
        end(&store, &submitted, &state, &first).await,
        Ok(CommitResult::Done { is_final: false })
    );
    assert_eq!(get(&store, &submitted).await, whole(state.clone(), None));

    let second = record(&submitted, 2, Some(&json!({"ok": true})));
    let state = run(&store, &submitted, &state, &second.execution_id, at(600_000)).await;
    let state = after(&submitted, &state, &second, at(600_500));
    assert_eq!(
        end(&store, &submitted, &state, &second).await,
        Ok(CommitResult::Done { is_final: true })
    );
    assert_eq!(state.job_status, JobStatus::Completed);
    assert_eq!(get(&store, &submitted).await, whole(state, second.output));
}

#[tokio::test]
async fn a_job_is_submitted_once() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    for (number, inputs) in [(1, json!({})), (2, long(300_000))] {
        let submitted = Submission { inputs: RawJson::of(&inputs), ..submission(&home, number) };
        put(&store, &submitted).await;
        let before = dump(&database).await;
        let other = Submission { inputs: RawJson::of(&long(40_000)), ..submitted.clone() };
        for again in [&submitted, &other] {
            let error = store.put_job(again, &enqueue(again)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Conflict);
            assert!(error.message.contains(&submitted.job_id), "{error}");
        }
        assert!(dump(&database).await == before, "a refused job left something");
    }
}

#[tokio::test]
async fn what_is_not_there_is_none_and_does_not_change() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    store
        .put_callback_secrets(&home, &CallbackSecrets { version: 1, secrets: vec![] })
        .await
        .unwrap();
    for none in ["none", "", "callbacks", &"x".repeat(5_000)] {
        assert_eq!(store.get_job(&home, none).await, Ok(None), "{none}");
    }
    let submitted = submission(&home, 1);
    let before = dump(&database).await;
    let mut state = enqueue(&submitted);
    for version in [0, 1, 2] {
        state.version = version;
        assert_eq!(store.change_job(&submitted, &state).await, Ok(false), "{version}");
    }
    let record = record(&submitted, 1, Some(&json!(1)));
    assert_eq!(end(&store, &submitted, &state, &record).await, Ok(CommitResult::LeaseLost));
    assert!(dump(&database).await == before, "a job came out of nothing");
}

/// Every length around the limits, which are so small that a few kilobytes exceed them.
#[tokio::test]
async fn inputs_and_outputs_of_any_length_come_back_with_their_bytes() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let cutting = store
        .clone()
        .with_chunk_sizes(ChunkSizes { chunk_bytes_max: 500, transaction_bytes_max: 1_000 });
    let lengths = [8_000, 300_000, 1 << 20, 2_200_000].map(|length| (&store, length));
    let short = (0..20).map(|step| (&cutting, step * 100));
    for (number, (store, length)) in lengths.into_iter().chain(short).enumerate() {
        let number = number as u64 + 1;
        let submitted =
            Submission { inputs: RawJson::of(&long(length)), ..submission(&home, number) };
        // No policy returns more than a mebibyte.
        let output = long(length.min((1 << 20) - 20));
        let state = over(store, &submitted, number, Some(&output), at(50)).await;
        let job = get(store, &submitted).await;
        assert!(job.submission == submitted && job.state == state, "{length}");
        assert!(job.output == Some(RawJson::of(&output)), "{length}");
        let found = query(json!({"job_id": submitted.job_id}), json!(null), 1, None);
        let page = store.query_jobs(&home, &found).await.unwrap();
        assert!(page.items == [document(&job, None).unwrap()], "{length}");
    }
}

#[tokio::test]
async fn a_submission_that_no_transaction_holds_is_refused() {
    let Fixture { store, database } = Fixture::new().await;
    let submitted =
        Submission { inputs: RawJson::of(&long(3 << 20)), ..submission(&workspace("home"), 1) };
    let before = dump(&database).await;
    let error = store.put_job(&submitted, &enqueue(&submitted)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(dump(&database).await == before);
}

#[tokio::test]
async fn an_output_larger_than_an_item_is_kept_in_the_record_alone() {
    let Fixture { store, database } = Fixture::new().await;
    let submitted = submission(&workspace("home"), 1);
    over(&store, &submitted, 1, Some(&long(1 << 20)), at(5)).await;
    let bytes: usize = dump(&database)
        .await
        .iter()
        .filter(|(key, _)| key.0 == "writ-jobs")
        .flat_map(|(_, item)| item.values())
        .map(|value| value.as_s().map_or(0, String::len))
        .sum();
    assert!(bytes < 4_000, "the job takes {bytes} bytes");
}

#[tokio::test]
async fn the_output_stays_while_its_end_is_told() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for (number, output) in [(1, json!({"ok": true})), (2, long(100_000))] {
        let submitted = submission(&home, number);
        let mut state = over(&store, &submitted, number, Some(&output), at(5)).await;
        state.version += 1;
        assert_eq!(store.change_job(&submitted, &state).await, Ok(true));
        assert!(get(&store, &submitted).await.output == Some(RawJson::of(&output)));
    }
}

#[tokio::test]
async fn a_job_that_is_tried_again_shows_no_earlier_output_or_error() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let submitted = submission(&workspace("home"), 1);
    let state = over(&store, &submitted, 1, None, at(5)).await;
    assert!(get(&store, &submitted).await.state.error.is_some());
    let state = retry(&state, at(9)).unwrap();
    assert_eq!(store.change_job(&submitted, &state).await, Ok(true));
    let job = get(&store, &submitted).await;
    assert_eq!((job.state.round, job.state.error, job.output), (2, None, None));
    // The output of a completed job does not belong to any state after it.
    let done = submission(&workspace("home"), 2);
    for (number, output) in [(2, json!(7)), (3, long(100_000))] {
        let done = Submission { job_id: format!("{}{number}", done.job_id), ..done.clone() };
        let mut state = over(&store, &done, number, Some(&output), at(5)).await;
        state.version += 1;
        state.job_status = JobStatus::Queued;
        assert_eq!(store.change_job(&done, &state).await, Ok(true));
        assert_eq!(get(&store, &done).await.output, None);
    }
}

#[tokio::test]
async fn nothing_of_one_workspaces_jobs_is_seen_from_another() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    let submitted = submission(&home, 1);
    let state = put(&store, &submitted).await;
    let secret = CallbackSecret {
        secret: "whsec_x".to_owned(),
        made_at: at(0),
        ends_at: Some(at(1)),
        request_id: Some("r".to_owned()),
    };
    let secrets = CallbackSecrets { version: 1, secrets: vec![secret] };
    assert_eq!(store.put_callback_secrets(&home, &secrets).await, Ok(true));

    for id in [submitted.job_id.as_str(), &format!("../home#{}", submitted.job_id)] {
        assert_eq!(store.get_job(&other, id).await, Ok(None));
    }
    assert_eq!(store.peek_queue(&other, 10).await, Ok(vec![]));
    assert_eq!(store.count_before(&other, "9999", 10).await, Ok(0));
    assert_eq!(store.get_callback_secrets(&other).await, Ok(CallbackSecrets::default()));
    for filter in [
        json!({}),
        json!({"job_id": submitted.job_id}),
        json!({"policy_rule_uri": "a:1-x"}),
        json!({"job_status": "queued"}),
    ] {
        let page = store.query_jobs(&other, &query(filter, json!(null), 10, None)).await.unwrap();
        assert!(page.items.is_empty());
    }
    // In the other workspace the same id is another job.
    let twin = Submission { workspace: other.clone(), ..submitted.clone() };
    let stopped = cancel(&twin, &put(&store, &twin).await, "eve", at(1)).unwrap();
    assert_eq!(store.change_job(&twin, &stopped).await, Ok(true));
    assert_eq!(get(&store, &submitted).await.state, state);
    assert_eq!(store.peek_queue(&home, 10).await, Ok(vec![submitted.job_id]));
    assert_eq!(store.get_callback_secrets(&home).await, Ok(secrets));
}

#[tokio::test]
async fn secrets_change_one_version_at_a_time() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let secret = |secret: &str| CallbackSecret {
        secret: secret.to_owned(),
        made_at: at(0),
        ends_at: None,
        request_id: None,
    };
    assert_eq!(store.get_callback_secrets(&home).await, Ok(CallbackSecrets::default()));
    let first = CallbackSecrets { version: 1, secrets: vec![secret("a")] };
    let second = CallbackSecrets { version: 2, secrets: vec![secret("b"), secret("a")] };
    for (secrets, holds) in [
        (&second, false),
        (&first, true),
        (&first, false),
        (&second, true),
        (&second, false),
        (&first, false),
    ] {
        assert_eq!(store.put_callback_secrets(&home, secrets).await, Ok(holds), "{secrets:?}");
    }
    assert_eq!(store.get_callback_secrets(&home).await, Ok(second));
}

/// Other tests cover the rules of the document; this one checks that a stored job has what they
/// need.
#[tokio::test]
async fn what_is_masked_is_stored_for_the_run_and_not_shown() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let mask = vec!["/input_data/ip".to_owned()];
    let submitted = Submission { mask, ..submission(&home, 1) };
    put(&store, &submitted).await;
    assert_eq!(get(&store, &submitted).await.submission.inputs, submitted.inputs);
    let page = store.query_jobs(&home, &query(json!({}), json!(null), 10, None)).await.unwrap();
    let shown: Value = serde_json::from_str(&page.items[0]).unwrap();
    assert!(shown["inputs"]["ip"] != json!("10.0.0.1") && shown["inputs"]["n"] == json!(1.0));
}
