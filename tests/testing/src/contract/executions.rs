//! Records of runs.

use writ_model::{ErrorKind, Execution};
use writ_ports::{GetExecution, RecordExecution};

use crate::START;
use crate::builders::{execution, workspace};

/// A record keeps its bytes; another one of the same id is refused.
pub async fn a_record_is_written_once_and_read_in_its_workspace<P>(ports: &P)
where
    P: GetExecution + RecordExecution,
{
    let (own, other) = (workspace("own"), workspace("other"));
    let record = execution(&own, 1, "a:1-x", START);
    ports.record_execution(&record).await.unwrap();
    let changed = Execution { printed: "again".to_owned(), ..record.clone() };
    for again in [&record, &changed] {
        let error = ports.record_execution(again).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
    }
    let id = record.execution_id.as_str();
    assert_eq!(ports.get_execution(&own, id).await, Ok(Some(record.clone())));
    assert_eq!(ports.get_execution(&other, id).await, Ok(None));
    for absent in ["", "none", &"x".repeat(5_000)] {
        assert_eq!(ports.get_execution(&own, absent).await, Ok(None), "{absent}");
    }
    // The same id is another record in another workspace.
    let twin = execution(&other, 1, "a:1-x", START);
    ports.record_execution(&twin).await.unwrap();
    assert_eq!(ports.get_execution(&own, id).await, Ok(Some(record)));
}
