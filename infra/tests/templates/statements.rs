//! Each role allows what its function needs, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_grants::{EVENT_SOURCE, Grant, REDELIVERY, Resource};
use writ_infra::{Needs, arn_of};
use writ_ports::{Idempotency, PortSet};

use crate::template::{Template, pattern, referred, root};

/// An action and what it is done on, without the part of the ARN that all resources of the kind
/// share.
type Allowed = BTreeSet<(String, String)>;

fn allowed_by(grants: impl IntoIterator<Item = Grant>) -> Allowed {
    let place = |grant: &Grant| match grant.resource {
        Resource::Table { name, index: Some(index) } => format!("{name}/index/{index}"),
        Resource::Table { name, index: None } => name.to_owned(),
        Resource::Queue(queue) => arn_of(queue).to_owned(),
        Resource::Timers => "timers".to_owned(),
        Resource::TimerRole => "timer role".to_owned(),
    };
    grants.into_iter().map(|grant| (grant.action_name(), place(&grant))).collect()
}

fn allowed_by_set(set: &'static PortSet) -> Allowed {
    allowed_by(Needs::of("a program", [set]).unwrap().grants())
}

/// One value, or several.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

/// The statements of the function's role.
fn statements<'t>(stack: &'t Template, function: &Value) -> Vec<&'t Value> {
    let role = referred(&function["Role"]).strip_suffix(".Arn").unwrap();
    let role = stack.properties(role, "AWS::IAM::Role");
    assert_eq!(role["ManagedPolicyArns"], Value::Null);
    let policies = role["Policies"].as_array().unwrap();
    assert_eq!(policies.len(), 1);
    policies[0]["PolicyDocument"]["Statement"].as_array().unwrap().iter().collect()
}

/// What the role allows on tables, queues of jobs and timers.
fn allowed(stack: &Template, function: &Value) -> Allowed {
    let mut allowed = Allowed::new();
    for statement in statements(stack, function) {
        assert_eq!(statement["Effect"], "Allow");
        for action in list(&statement["Action"]) {
            let action = action.as_str().unwrap();
            for resource in list(&statement["Resource"]) {
                let place = match action.split_once(':').unwrap().0 {
                    "dynamodb" => pattern(resource).strip_prefix("${TableArnPrefix}").unwrap(),
                    // A function's own dead letters stand in its stack, under no parameter.
                    "sqs" => resource["!Ref"].as_str().unwrap_or_default(),
                    "scheduler" => "timers",
                    "iam" => "timer role",
                    _ => "",
                };
                if !place.is_empty() {
                    let is_new = allowed.insert((action.to_owned(), place.to_owned()));
                    assert!(is_new, "twice: {action} {place}");
                }
            }
        }
    }
    allowed
}

fn function_of(stack: &Template, handler: &str) -> Value {
    let functions = stack.functions();
    functions.into_iter().find(|(_, function)| function["Handler"] == handler).unwrap().1
}

#[test]
fn each_route_may_do_just_what_its_ports_need() {
    for function in writ_infra::functions(&root()).unwrap() {
        let stack = Template::stack(function.resource);
        let properties = function_of(&stack, function.spec.name);
        let wanted = allowed_by(function.needs.grants());
        assert_eq!(allowed(&stack, &properties), wanted, "{}", function.spec.name);
    }
}

#[test]
fn each_program_without_a_route_may_do_just_what_its_ports_and_its_events_need() {
    let events = allowed_by(EVENT_SOURCE.into_iter().chain(REDELIVERY));
    for (stack, name, set, events) in [
        ("runners", "runner", &writ_job_runner::Ports, events),
        ("runners", "sweeper", &writ_job_runner::SweepPorts, Allowed::new()),
        ("fires", "schedules-fire", &writ_scheduler::Ports, Allowed::new()),
        ("authorizer", "authorizer", &writ_lambda_authorizer::Ports, Allowed::new()),
        ("upkeep", "upkeep", &writ_gc::Ports, Allowed::new()),
    ] {
        let stack = Template::stack(stack);
        let mut wanted = allowed_by_set(set);
        wanted.extend(events);
        assert_eq!(allowed(&stack, &function_of(&stack, name)), wanted, "{name}");
    }
}

