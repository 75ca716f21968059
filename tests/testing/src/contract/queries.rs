//! Pages of queries.

use serde_json::{Value, json};
use writ_jobs::enqueue;
use writ_model::{Error, ErrorKind, Submission};
use writ_ports::{
    CreatePolicy, Page, PutJob, PutSchedule, Query, QueryExecutions, QueryJobs, QueryPolicies,
    QuerySchedules, RecordExecution,
};

use crate::at;
use crate::builders::{PolicyDraft, execution, query, schedule, submission, workspace};

/// One text field of every object that a query finds, over pages of two.
async fn all(
    field: &str,
    filter: &Value,
    sort: &Value,
    ask: impl AsyncFn(Query) -> Result<Page, Error>,
) -> String {
    let (mut values, mut token) = (Vec::new(), None);
    loop {
        let page = ask(query(filter.clone(), sort.clone(), 2, token)).await.unwrap();
        assert!(page.items.len() <= 2);
        for item in &page.items {
            let item: Value = serde_json::from_str(item).unwrap();
            values.push(item[field].as_str().unwrap().to_owned());
        }
        token = page.next_token;
        if token.is_none() {
            return values.join(" ");
        }
    }
}

async fn put_policies<P: CreatePolicy>(ports: &P) {
    for (uri, fields) in [
        ("b:1-x", json!({"type": "t", "description": "3"})),
        ("a:2-x", json!({"type": "t", "description": "2"})),
        ("a:1-x", json!({"type": "t", "description": "5"})),
        ("d:1-x", json!({"type": "u", "description": "1"})),
        ("c:1-x", json!({"type": "t", "description": "4"})),
    ] {
        let draft = PolicyDraft::new(uri, &format!("id-of-{uri}"), fields);
        ports.create_policy(&workspace("own"), draft.revision()).await.unwrap();
    }
    let draft = PolicyDraft::new("z:1-x", "p", json!({}));
    ports.create_policy(&workspace("other"), draft.revision()).await.unwrap();
}

/// Without a sort policies are in the order of their names, then of their URIs.
pub async fn policies_are_listed_by_name_over_pages<P>(ports: &P)
where
    P: CreatePolicy + QueryPolicies,
{
    put_policies(ports).await;
    let own = workspace("own");
    let ask = async |query: Query| ports.query_policies(&own, &query).await;
    for (filter, found) in [
        (json!({}), "a:1-x a:2-x b:1-x c:1-x d:1-x"),
        (json!({"type": "t"}), "a:1-x a:2-x b:1-x c:1-x"),
        (json!({"name": {"$gte": "b"}, "description": {"$ne": "3"}}), "c:1-x d:1-x"),
        (json!({"name": "z"}), ""),
    ] {
        let uris = all("policy_rule_uri", &filter, &Value::Null, ask).await;
        assert_eq!(uris, found, "{filter}");
    }
}

/// Without a sort records are newest first, those of one moment by their ids.
pub async fn records_are_listed_newest_first_over_pages<P>(ports: &P)
where
    P: QueryExecutions + RecordExecution,
{
    let own = workspace("own");
    for (number, ms) in [(3, 10), (1, 30), (2, 20), (4, 20), (5, 40)] {
        let uri = if number == 2 { "b:1-x" } else { "a:1-x" };
        ports.record_execution(&execution(&own, number, uri, at(ms))).await.unwrap();
    }
    ports.record_execution(&execution(&workspace("other"), 6, "a:1-x", at(50))).await.unwrap();
    let ask = async |query: Query| ports.query_executions(&own, &query).await;
    for (filter, numbers) in [
        (json!({}), vec![5, 1, 4, 2, 3]),
        (json!({"policy_rule_uri": "a:1-x"}), vec![5, 1, 4, 3]),
        (json!({"status": "succeeded"}), vec![4, 2]),
    ] {
        let ids = all("execution_id", &filter, &Value::Null, ask).await;
        let number = |id: &str| u64::from_str_radix(&id[24..], 16).unwrap();
        assert_eq!(ids.split(' ').map(number).collect::<Vec<_>>(), numbers, "{filter}");
    }
}

