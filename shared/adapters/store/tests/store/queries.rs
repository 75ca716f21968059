//! Queries of the policy registry.

use proptest::prelude::*;
use serde_json::{Value, json};
use writ_model::{ErrorKind, Workspace};
use writ_ports::{DeletePolicy, QueryPolicies, ReplacePolicy};
use writ_query::Sort;
use writ_store::Store;

use crate::fixture::{Draft, Fixture, create, query, uris, workspace};

/// Reads every page: the URIs, and the sum of reads.
async fn all(
    store: &Store,
    home: &Workspace,
    filter: &Value,
    sort: &Value,
    limit: usize,
) -> (Vec<String>, usize) {
    let (mut found, mut reads, mut token) = (Vec::new(), 0, None);
    loop {
        let page = store
            .query_policies(home, &query(filter.clone(), sort.clone(), limit, token))
            .await
            .unwrap();
        assert!(page.items.len() <= limit);
        found.extend(uris(&page));
        reads += page.reads;
        token = page.next_token;
        if token.is_none() {
            return (found, reads);
        }
    }
}

async fn many(store: &Store, home: &Workspace, count: usize) {
    for number in 0..count {
        let uri =
            format!("policy{:04}:{}.0-{}", number, number % 10, ["alpha", "beta"][number % 2]);
        let kind = if number % 50 == 0 { "rego" } else { "python_class_v1" };
        let tags = if number % 3 == 0 { String::new() } else { format!("team{}", number % 7) };
        create(store, home, &uri, json!({"type": kind, "tags": tags, "metadata": {"n": number}}))
            .await;
    }
}

#[tokio::test]
async fn what_an_index_serves_is_read_in_proportion_to_the_result() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    many(&store, &home, 400).await;
    for (filter, results) in [
        (json!({"name": "policy0123"}), 1),
        (json!({"name": {"$in": ["policy0001", "policy0002", "none"]}}), 2),
        (json!({"name": {"$gte": "policy0100", "$lt": "policy0110"}}), 10),
        (json!({"name": {"$regex": "^policy00[0-9]"}}), 100),
        (json!({"version": "3.0"}), 40),
        (json!({"release_tag": "beta"}), 200),
        (json!({"type": "rego"}), 8),
        (json!({"tags": {"$gt": "team5"}}), 38),
        (json!({"tags": ""}), 134),
        (json!({"name": "none"}), 0),
        (json!({"name": "policy0123", "metadata.n": 123}), 1),
    ] {
        let (found, reads) = all(&store, &home, &filter, &json!(null), 500).await;
        assert_eq!(found.len(), results, "{filter}");
        assert!(reads <= results + 2, "{filter} took {reads} reads for {results} results");
    }
    let first = store.query_policies(&home, &query(json!({}), json!(null), 5, None)).await.unwrap();
    assert!(first.reads <= 26, "a page of five took {} reads", first.reads);
}

#[tokio::test]
async fn an_indexed_sort_reads_no_more_than_its_page() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    many(&store, &home, 60).await;
    for (sort, first) in
        [(json!({"name": -1}), "policy0059:9.0-beta"), (json!({"name": 1}), "policy0000:0.0-alpha")]
    {
        let page =
            store.query_policies(&home, &query(json!({}), sort.clone(), 3, None)).await.unwrap();
        assert_eq!(uris(&page)[0], first);
        assert!(page.reads <= 4, "{sort}: {}", page.reads);
        assert!(page.next_token.is_some());
    }
}

#[tokio::test]
async fn a_last_page_that_is_just_full_has_no_next_one() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    many(&store, &home, 10).await;
    for sort in [json!(null), json!({"name": 1}), json!({"description": 1})] {
        let page = store.query_policies(&home, &query(json!({}), sort, 10, None)).await.unwrap();
        assert_eq!((page.items.len(), page.next_token), (10, None));
    }
}

