//! Contexts of policies.

use serde_json::json;
use writ_model::{Error, ErrorKind, Execution, PolicyUri, RawJson};
use writ_ports::{
    CommitResult, ContextStore, ContextWrite, CreatePolicy, DeletePolicy, GetExecution,
    ReplacePolicy, StoredContext,
};

use crate::START;
use crate::builders::{PolicyDraft, execution, uri, workspace};

const ID: &str = "p1";

async fn commit<P: ContextStore>(
    ports: &P,
    record: &Execution,
    uri: &PolicyUri,
    version: u64,
    value: &str,
) -> Result<CommitResult, Error> {
    let value = RawJson::parse(value).unwrap();
    let write = ContextWrite { policy_id: ID, uri, version, value: &value };
    ports.commit_context(record, write).await
}

/// A write over another version than the stored one writes neither context nor record.
pub async fn a_context_is_committed_with_its_record_or_neither_is<P>(ports: &P)
where
    P: ContextStore + CreatePolicy + GetExecution,
{
    let (own, a) = (workspace("own"), uri("a:1-x"));
    let draft = PolicyDraft::new("a:1-x", ID, json!({}));
    ports.create_policy(&own, draft.revision()).await.unwrap();
    assert_eq!(ports.get_context(&own, ID).await, Ok(StoredContext::default()));
    let (first, second) = (execution(&own, 1, "a:1-x", START), execution(&own, 2, "a:1-x", START));
    assert_eq!(
        commit(ports, &first, &a, 0, r#"{"n": 1.0}"#).await,
        Ok(CommitResult::Done { is_final: true })
    );
    for version in [0, 2] {
        let result = commit(ports, &second, &a, version, r#"{"n":9}"#).await;
        assert_eq!(result, Ok(CommitResult::ContextConflict), "{version}");
    }
    assert_eq!(ports.get_execution(&own, &second.execution_id).await, Ok(None));
    let stored = ports.get_context(&own, ID).await.unwrap();
    assert_eq!((stored.version, stored.value.as_str()), (1, r#"{"n": 1.0}"#));
    assert_eq!(
        commit(ports, &second, &a, 1, r#"{"n":2}"#).await,
        Ok(CommitResult::Done { is_final: true })
    );
    assert_eq!(ports.get_execution(&own, &second.execution_id).await, Ok(Some(second.clone())));
    let again = commit(ports, &second, &a, 2, r#"{"n":3}"#).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
    assert_eq!(ports.get_context(&own, ID).await.unwrap().version, 2);
    assert_eq!(ports.get_context(&workspace("other"), ID).await, Ok(StoredContext::default()));
}

/// A context outlives revisions and renames of its policy, and is removed with it.
pub async fn a_context_needs_its_policy_under_its_present_name<P>(ports: &P)
where
    P: ContextStore + CreatePolicy + DeletePolicy + ReplacePolicy,
{
    let (own, a, b) = (workspace("own"), uri("a:1-x"), uri("b:1-x"));
    let record = |number| execution(&own, number, "a:1-x", START);
    let first = PolicyDraft::new("a:1-x", ID, json!({}));
    ports.create_policy(&own, first.revision()).await.unwrap();
    assert_eq!(
        commit(ports, &record(1), &a, 0, "{}").await,
        Ok(CommitResult::Done { is_final: true })
    );
    let second = PolicyDraft::after(&first.head, "a:1-x", json!({"description": "new"}));
    ports.replace_policy(&own, &first.head, second.revision()).await.unwrap();
    assert_eq!(
        commit(ports, &record(2), &a, 1, "{}").await,
        Ok(CommitResult::Done { is_final: true })
    );
    let renamed = PolicyDraft::after(&second.head, "b:1-x", json!({}));
    ports.replace_policy(&own, &second.head, renamed.revision()).await.unwrap();
    assert_eq!(commit(ports, &record(3), &a, 2, "{}").await, Ok(CommitResult::PolicyDeleted));
    assert_eq!(
        commit(ports, &record(3), &b, 2, "{}").await,
        Ok(CommitResult::Done { is_final: true })
    );
    ports.delete_policy(&own, &renamed.head).await.unwrap();
    assert_eq!(commit(ports, &record(4), &b, 0, "{}").await, Ok(CommitResult::PolicyDeleted));
    assert_eq!(ports.get_context(&own, ID).await, Ok(StoredContext::default()));
    // Another policy under the name does not take its place.
    let other = PolicyDraft::new("b:1-x", "p2", json!({}));
    ports.create_policy(&own, other.revision()).await.unwrap();
    assert_eq!(commit(ports, &record(4), &b, 0, "{}").await, Ok(CommitResult::PolicyDeleted));
}
