//! What the ports do to the queues, recorded and held against the table of grants.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use writ_grants::{Grant, Queue, REDELIVERY, Resource};
use writ_ports::{JobNotifier as _, Redrive as _};

use crate::VisibilityChange;
use crate::recorder::{DEAD, Recorder, signals};

/// Queue and action: what IAM is asked.
type Used = BTreeSet<(Queue, String)>;

/// What the calls ask for: a batch takes the permission of one.
fn used(sqs: &Recorder) -> Used {
    let action = |name: &str| name.strip_suffix("Batch").unwrap_or(name).to_owned();
    let queue = |url: &serde_json::Value| if url == DEAD { Queue::Dead } else { Queue::Jobs };
    let calls = sqs.take();
    calls.iter().map(|(name, call)| (queue(&call["QueueUrl"]), action(name))).collect()
}

fn granted(grants: &[Grant]) -> Used {
    let on_queue = |grant: &Grant| match grant.resource {
        Resource::Queue(queue) => (queue, grant.action.to_owned()),
        other => panic!("{other:?} is no queue"),
    };
    grants.iter().map(on_queue).collect()
}

#[tokio::test]
async fn ports_ask_for_what_is_listed_and_for_all_of_it() {
    let listed = |port| granted(writ_grants::of(port).unwrap());
    let sqs = Recorder::default();
    let queue = sqs.queue();
    queue.notify(&signals(1), Duration::ZERO).await.unwrap();
    assert_eq!(used(&sqs), listed("JobNotifier"));

    let body = serde_json::to_string(&signals(1)[0]).unwrap();
    sqs.answers([json!({"Messages": [{"ReceiptHandle": "r", "Body": body}]}), json!({})]);
    queue.redrive(&signals(1)[0].workspace).await.unwrap();
    assert_eq!(used(&sqs), listed("Redrive"));

    let change = VisibilityChange { receipt_handle: "r".to_owned(), timeout: Duration::ZERO };
    queue.change_visibility(&[change]).await;
    assert_eq!(used(&sqs), granted(&REDELIVERY));
}
