//! No workspace reads or changes objects of another.

use serde_json::json;
use writ_ports::{
    CreatePolicy, DeletePolicy, GetBody, GetExecution, GetPolicy, GetRevisions, QueryExecutions,
    QueryPolicies, RecordExecution,
};

use crate::fixture::{Draft, Fixture, create, execution, query, uri, uris, workspace};

#[tokio::test]
async fn nothing_of_one_workspace_is_seen_from_another() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    let draft = create(&store, &home, "a:1-x", json!({"tags": "t"})).await;
    let record = execution(&home, 1, "a:1-x", 1_790_000_000_000);
    store.record_execution(&record).await.unwrap();

    assert_eq!(store.get_policy(&other, &uri("a:1-x")).await.unwrap(), None);
    assert_eq!(store.get_body(&other, &draft.head.digest).await.unwrap(), None);
    assert_eq!(store.get_revision(&other, &draft.head.policy_id, 1).await.unwrap(), None);
    assert_eq!(store.get_execution(&other, &record.execution_id).await.unwrap(), None);
    assert!(
        store
            .list_revisions(&other, &draft.head.policy_id, 10, None)
            .await
            .unwrap()
            .revisions
            .is_empty()
    );
    assert!(store.delete_policy(&other, &draft.head).await.is_err());
    for filter in [json!({}), json!({"name": "a"}), json!({"tags": "t"})] {
        let page =
            store.query_policies(&other, &query(filter, json!(null), 10, None)).await.unwrap();
        assert!(page.items.is_empty());
    }
    for filter in [
        json!({}),
        json!({"policy_rule_uri": "a:1-x"}),
        json!({"execution_id": record.execution_id}),
        json!({"execution_id": format!("../home#{}", record.execution_id)}),
    ] {
        let page =
            store.query_executions(&other, &query(filter, json!(null), 10, None)).await.unwrap();
        assert!(page.items.is_empty());
    }
    // The same names are free in the other workspace.
    let twin = Draft::new("a:1-x", "twin", json!({"tags": "twin"}));
    store.create_policy(&other, twin.revision()).await.unwrap();
    assert_eq!(store.get_policy(&home, &uri("a:1-x")).await.unwrap(), Some(draft.head));
}

#[tokio::test]
async fn a_token_of_another_workspace_is_refused_and_a_forged_one_stays_inside() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

    let Fixture { store, database: _database } = Fixture::new().await;
    let (home, other) = (workspace("home"), workspace("other"));
    for name in ["a", "b", "c"] {
        create(&store, &home, &format!("{name}:1-x"), json!({})).await;
        create(&store, &other, &format!("{name}{name}:1-x"), json!({})).await;
    }
    let ask = |token| query(json!({}), json!(null), 1, token);
    let of_home = store.query_policies(&home, &ask(None)).await.unwrap().next_token.unwrap();
    let of_other = store.query_policies(&other, &ask(None)).await.unwrap().next_token.unwrap();
    let error = store.query_policies(&other, &ask(Some(of_home.clone()))).await.unwrap_err();
    assert_eq!(error.location.as_deref(), Some("next_token"));

    // Various texts in place of the key, and tokens of other shapes.
    let token = String::from_utf8(BASE64.decode(&of_other).unwrap()).unwrap();
    let (before, after) = token.split_once("\"aa\\u0000aa:1-x\"").unwrap();
    for key in [
        r#""home#policy#a:1-x""#,
        r#""a\u0000a:1-x""#,
        r#""""#,
        "null",
        r#""\uffff""#,
        "7",
        r#"{"S":"home"}"#,
        &format!("\"{}\"", "x".repeat(3_000)),
    ] {
        let forged = BASE64.encode(format!("{before}{key}{after}"));
        match store.query_policies(&other, &ask(Some(forged))).await {
            Ok(page) => {
                let seen = uris(&page);
                assert!(
                    seen.iter().all(|uri| ["aa:1-x", "bb:1-x", "cc:1-x"].contains(&uri.as_str())),
                    "{key} {seen:?}"
                );
            }
            Err(error) => {
                assert_eq!(error.location.as_deref(), Some("next_token"), "{key}: {error:?}")
            }
        }
    }
    let range = BASE64.encode(token.replace("\"range\":0", "\"range\":7"));
    assert!(store.query_policies(&other, &ask(Some(range))).await.is_err());
    let count =
        BASE64.encode(token.replace(&token[token.find("{\"key\"").unwrap()..], "{\"count\":1}}"));
    assert!(store.query_policies(&other, &ask(Some(count))).await.is_err());
}
