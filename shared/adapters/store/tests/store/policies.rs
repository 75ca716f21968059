//! Creating, reading, replacing, renaming and deleting policies.

use serde_json::json;
use writ_model::{Digest, ErrorKind};
use writ_ports::{CreatePolicy, DeletePolicy, GetBody, GetPolicy, GetRevisions, ReplacePolicy};

use crate::fixture::{Draft, Fixture, create, dump, uri, workspace};
use crate::script::{ANY, Fault, faulty};

#[tokio::test]
async fn a_created_policy_is_read_back_whole() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    assert_eq!(store.get_policy(&home, &uri("a:1-x")).await.unwrap(), None);
    let fields =
        json!({"policy_parameters": {"z": 1, "a": [1.5, "é"]}, "tags": "x,y", "type": "python"});
    let draft = create(&store, &home, "a:1-x", fields).await;
    assert_eq!(store.get_policy(&home, &uri("a:1-x")).await.unwrap(), Some(draft.head.clone()));
    let body = store.get_body(&home, &draft.head.digest).await.unwrap();
    assert_eq!(body.as_deref(), Some(draft.body.as_str()));
    assert_eq!(store.get_body(&home, &Digest::of(b"other")).await.unwrap(), None);
}

#[tokio::test]
async fn creating_twice_is_a_conflict_that_names_the_uri_and_changes_nothing() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let first = create(&store, &home, "a:1-x", json!({})).await;
    let second = Draft::new("a:1-x", "another", json!({"tags": "other"}));
    let error = store.create_policy(&home, second.revision()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`a:1-x` exists already"), "{error}");
    assert_eq!(store.get_policy(&home, &uri("a:1-x")).await.unwrap(), Some(first.head));
    assert_eq!(store.get_revision(&home, "another", 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_body_of_nearly_two_mebibytes_comes_back_byte_for_byte() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    // Characters of one to four bytes, quotes and escapes, so that chunks would split characters.
    let code: String = "x\"é\\\n😀\u{1}".chars().cycle().take(702_000).collect();
    let draft = create(&store, &home, "large:1-x", json!({ "code": code })).await;
    assert!(draft.body.len() > 1_900_000 && draft.body.len() <= 2 << 20, "{}", draft.body.len());
    let body = store.get_body(&home, &draft.head.digest).await.unwrap();
    assert!(body.as_deref() == Some(draft.body.as_str()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let mut draft = Draft::new("a:1-x", "id", json!({}));
    draft.body = "x".repeat((2 << 20) + 1);
    let error = store.create_policy(&workspace("home"), draft.revision()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
}

#[tokio::test]
async fn every_write_is_a_revision_and_the_newest_comes_first() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let mut head = create(&store, &home, "a:1-x", json!({})).await.head;
    for number in 2..=12 {
        let draft = Draft::after(&head, "a:1-x", json!({ "tags": number.to_string() }));
        store.replace_policy(&home, &head, draft.revision()).await.unwrap();
        head = draft.head;
    }
    let (mut numbers, mut token) = (Vec::new(), None);
    loop {
        let page = store.list_revisions(&home, &head.policy_id, 5, token.as_deref()).await.unwrap();
        numbers.extend(page.revisions.iter().map(|revision| revision.revision));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(numbers, (1..=12).rev().collect::<Vec<u64>>());
    let third = store.get_revision(&home, &head.policy_id, 3).await.unwrap().unwrap();
    assert_eq!((third.author.as_str(), third.policy_rule_uri), ("ada", uri("a:1-x")));
    let body = store.get_body(&home, &third.digest).await.unwrap().unwrap();
    assert_eq!(body.len() as u64, third.bytes);
    assert_eq!(store.get_revision(&home, &head.policy_id, 13).await.unwrap(), None);
    let foreign = store.list_revisions(&home, "other", 5, Some("bnVsbA")).await.unwrap_err();
    assert_eq!(foreign.location.as_deref(), Some("next_token"));
}

#[tokio::test]
async fn a_renamed_policy_keeps_its_revisions() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let old = create(&store, &home, "a:1-x", json!({})).await.head;
    let new = Draft::after(&old, "b:2-y", json!({}));
    store.replace_policy(&home, &old, new.revision()).await.unwrap();
    assert_eq!(store.get_policy(&home, &old.uri).await.unwrap(), None);
    assert_eq!(store.get_policy(&home, &uri("b:2-y")).await.unwrap(), Some(new.head.clone()));
    let page = store.list_revisions(&home, &new.head.policy_id, 10, None).await.unwrap();
    let uris: Vec<String> =
        page.revisions.iter().map(|revision| revision.policy_rule_uri.to_string()).collect();
    assert_eq!(uris, ["b:2-y", "a:1-x"]);
}

#[tokio::test]
async fn a_rename_refuses_to_overwrite_and_leaves_both_alone() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let one = create(&store, &home, "a:1-x", json!({})).await.head;
    let other = create(&store, &home, "b:2-y", json!({})).await.head;
    let renamed = Draft::after(&one, "b:2-y", json!({"tags": "t"}));
    let error = store.replace_policy(&home, &one, renamed.revision()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`b:2-y`"), "{error}");
    assert_eq!(store.get_policy(&home, &one.uri).await.unwrap(), Some(one.clone()));
    assert_eq!(store.get_policy(&home, &other.uri).await.unwrap(), Some(other));
    assert_eq!(store.get_revision(&home, &one.policy_id, 2).await.unwrap(), None);
}

#[tokio::test]
async fn a_change_over_a_head_that_moved_is_stale() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let old = create(&store, &home, "a:1-x", json!({})).await.head;
    let new = Draft::after(&old, "a:1-x", json!({"tags": "new"}));
    store.replace_policy(&home, &old, new.revision()).await.unwrap();

    let late = Draft::after(&old, "a:1-x", json!({"tags": "late"}));
    let renamed = Draft::after(&old, "c:1-x", json!({}));
    let errors = [
        store.replace_policy(&home, &old, late.revision()).await.unwrap_err(),
        store.replace_policy(&home, &old, renamed.revision()).await.unwrap_err(),
        store.delete_policy(&home, &old).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Stale, "{error}");
        assert!(error.message.contains("`a:1-x`"), "{error}");
    }
    assert_eq!(store.get_policy(&home, &old.uri).await.unwrap(), Some(new.head));
    assert_eq!(store.get_policy(&home, &uri("c:1-x")).await.unwrap(), None);
}

#[tokio::test]
async fn a_policy_that_was_removed_and_made_again_is_another_one() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let old = create(&store, &home, "a:1-x", json!({})).await;
    store.delete_policy(&home, &old.head).await.unwrap();
    assert_eq!(store.get_policy(&home, &old.head.uri).await.unwrap(), None);
    assert!(
        store.get_body(&home, &old.head.digest).await.unwrap().is_some(),
        "executions run again"
    );

    let new = Draft::new("a:1-x", "another", json!({}));
    store.create_policy(&home, new.revision()).await.unwrap();
    assert_eq!(store.delete_policy(&home, &old.head).await.unwrap_err().kind, ErrorKind::Stale);
    assert_eq!(store.get_policy(&home, &new.head.uri).await.unwrap(), Some(new.head));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_of_one_policy_each_revision_has_one_winner() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let home = workspace("home");
    let mut head = create(&store, &home, "a:1-x", json!({})).await.head;
    for round in 0..5 {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, home, old) = (store.clone(), home.clone(), head.clone());
                tokio::spawn(async move {
                    let draft =
                        Draft::after(&old, "a:1-x", json!({ "tags": format!("{round}-{writer}") }));
                    store.replace_policy(&home, &old, draft.revision()).await.map(|()| draft.head)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(head) => winners.push(head),
                Err(error) => assert_eq!(error.kind, ErrorKind::Stale, "{error}"),
            }
        }
        let stored = store.get_policy(&home, &uri("a:1-x")).await.unwrap().unwrap();
        assert_eq!(winners, std::slice::from_ref(&stored));
        let revision =
            store.get_revision(&home, &stored.policy_id, stored.revision).await.unwrap().unwrap();
        assert_eq!(revision.digest, stored.digest);
        head = stored;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_create_one_policy_one_wins_and_the_others_conflict() {
    let Fixture { store, database } = Fixture::new().await;
    let creators: Vec<_> = (0..8)
        .map(|creator| {
            let store = store.clone();
            tokio::spawn(async move {
                let code = "x".repeat(400_000);
                let fields = json!({ "code": code, "tags": creator.to_string() });
                let draft = Draft::new("a:1-x", &format!("id-{creator}"), fields);
                let created = store.create_policy(&workspace("home"), draft.revision()).await;
                created.map(|()| draft.head)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for creator in creators {
        match creator.await.unwrap() {
            Ok(head) => winners.push(head),
            Err(error) => assert_eq!(error.kind, ErrorKind::Conflict, "{error}"),
        }
    }
    let stored = store.get_policy(&workspace("home"), &uri("a:1-x")).await.unwrap().unwrap();
    assert_eq!(winners, [stored]);
    // A head, a revision and the two chunks of the winner's body.
    assert_eq!(dump(&database).await.len(), 4);
}

#[tokio::test]
async fn a_policy_is_written_in_one_request() {
    let Fixture { store: _store, database } = Fixture::new().await;
    for (uri, length) in [("small:1-x", 1), ("large:1-x", 2_000_000)] {
        let (store, script) = faulty(&database, ANY, &vec![Fault::Pass; 10], 1);
        create(&store, &workspace("home"), uri, json!({ "code": "x".repeat(length) })).await;
        assert_eq!(script.left(), 9, "{uri}");
    }
}
