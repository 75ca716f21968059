//! Requests, and jobs in the states that the tests of this crate need.

use serde_json::{Value, json};
use writ_edge::Request;
use writ_model::{
    Attempt, AttemptOutcome, ErrorKind, Execution, ExecutionStatus, JobState, JobStatus,
    Submission, Timestamp, Workspace,
};
use writ_ports::Clock;
use writ_testing::MemoryPlatform;
use writ_testing::builders::{
    self, RequestExt, execution, finished_job, job, policy_body, workspace,
};

pub(crate) use writ_testing::builders::{body, data};

/// A change that another writer makes to a job.
pub(crate) type Change = fn(&Submission, &JobState, Timestamp) -> JobState;

/// The workspace of the callers in these tests.
pub(crate) fn own() -> Workspace {
    workspace("a")
}

/// A request with these segments of its path.
pub(crate) fn request(params: &[(&str, &str)], body: &str) -> Request {
    let request = builders::request().with_body(body);
    params.iter().fold(request, |request, (name, value)| request.with_param(name, value))
}

/// A platform with the policy `list:1-x`, which has these fields.
pub(crate) fn with_policy(fields: Value) -> MemoryPlatform {
    let ports = MemoryPlatform::default();
    let mut all = json!({"code_type": "rego", "code": "package list"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    ports.register(&own(), &policy_body("list:1-x", all));
    ports
}

/// A submission in the workspace of these tests, made now.
fn submission(ports: &MemoryPlatform, job_id: &str) -> Submission {
    let policy_rule_uri = "list:1-x".parse().unwrap();
    let submitted_at = ports.now();
    Submission { policy_rule_uri, submitted_at, ..builders::submission(&own(), job_id) }
}

/// What these tests do with the jobs of a platform.
pub(crate) trait Jobs {
    /// Stores a job that waits for a runner.
    fn queue(&self, job_id: &str);

    /// Stores a job that waits in another workspace.
    fn queue_in(&self, workspace: &str, job_id: &str);

    /// Stores a job that waits and has a callback.
    fn queue_with_callback(&self, job_id: &str, url: &str);

    /// Stores a job that is over; its policy is why it failed, if it did.
    fn finish(&self, job_id: &str, status: JobStatus);

    /// Stores a job that failed because its runners were lost.
    fn lose(&self, job_id: &str);

    /// Gives a job attempts that printed these texts; a lost one, `None`, left no record.
    fn set_attempts(&self, job_id: &str, printed: &[Option<&str>]);

    /// Has another writer change the job right before the next change of it is written.
    fn rival(&self, job_id: &'static str, change: Change);
}

impl Jobs for MemoryPlatform {
    fn queue(&self, job_id: &str) {
        self.queue_in("a", job_id);
    }

    fn queue_in(&self, name: &str, job_id: &str) {
        let workspace = workspace(name);
        self.put(job(Submission { workspace, ..submission(self, job_id) }));
    }

    fn queue_with_callback(&self, job_id: &str, url: &str) {
        let callback_url = Some(url.to_owned());
        self.put(job(Submission { callback_url, ..submission(self, job_id) }));
    }

    fn finish(&self, job_id: &str, status: JobStatus) {
        let error = match status {
            JobStatus::Failed => Some(ErrorKind::PolicyRaised),
            JobStatus::TimedOut => Some(ErrorKind::PolicyTimedOut),
            _ => None,
        };
        self.put(finished_job(submission(self, job_id), status, error));
    }

    fn lose(&self, job_id: &str) {
        let error = Some(ErrorKind::ExecutorFault);
        self.put(finished_job(submission(self, job_id), JobStatus::Failed, error));
    }

    fn set_attempts(&self, job_id: &str, printed: &[Option<&str>]) {
        let now = self.now();
        let mut attempts = Vec::new();
        for (number, printed) in (1_u32..).zip(printed) {
            let execution_id = format!("e{number}");
            attempts.push(Attempt {
                attempt: number,
                execution_id: execution_id.clone(),
                executor_id: writ_model::ExecutorId::BUILTIN,
                node_id: None,
                admitted_at: now,
                ended_at: Some(now),
                outcome: Some(printed.map_or(AttemptOutcome::Lost, |_| AttemptOutcome::Failed)),
                error: None,
            });
            if let Some(printed) = printed {
                let record = execution(&own(), number.into(), "list:1-x", now);
                let status = ExecutionStatus::Failed;
                let printed = (*printed).to_owned();
                self.put_record(&Execution { execution_id, status, printed, ..record });
            }
        }
        self.change(&own(), job_id, |_, state| JobState { attempts, ..state.clone() });
    }

    fn rival(&self, job_id: &'static str, change: Change) {
        self.before_for("change_job", job_id, move |ports| {
            let now = ports.now();
            ports.change(&own(), job_id, |submission, state| change(submission, state, now));
        });
    }
}
