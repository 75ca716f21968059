//! Policies and their revisions.

use serde_json::json;
use writ_model::ErrorKind;
use writ_ports::{
    CreatePolicy, DeletePolicy, GetBody, GetPolicy, GetRevisions, ReplacePolicy, Revision,
};

use crate::builders::{PolicyDraft, uri, workspace};

/// Policies are created once per workspace; bodies stay readable after the removal.
pub async fn a_policy_lives_from_its_creation_to_its_removal<P>(ports: &P)
where
    P: CreatePolicy + DeletePolicy + GetBody + GetPolicy + GetRevisions,
{
    let (own, other, a) = (workspace("own"), workspace("other"), uri("a:1-x"));
    assert_eq!(ports.get_policy(&own, &a).await, Ok(None));
    let first = PolicyDraft::new("a:1-x", "p1", json!({"description": "first"}));
    ports.create_policy(&own, first.revision()).await.unwrap();
    let rival = PolicyDraft::new("a:1-x", "p2", json!({}));
    let error = ports.create_policy(&own, rival.revision()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(ports.get_policy(&own, &a).await, Ok(Some(first.head.clone())));
    assert_eq!(ports.get_policy(&other, &a).await, Ok(None));
    let body = ports.get_body(&own, &first.head.digest).await.unwrap();
    assert_eq!(body.as_deref(), Some(first.body.as_str()));
    assert_eq!(ports.get_body(&other, &first.head.digest).await, Ok(None));
    assert_eq!(ports.get_body(&own, &rival.head.digest).await, Ok(None));
    // The name is free elsewhere.
    ports.create_policy(&other, rival.revision()).await.unwrap();
    ports.delete_policy(&own, &first.head).await.unwrap();
    assert_eq!(ports.get_policy(&own, &a).await, Ok(None));
    assert_eq!(ports.get_policy(&other, &a).await, Ok(Some(rival.head)));
    assert!(ports.get_body(&own, &first.head.digest).await.unwrap().is_some());
    assert!(ports.get_revision(&own, "p1", 1).await.unwrap().is_some());
    let error = ports.delete_policy(&own, &first.head).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
}

/// A revision is written over the newest one and no other.
pub async fn of_writers_of_one_revision_one_wins<P>(ports: &P)
where
    P: CreatePolicy + DeletePolicy + GetPolicy + ReplacePolicy,
{
    let (own, a) = (workspace("own"), uri("a:1-x"));
    let first = PolicyDraft::new("a:1-x", "p1", json!({}));
    ports.create_policy(&own, first.revision()).await.unwrap();
    let second = PolicyDraft::after(&first.head, "a:1-x", json!({"description": "second"}));
    let rival = PolicyDraft::after(&first.head, "a:1-x", json!({"description": "rival"}));
    ports.replace_policy(&own, &first.head, second.revision()).await.unwrap();
    let error = ports.replace_policy(&own, &first.head, rival.revision()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    let error = ports.delete_policy(&own, &first.head).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert_eq!(ports.get_policy(&own, &a).await, Ok(Some(second.head)));
}

/// A rename frees the old name, and is refused where the new one is in use.
pub async fn a_policy_moves_to_a_free_name_alone<P>(ports: &P)
where
    P: CreatePolicy + GetPolicy + ReplacePolicy,
{
    let own = workspace("own");
    let first = PolicyDraft::new("a:1-x", "p1", json!({}));
    let other = PolicyDraft::new("b:1-x", "p2", json!({}));
    for draft in [&first, &other] {
        ports.create_policy(&own, draft.revision()).await.unwrap();
    }
    let onto = PolicyDraft::after(&first.head, "b:1-x", json!({}));
    let error = ports.replace_policy(&own, &first.head, onto.revision()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(ports.get_policy(&own, &uri("b:1-x")).await, Ok(Some(other.head)));
    let moved = PolicyDraft::after(&first.head, "c:1-x", json!({}));
    ports.replace_policy(&own, &first.head, moved.revision()).await.unwrap();
    assert_eq!(ports.get_policy(&own, &uri("a:1-x")).await, Ok(None));
    assert_eq!(ports.get_policy(&own, &uri("c:1-x")).await, Ok(Some(moved.head)));
    let anew = PolicyDraft::new("a:1-x", "p3", json!({}));
    assert_eq!(ports.create_policy(&own, anew.revision()).await, Ok(()));
}

/// Pages of revisions hold each of them once; a token is good for its own policy alone.
pub async fn revisions_are_listed_newest_first_over_pages<P>(ports: &P)
where
    P: CreatePolicy + GetRevisions + ReplacePolicy,
{
    let own = workspace("own");
    let mut draft = PolicyDraft::new("a:1-x", "p1", json!({}));
    ports.create_policy(&own, draft.revision()).await.unwrap();
    for number in 2..=5 {
        let next =
            PolicyDraft::after(&draft.head, "a:1-x", json!({"description": format!("{number}")}));
        ports.replace_policy(&own, &draft.head, next.revision()).await.unwrap();
        draft = next;
    }
    let (mut found, mut token): (Vec<Revision>, Option<String>) = (Vec::new(), None);
    loop {
        let page = ports.list_revisions(&own, "p1", 2, token.as_deref()).await.unwrap();
        assert!(page.revisions.len() <= 2);
        found.extend(page.revisions);
        token = page.next_token;
        let Some(token) = &token else { break };
        let foreign = ports.list_revisions(&own, "p2", 2, Some(token)).await.unwrap_err();
        assert_eq!(foreign.kind, ErrorKind::InvalidRequest);
    }
    let numbers: Vec<u64> = found.iter().map(|revision| revision.revision).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(ports.get_revision(&own, "p1", 5).await.unwrap().as_ref(), found.first());
    assert_eq!((found[0].author.as_str(), &found[0].digest), ("ada", &draft.head.digest));
    assert_eq!(found[0].bytes, u64::try_from(draft.body.len()).unwrap());
    assert_eq!(ports.get_revision(&own, "p1", 6).await, Ok(None));
    assert_eq!(ports.get_revision(&workspace("other"), "p1", 1).await, Ok(None));
    let none = ports.list_revisions(&own, "none", 2, None).await.unwrap();
    assert!(none.revisions.is_empty() && none.next_token.is_none());
}
