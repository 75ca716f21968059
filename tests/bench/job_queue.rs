//! The cost of a job in the store while up to a hundred thousand others wait; none of them runs.

use std::error::Error;
use std::time::Instant;

use serde_json::json;
use writ_dynamodb::Database;
use writ_jobs::{enqueue, queue_key};
use writ_model::{Submission, Workspace};
use writ_platform::{NoEngine, Platform};
use writ_ports::{
    CountQueued as _, GetJob as _, PeekQueue as _, PutJob as _, Query, QueryJobs as _,
};
use writ_query::Filter;
use writ_store::{Store, TableNames};

use crate::job_units::submission;
use writ_bench::sample::{HEAD, Sample};

/// The numbers of waiting jobs at which it is measured.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Calls of each row.
const CALLS: usize = 300;
/// The highest position that `GET /jobs/{id}` counts.
const POSITION_MAX: usize = 100;

/// Prints the table, row by row: filling the longest queue takes minutes.
pub(crate) fn report() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(run_report())
}

async fn run_report() -> Result<(), Box<dyn Error>> {
    println!("### With other jobs in the queue, in memory\n\n{HEAD}");
    let database = Database::ephemeral()?;
    let store = Store::new(database.client(), TableNames::with_prefix("bench-"));
    store.create_tables().await.map_err(|error| format!("{error:?}"))?;
    let platform = Platform::new(store, NoEngine);
    let workspace = Workspace::default();
    let mut waiting = 0;
    for size in SIZES {
        while waiting < size {
            put(&platform, &workspace).await?;
            waiting += 1;
        }
        waiting += CALLS;
        rows(&platform, &workspace, size).await?;
    }
    Ok(())
}

type Bare = Platform<NoEngine>;

async fn put(platform: &Bare, workspace: &Workspace) -> Result<Submission, Box<dyn Error>> {
    let submission = submission(platform, workspace)?;
    platform.put_job(&submission, &enqueue(&submission)).await.map_err(describe_error)?;
    Ok(submission)
}

fn describe_error(error: writ_model::Error) -> Box<dyn Error> {
    format!("{error:?}").into()
}

async fn rows(platform: &Bare, workspace: &Workspace, size: usize) -> Result<(), Box<dyn Error>> {
    let (mut puts, mut reads, mut heads) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let started = Instant::now();
        let submission = put(platform, workspace).await?;
        puts.push(started.elapsed());
        let started = Instant::now();
        let job = platform.get_job(workspace, &submission.job_id).await.map_err(describe_error)?;
        let job = job.ok_or("the job is gone")?;
        let queue_key = queue_key(&submission, &job.state);
        platform
            .count_before(workspace, &queue_key, POSITION_MAX + 1)
            .await
            .map_err(describe_error)?;
        reads.push(started.elapsed());
        let started = Instant::now();
        platform.peek_queue(workspace, 8).await.map_err(describe_error)?;
        heads.push(started.elapsed());
    }
    print!("{}", Sample::from(puts).row(&format!("recorded, {size} wait"), ""));
    print!("{}", Sample::from(reads).row(&format!("read, with its position, {size} wait"), ""));
    print!("{}", Sample::from(heads).row(&format!("the first job of the queue, {size} wait"), ""));
    for filter in [
        json!({"policy_rule_uri": "constant:1-x", "inputs.ip": "10.0.0.1"}),
        json!({"inputs.ip": "10.9.9.9"}),
    ] {
        let query =
            Query { filter: Filter::parse(&filter)?, sort: None, limit: 100, next_token: None };
        let started = Instant::now();
        let page = platform.query_jobs(workspace, &query).await.map_err(describe_error)?;
        println!(
            "| `{filter}`, one page, {size} wait: {} found in {} reads{} | {:.0} ms | | |",
            page.items.len(),
            page.reads,
            if page.next_token.is_some() { ", more by its token" } else { "" },
            started.elapsed().as_secs_f64() * 1e3,
        );
    }
    Ok(())
}
