//! The queue of job signals and the runner behind it fit together, and fit what the code assumes.

use serde_json::{Value, json};
use writ_jobs::bounds::{LEASE_GRACE, TIMEOUT_S_MAX};
use writ_ports::DELAY_MAX;

use crate::template::{Template, referred};

/// The longest that Lambda lets a function run.
const FUNCTION_S_MAX: u64 = 900;

/// The longest that SQS keeps a message.
const RETENTION_S_MAX: u64 = 14 * 24 * 3_600;

fn function(id: &str) -> Value {
    let stack = Template::stack("runners");
    stack.functions().into_iter().find(|(own, _)| *own == id).unwrap().1
}

fn seconds(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_longest_job_fits_a_runner_and_a_runner_its_messages() {
    let timeout = seconds(&function("Runner")["Timeout"]);
    let job = u64::from(TIMEOUT_S_MAX) + LEASE_GRACE.as_secs();
    assert!((job..=FUNCTION_S_MAX).contains(&timeout), "{timeout}");
    let queues = Template::stack("queues");
    let jobs = queues.properties("Jobs", "AWS::SQS::Queue");
    assert!(seconds(&jobs["VisibilityTimeout"]) > timeout);
    assert_eq!(jobs["FifoQueue"], Value::Null);
}

#[test]
fn a_hint_is_kept_as_long_as_can_be_and_then_looked_at_by_somebody() {
    let queues = Template::stack("queues");
    let (jobs, dead) = ("Jobs", "Dead");
    for id in [jobs, dead] {
        let queue = queues.properties(id, "AWS::SQS::Queue");
        assert_eq!(seconds(&queue["MessageRetentionPeriod"]), RETENTION_S_MAX, "{id}");
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
    let redrive = &queues.properties(jobs, "AWS::SQS::Queue")["RedrivePolicy"];
    assert_eq!(referred(&redrive["deadLetterTargetArn"]), "Dead.Arn");
    assert_eq!(redrive["maxReceiveCount"], 5);
    let alarm = queues.properties("DeadDepth", "AWS::CloudWatch::Alarm");
    assert_eq!(referred(&alarm["Dimensions"][0]["Value"]), "Dead.QueueName");
    assert_eq!(
        (&alarm["Threshold"], &alarm["ComparisonOperator"]),
        (&json!(0), &json!("GreaterThanThreshold"),)
    );
    // A signal that waits as long as it may, for a runner that works as long as it may, is no alarm.
    let age = queues.properties("JobsAge", "AWS::CloudWatch::Alarm");
    assert!(seconds(&age["Threshold"]) > DELAY_MAX.as_secs() + FUNCTION_S_MAX);
}

#[test]
fn messages_reach_the_runners_alias_and_fail_one_by_one() {
    let stack = Template::stack("runners");
    let events = stack.properties("RunnerEvents", "AWS::Lambda::EventSourceMapping");
    assert_eq!(referred(&events["FunctionName"]), "Runner.Alias");
    assert_eq!(referred(&events["EventSourceArn"]), "JobsArn");
    assert_eq!(events["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(referred(&events["BatchSize"]), "JobBatch");
    assert_eq!(referred(&events["ScalingConfig"]["MaximumConcurrency"]), "JobConcurrency");
    let parameters = &Template::root().value["Parameters"];
    assert_eq!(parameters["JobBatch"]["Default"], 1);
    assert_eq!(parameters["JobConcurrency"]["Default"], 10);
}

#[test]
fn runners_and_sweeper_know_the_queue_and_runners_alone_who_may_be_called() {
    for (id, calls) in [("Runner", true), ("Sweeper", false)] {
        let variables = &function(id)["Environment"]["Variables"];
        assert_eq!(referred(&variables["WRIT_JOBS_QUEUE_URL"]), "JobsUrl", "{id}");
        assert_eq!(variables["WRIT_CALLBACKS_TO"].is_null(), !calls, "{id}");
        assert!(variables["WRIT_JOBS_DEAD_URL"].is_null(), "{id}");
    }
}

#[test]
fn a_sweep_ends_before_the_next_begins() {
    let stack = Template::stack("runners");
    let rule = stack.properties("Schedule", "AWS::Events::Rule");
    assert_eq!(rule["ScheduleExpression"], "rate(1 minute)");
    assert!(seconds(&function("Sweeper")["Timeout"]) < 60);
}