#[tokio::test]
async fn a_page_follows_renames_changes_and_removals() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let one = create(&store, &home, "a:1-x", json!({"tags": "old", "type": "t"})).await.head;
    let two = create(&store, &home, "b:1-x", json!({"tags": "old", "type": "t"})).await.head;
    create(&store, &home, "c:1-x", json!({"tags": "old", "type": "t"})).await;
    let renamed = Draft::after(&one, "z:1-x", json!({"tags": "new", "type": "t"}));
    store.replace_policy(&home, &one, renamed.revision()).await.unwrap();
    store.delete_policy(&home, &two).await.unwrap();
    for (filter, want) in [
        (json!({"type": "t"}), vec!["c:1-x", "z:1-x"]),
        (json!({"tags": "old"}), vec!["c:1-x"]),
        (json!({"tags": "new"}), vec!["z:1-x"]),
        (json!({"name": {"$lte": "b"}}), vec![]),
        (json!({}), vec!["c:1-x", "z:1-x"]),
    ] {
        assert_eq!(all(&store, &home, &filter, &json!(null), 10).await.0, want, "{filter}");
    }
}

#[tokio::test]
async fn values_longer_than_an_index_keeps_are_still_told_apart() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let long = |end: &str| format!("{}{end}", "é".repeat(2_000));
    create(&store, &home, "a:1-x", json!({"tags": long("a"), "type": "n\0ul"})).await;
    create(&store, &home, "b:1-x", json!({"tags": long("b"), "type": "n"})).await;
    create(&store, &home, "c:1-x", json!({"tags": "é", "type": "n\u{1}"})).await;
    for (filter, want) in [
        (json!({"tags": long("a")}), vec!["a:1-x"]),
        (json!({"tags": {"$gt": long("a")}}), vec!["b:1-x"]),
        (json!({"tags": {"$lt": long("b")}}), vec!["c:1-x", "a:1-x"]),
        (json!({"type": "n"}), vec!["b:1-x"]),
        (json!({"type": {"$gt": "n"}}), vec!["a:1-x", "c:1-x"]),
        (json!({"name": "x".repeat(5_000)}), vec![]),
        (json!({"name": {"$lt": "x".repeat(5_000)}}), vec!["a:1-x", "b:1-x", "c:1-x"]),
    ] {
        assert_eq!(all(&store, &home, &filter, &json!(null), 10).await.0, want, "{filter}");
    }
}

#[tokio::test]
async fn an_unindexed_sort_is_sorted_and_paged_in_memory() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for (name, description) in [("a", "3"), ("b", "1"), ("c", "2"), ("d", "1")] {
        create(&store, &home, &format!("{name}:1-x"), json!({ "description": description })).await;
    }
    let (found, _) =
        all(&store, &home, &json!({}), &json!({"description": -1, "name": 1}), 3).await;
    assert_eq!(found, ["a:1-x", "c:1-x", "b:1-x", "d:1-x"]);
}

#[tokio::test]
async fn a_sort_beyond_the_read_budget_says_what_sorts_cheaply() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    // The limit of bytes is reached long before that of objects.
    for number in 0..10 {
        create(&store, &home, &format!("a{number}:1-x"), json!({ "code": "x".repeat(1_900_000) }))
            .await;
    }
    let sorted = query(json!({}), json!({"description": 1}), 10, None);
    let error = store.query_policies(&home, &sorted).await.unwrap_err();
    assert_eq!((error.kind, error.location.as_deref()), (ErrorKind::InvalidRequest, Some("sort")));
    assert!(error.message.contains("`release_tag`"), "{error}");

    // In the order of an index the same objects are paged, each page within the size of a response.
    let page = store.query_policies(&home, &query(json!({}), json!(null), 10, None)).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(all(&store, &home, &json!({}), &json!(null), 10).await.0.len(), 10);
}

