//! Jobs that the clock makes due.

use writ_jobs::enqueue;
use writ_model::{JobSignal, JobState, SignalKind, Submission, Timestamp};
use writ_ports::{ChangeJob, DueJobs, PutJob};

use crate::at;
use crate::builders::{submission, workspace};

async fn due<P: DueJobs>(ports: &P, before: Timestamp) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = ports.due_jobs(before, token.as_deref()).await.unwrap();
        for JobSignal { workspace, job_id, kind } in page.jobs {
            assert_eq!(kind, SignalKind::Queue);
            found.push(format!("{workspace}/{job_id}"));
        }
        token = page.next;
        if token.is_none() {
            found.sort();
            return found;
        }
    }
}

async fn put<P: PutJob>(ports: &P, asked: &Submission, due_at: Option<Timestamp>) -> JobState {
    let state = JobState { due_at, ..enqueue(asked) };
    ports.put_job(asked, &state).await.unwrap();
    state
}

/// A job is due at its time and not before; one that is due later or never is not found.
pub async fn what_is_due_is_found_in_every_workspace_and_nothing_else<P>(ports: &P)
where
    P: ChangeJob + DueJobs + PutJob,
{
    for name in ["one", "two"] {
        for (job_id, due_at) in
            [("early", Some(at(-5))), ("now", Some(at(0))), ("late", Some(at(1))), ("off", None)]
        {
            put(ports, &submission(&workspace(name), job_id), due_at).await;
        }
    }
    assert_eq!(due(ports, at(-6)).await, Vec::<String>::new());
    assert_eq!(due(ports, at(0)).await, ["one/early", "one/now", "two/early", "two/now"]);
    let asked = submission(&workspace("one"), "now");
    let moved = JobState { version: 2, due_at: None, ..enqueue(&asked) };
    assert_eq!(ports.change_job(&asked, &moved).await, Ok(true));
    assert_eq!(due(ports, at(0)).await, ["one/early", "two/early", "two/now"]);
}

/// However many jobs are due, each of them is on one of the pages.
pub async fn every_job_that_is_due_is_found_over_pages<P: DueJobs + PutJob>(ports: &P) {
    let own = workspace("own");
    let mut ids = Vec::new();
    for number in 0..120 {
        let job_id = format!("j{number:03}");
        put(ports, &submission(&own, &job_id), Some(at(number))).await;
        ids.push(format!("own/{job_id}"));
    }
    assert!(ports.due_jobs(at(500), None).await.unwrap().next.is_some());
    assert_eq!(due(ports, at(500)).await, ids);
    assert_eq!(due(ports, at(59)).await, ids[..60]);
}