/// Without a sort jobs are newest first, those of one moment by their ids.
pub async fn jobs_are_listed_newest_first_over_pages<P: PutJob + QueryJobs>(ports: &P) {
    let own = workspace("own");
    for (job_id, ms) in [("c", 10), ("a", 30), ("b", 20), ("d", 20), ("e", 40)] {
        let submitted_at = at(ms);
        let asked = Submission { submitted_at, priority: 9, ..submission(&own, job_id) };
        ports.put_job(&asked, &enqueue(&asked)).await.unwrap();
    }
    let other = submission(&workspace("other"), "z");
    ports.put_job(&other, &enqueue(&other)).await.unwrap();
    let ask = async |query: Query| ports.query_jobs(&own, &query).await;
    for (filter, found) in [
        (json!({}), "e a d b c"),
        (json!({"inputs.ip": "10.0.0.1", "job_id": {"$ne": "d"}}), "e a b c"),
        (json!({"job_status": "failed"}), ""),
    ] {
        assert_eq!(all("job_id", &filter, &Value::Null, ask).await, found, "{filter}");
    }
}

/// Without a sort schedules are in the order of their names.
pub async fn schedules_are_listed_by_name_over_pages<P>(ports: &P)
where
    P: PutSchedule + QuerySchedules,
{
    let own = workspace("own");
    for name in ["b", "a.b", "a", "c"] {
        ports.put_schedule(&schedule(&own, name, Some(at(1)))).await.unwrap();
    }
    let mut off = schedule(&own, "d", None);
    off.definition.enabled = false;
    ports.put_schedule(&off).await.unwrap();
    ports.put_schedule(&schedule(&workspace("other"), "z", None)).await.unwrap();
    let ask = async |query: Query| ports.query_schedules(&own, &query).await;
    for (filter, sort, names) in [
        (json!({}), json!(null), "a a.b b c d"),
        (json!({}), json!({"name": -1}), "d c b a.b a"),
        (json!({"name": {"$gte": "b"}}), json!(null), "b c d"),
        (json!({"enabled": false}), json!(null), "d"),
        (json!({"target.policy.x": 1}), json!({"description": -1}), "d c b a.b a"),
    ] {
        assert_eq!(all("name", &filter, &sort, ask).await, names, "{filter} {sort}");
    }
}

/// A sort by a field that no index has orders what the filter finds.
pub async fn a_sort_orders_what_a_filter_finds<P: CreatePolicy + QueryPolicies>(ports: &P) {
    put_policies(ports).await;
    let own = workspace("own");
    let ask = async |query: Query| ports.query_policies(&own, &query).await;
    let filter = json!({"type": "t"});
    for (sort, found) in [
        (json!({"description": 1}), "a:2-x b:1-x c:1-x a:1-x"),
        (json!({"description": -1}), "a:1-x c:1-x b:1-x a:2-x"),
        (json!({"name": -1, "version": 1}), "c:1-x b:1-x a:1-x a:2-x"),
    ] {
        assert_eq!(all("policy_rule_uri", &filter, &sort, ask).await, found, "{sort}");
    }
}

/// The token of a page is refused with another filter, another sort, or another workspace.
pub async fn a_token_is_good_for_its_own_query_alone<P: CreatePolicy + QueryPolicies>(ports: &P) {
    put_policies(ports).await;
    let (own, open) = (workspace("own"), Value::Null);
    let filter = json!({"type": "t"});
    let page =
        ports.query_policies(&own, &query(filter.clone(), open.clone(), 1, None)).await.unwrap();
    let token = page.next_token.unwrap();
    for (workspace, filter, sort, token) in [
        (&own, json!({}), open.clone(), token.as_str()),
        (&own, filter.clone(), json!({"name": -1}), &token),
        (&workspace("other"), filter.clone(), open.clone(), &token),
        (&own, filter.clone(), open.clone(), "nonsense"),
    ] {
        let asked = query(filter.clone(), sort.clone(), 1, Some(token.to_owned()));
        let error = ports.query_policies(workspace, &asked).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{workspace} {filter} {sort}");
    }
    // The page size is no part of the query.
    let rest = query(filter, open, 9, Some(token));
    assert_eq!(ports.query_policies(&own, &rest).await.unwrap().items.len(), 3);
}