#[tokio::test]
async fn a_filter_that_matches_nothing_ends_each_page_at_the_read_budget() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    for number in 0..2_100 {
        create(&store, &home, &format!("a{number:04}:1-x"), json!({})).await;
    }
    let page = store
        .query_policies(&home, &query(json!({"description": "none"}), json!(null), 10, None))
        .await
        .unwrap();
    assert_eq!(page.items.len(), 0);
    assert!(page.next_token.is_some() && page.reads <= 2_000, "{}", page.reads);
    let (found, reads) =
        all(&store, &home, &json!({"description": "none"}), &json!(null), 10).await;
    assert!(found.is_empty() && reads <= 2_110, "{reads}");
    let error = store
        .query_policies(&home, &query(json!({}), json!({"code": 1}), 10, None))
        .await
        .unwrap_err();
    assert_eq!(error.location.as_deref(), Some("sort"));
}

fn condition() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        Just("name"),
        Just("version"),
        Just("release_tag"),
        Just("type"),
        Just("tags"),
        Just("description")
    ];
    let text = prop_oneof![Just(""), Just("a"), Just("b"), Just("b\0"), Just("c"), Just("bb")];
    let operator = prop_oneof![
        Just("$eq"),
        Just("$ne"),
        Just("$gt"),
        Just("$gte"),
        Just("$lt"),
        Just("$lte"),
        Just("$regex"),
        Just("$in")
    ];
    (field, operator, text).prop_map(|(field, operator, text)| match operator {
        "$regex" => json!({field: {"$regex": format!("^{}", text.replace('\0', ""))}}),
        "$in" => json!({field: {"$in": [text, "c"]}}),
        operator => json!({field: {operator: text}}),
    })
}

fn filter() -> impl Strategy<Value = Value> {
    let some = || proptest::collection::vec(condition(), 1..3);
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
        Just(json!({"name": 1})),
        Just(json!({"tags": -1})),
        Just(json!({"type": 1, "name": -1})),
        Just(json!({"description": -1})),
        Just(json!({"version": 1})),
    ]
}

#[test]
fn paging_visits_what_the_filter_means_exactly_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = workspace("home");
    let (fixture, documents) = runtime.block_on(async {
        let fixture = Fixture::new().await;
        let mut documents = Vec::new();
        for (number, name) in ["a", "b", "c", "bb"].iter().cycle().take(36).enumerate() {
            let text = |shift: usize| ["", "a", "b", "b\0", "c", "bb"][(number / shift) % 6];
            let uri = format!(
                "{name}:{}-{}{number}",
                ["a", "b", "c"][number % 3],
                ["a", "b"][number % 2]
            );
            let fields = json!({"type": text(1), "tags": text(2), "description": text(3)});
            let draft = create(&fixture.store, &home, &uri, fields).await;
            documents.push(serde_json::from_str::<Value>(&draft.body).unwrap());
        }
        (fixture, documents)
    });
    let runner = &mut proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(96));
    let outcome = runner.run(&(filter(), sort(), 1..12_usize), |(filter, sort, limit)| {
        let parsed = query(filter.clone(), sort.clone(), limit, None);
        let mut want: Vec<&Value> =
            documents.iter().filter(|document| parsed.filter.matches(document)).collect();
        let (found, _) = runtime.block_on(all(&fixture.store, &home, &filter, &sort, limit));
        let by_uri = |uri: &String| {
            documents.iter().find(|document| document["policy_rule_uri"] == uri.as_str()).unwrap()
        };
        let got: Vec<&Value> = found.iter().map(by_uri).collect();
        if let Some(sort) = (!sort.is_null()).then(|| Sort::parse(&sort).unwrap()) {
            let ordered = got.is_sorted_by(|left, right| sort.compare(left, right).is_le());
            prop_assert!(ordered, "{found:?}");
        }
        let uri = |document: &&Value| document["policy_rule_uri"].as_str().unwrap().to_owned();
        let mut sorted_found = found.clone();
        sorted_found.sort();
        want.sort_by_key(uri);
        let want: Vec<String> = want.iter().map(uri).collect();
        prop_assert_eq!(sorted_found, want);
        Ok(())
    });
    outcome.unwrap();
}
