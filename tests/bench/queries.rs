//! Queries over registries of growing size.

use std::error::Error;
use std::time::Instant;

use serde_json::{Value, json};
use writ_dynamodb::Database;
use writ_model::{Digest, PolicyRule, Timestamp, Workspace};
use writ_ports::{CreatePolicy, NewRevision, PolicyHead, Query, QueryPolicies};
use writ_query::Filter;
use writ_store::{Store, TableNames};

use writ_bench::sample::text;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Prints the table of queries, row by row: filling the largest registry takes minutes.
pub(crate) fn report() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(run_report())
}

async fn run_report() -> Result<(), Box<dyn Error>> {
    println!(
        "## Queries\n\n| filter | policies | found | objects read | time |\n|---|---|---|---|---|"
    );
    let database = Database::ephemeral()?;
    let store = Store::new(database.client(), TableNames::with_prefix("bench-"));
    store.create_tables().await.map_err(|error| format!("{error:?}"))?;
    let mut stored = 0;
    for size in SIZES {
        while stored < size {
            create(&store, stored).await?;
            stored += 1;
        }
        for filter in [
            json!({"name": "policy_000777"}),
            json!({"version": {"$gte": "000990", "$lt": "001000"}}),
            json!({"name": {"$regex": "^policy_00077"}, "description": {"$ne": "x"}}),
            json!({"description": "number 777"}),
        ] {
            let started = Instant::now();
            let (found, reads, pages) = every_page(&store, &filter).await?;
            let taken = text(started.elapsed());
            println!("| `{filter}` | {size} | {found} | {reads} in {pages} page(s) | {taken} |");
        }
    }
    println!(
        "\nThe last filter is served by no index: it is read page by page, each within the read budget."
    );
    Ok(())
}

async fn create(store: &Store, number: usize) -> Result<(), Box<dyn Error>> {
    let document: Value = json!({
        "name": format!("policy_{number:06}"), "version": format!("{number:06}"), "release_tag": "x",
        "code": "package p\n\nallow := true\n", "code_type": "rego", "description": format!("number {number}"),
    });
    let policy = PolicyRule::from_json(&document.to_string())?;
    let body = policy.to_body()?;
    let head = PolicyHead {
        policy_id: format!("{number}"),
        uri: policy.policy_rule_uri.clone(),
        revision: 1,
        digest: Digest::of(body.as_bytes()),
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
    };
    let new = NewRevision { head, policy: &policy, body: &body, author: "bench" };
    store.create_policy(&Workspace::default(), new).await?;
    Ok(())
}

async fn every_page(
    store: &Store,
    filter: &Value,
) -> Result<(usize, usize, usize), Box<dyn Error>> {
    let mut query =
        Query { filter: Filter::parse(filter)?, sort: None, limit: 1_000, next_token: None };
    let (mut found, mut reads, mut pages) = (0, 0, 0);
    loop {
        let page = store.query_policies(&Workspace::default(), &query).await?;
        found += page.items.len();
        reads += page.reads;
        pages += 1;
        match page.next_token {
            Some(token) => query.next_token = Some(token),
            None => return Ok((found, reads, pages)),
        }
    }
}