#[test]
fn a_runner_needs_the_pipeline_and_what_a_signal_takes_and_a_sweep_less() {
    let names =
        |set: &'static PortSet| -> Vec<&str> { set.ports().iter().map(|port| port.name).collect() };
    let runner = names(&writ_job_runner::Ports);
    for port in
        ["Evaluate", "GetPolicy", "RecordExecution", "CompleteJob", "PeekQueue", "JobNotifier"]
    {
        assert!(runner.contains(&port), "{port}");
    }
    for port in ["Attempt", "DueJobs", "Redrive", "PutJob"] {
        assert!(!runner.contains(&port), "{port}");
    }
    let sweep = ["ChangeJob", "Clock", "DueJobs", "GetJob", "Ids", "JobNotifier"];
    assert_eq!(names(&writ_job_runner::SweepPorts), sweep);
}

#[test]
fn a_route_needs_what_its_handler_names_and_its_keys_need() {
    let functions = writ_infra::functions(&root()).unwrap();
    for (route, ports) in [
        ("access.whoami", &[][..]),
        ("policy.get", &["GetBody", "GetPolicy"]),
        (
            "policy.create",
            &[
                "Clock",
                "CreatePolicy",
                "Evaluate",
                "GetBody",
                "GetPolicy",
                "GetRevisions",
                "Idempotency",
                "Ids",
            ],
        ),
        (
            "executor.execute_policy",
            &[
                "Admit",
                "Clock",
                "ContextStore",
                "Evaluate",
                "GetBody",
                "GetExecution",
                "GetPolicy",
                "Idempotency",
                "Ids",
                "RecordExecution",
            ],
        ),
        (
            "execution.replay",
            &[
                "Admit",
                "Clock",
                "ContextStore",
                "Evaluate",
                "GetBody",
                "GetExecution",
                "Idempotency",
                "Ids",
                "RecordExecution",
            ],
        ),
    ] {
        let function = functions.iter().find(|function| function.spec.name == route).unwrap();
        assert_eq!(function.needs.ports().collect::<Vec<_>>(), ports, "{route}");
    }
    for function in &functions {
        let has_key = function.needs.has_port(&Idempotency);
        assert_eq!(has_key, function.spec.is_idempotent_by_key(), "{}", function.spec.name);
    }
}

#[test]
fn besides_tables_queues_of_jobs_and_plans_a_role_reaches_its_own_logs_its_own_queue_and_traces() {
    for stack in Template::stacks() {
        for (id, function) in stack.functions() {
            let logs = format!("{}.Arn", referred(&function["LoggingConfig"]["LogGroup"]));
            for statement in statements(&stack, &function) {
                for action in list(&statement["Action"]) {
                    let (service, _) = action.as_str().unwrap().split_once(':').unwrap();
                    let resource = &statement["Resource"];
                    match service {
                        "dynamodb" => {}
                        "logs" => assert_eq!(referred(resource), logs, "{id}"),
                        "xray" => assert_eq!(resource, "*", "{id}"),
                        "sqs" if resource["!Ref"].is_string() => {}
                        "sqs" => {
                            let queue = &function["DeadLetterQueue"]["TargetArn"];
                            assert_eq!(resource, queue, "{id}");
                        }
                        // Timers of schedules, in the group of this deployment alone.
                        "scheduler" => {
                            let plans = pattern(resource);
                            let own = [":schedule/${Group}/*", ":schedule/${FireGroup}/*"];
                            assert!(own.iter().any(|own| plans.ends_with(own)), "{id} {plans}");
                        }
                        // The one role that EventBridge calls in, and it is passed to no other service.
                        "iam" => {
                            assert_eq!(action.as_str(), Some("iam:PassRole"), "{id}");
                            assert_eq!(pattern(resource), "${FireRoleArn}", "{id}");
                            let to = &statement["Condition"]["StringEquals"]["iam:PassedToService"];
                            assert_eq!(to, "scheduler.amazonaws.com", "{id}");
                        }
                        other => panic!("{id} may do something to `{other}`"),
                    }
                }
            }
        }
    }
}
