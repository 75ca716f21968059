//! Each role allows what its function needs, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_infra::{Needs, Signatures, arn_of, needed, needed_of_queues};
use writ_sqs::grants::{AGAIN, EVENT_SOURCE, Grant as OnQueue};
use writ_store::grants::{self, Grant};

use crate::template::{Template, pattern, referred, root};

/// Ports of the functions that serve no route.
const AUTHORIZER: [&str; 1] = ["GetToken"];
const UPKEEP: [&str; 2] = ["CollectUploads", "RemoveExpired"];

/// An action and what it is done on, without the part of the ARN that all tables share.
type Allowed = BTreeSet<(String, String)>;

fn of_grants(grants: impl IntoIterator<Item = Grant>) -> Allowed {
    let place = |grant: &Grant| match grant.index {
        Some(index) => format!("{}/index/{index}", grant.table),
        None => grant.table.to_owned(),
    };
    grants
        .into_iter()
        .map(|grant| (format!("dynamodb:{}", grant.action.name()), place(&grant)))
        .collect()
}

fn of_ports(ports: &[&str]) -> Allowed {
    of_grants(ports.iter().flat_map(|port| grants::of(port).unwrap().iter().copied()))
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

/// What the role allows on tables.
fn on_tables(stack: &Template, function: &Value) -> Allowed {
    let mut allowed = Allowed::new();
    for statement in statements(stack, function) {
        assert_eq!(statement["Effect"], "Allow");
        for action in list(&statement["Action"]) {
            let action = action.as_str().unwrap();
            if !action.starts_with("dynamodb:") {
                continue;
            }
            for resource in list(&statement["Resource"]) {
                let place = pattern(resource).strip_prefix("${TableArnPrefix}").unwrap();
                assert!(allowed.insert((action.to_owned(), place.to_owned())), "twice: {place}");
            }
        }
    }
    allowed
}

/// What the role allows on the queues of jobs.
fn on_queues(stack: &Template, function: &Value) -> Allowed {
    let mut allowed = Allowed::new();
    for statement in statements(stack, function) {
        let Some(parameter) = statement["Resource"]["!Ref"].as_str() else { continue };
        for action in list(&statement["Action"]) {
            let asked = (action.as_str().unwrap().to_owned(), parameter.to_owned());
            assert!(allowed.insert(asked), "twice: {parameter}");
        }
    }
    allowed
}

fn of_queues(grants: impl IntoIterator<Item = OnQueue>) -> Allowed {
    let grants = grants.into_iter();
    grants
        .map(|(queue, action)| (format!("sqs:{}", action.name()), arn_of(queue).to_owned()))
        .collect()
}

fn function_of(stack: &Template, handler: &str) -> Value {
    let functions = stack.functions();
    functions.into_iter().find(|(_, function)| function["Handler"] == handler).unwrap().1
}

#[test]
fn each_route_may_do_just_what_its_ports_need() {
    for function in writ_infra::functions(&root()).unwrap() {
        let stack = Template::stack(&function.resource);
        let properties = function_of(&stack, function.spec.name);
        let (tables, queues) = (needed(&function.needs), needed_of_queues(&function.needs));
        assert_eq!(on_tables(&stack, &properties), of_grants(tables), "{}", function.spec.name);
        assert_eq!(on_queues(&stack, &properties), of_queues(queues), "{}", function.spec.name);
    }
}

#[test]
fn who_does_jobs_may_do_just_what_its_ports_and_its_events_need() {
    let signatures = Signatures::read(&root()).unwrap();
    let stack = Template::stack("runners");
    let events: Vec<OnQueue> = EVENT_SOURCE.into_iter().chain(AGAIN).collect();
    let holds = |name: &str, needs: Needs, beside: &[OnQueue]| {
        let function = function_of(&stack, name);
        assert_eq!(on_tables(&stack, &function), of_grants(needed(&needs)), "{name}");
        let queues = needed_of_queues(&needs).into_iter().chain(beside.iter().copied());
        assert_eq!(on_queues(&stack, &function), of_queues(queues), "{name}");
    };
    holds("runner", signatures.runner().unwrap(), &events);
    holds("sweeper", signatures.sweeper().unwrap(), &[]);
    let (stack, wakes) = (Template::stack("fires"), signatures.waker().unwrap());
    let function = function_of(&stack, "schedules-fire");
    assert_eq!(on_tables(&stack, &function), of_grants(needed(&wakes)));
    assert_eq!(on_queues(&stack, &function), of_queues(needed_of_queues(&wakes)));
}

#[test]
fn a_runner_needs_the_pipeline_and_what_a_look_names_and_a_sweep_less() {
    let signatures = Signatures::read(&root()).unwrap();
    let names =
        |needs: Needs| -> BTreeSet<String> { needs.into_iter().map(|(port, _)| port).collect() };
    let (runner, sweeper) =
        (names(signatures.runner().unwrap()), names(signatures.sweeper().unwrap()));
    for port in
        ["Evaluate", "GetPolicy", "RecordExecution", "CompleteJob", "PeekQueue", "JobNotifier"]
    {
        assert!(runner.contains(port), "{port}");
    }
    for port in ["Attempt", "DueJobs", "Redrive", "PutJob"] {
        assert!(!runner.contains(port), "{port}");
    }
    let sweeps = ["JobNotifier", "ChangeJob", "Clock", "DueJobs", "GetJob", "Ids"];
    assert_eq!(sweeper, sweeps.map(str::to_owned).into());
}

#[test]
fn a_route_needs_what_its_handler_names_and_its_keys_need() {
    let needs = |route: &str| -> Vec<String> {
        let functions = writ_infra::functions(&root()).unwrap();
        let function = functions.into_iter().find(|it| it.spec.name == route).unwrap();
        function.needs.into_iter().map(|(port, _)| port).collect()
    };
    for (route, ports) in [
        ("access.whoami", &[][..]),
        ("policy.get", &["GetBody", "GetPolicy"]),
        (
            "policy.create",
            &["Clock", "CreatePolicy", "Evaluate", "GetPolicy", "Idempotency", "Ids"],
        ),
        (
            "executor.execute_policy",
            &[
                "Admit",
                "Clock",
                "Evaluate",
                "GetBody",
                "GetPolicy",
                "Idempotency",
                "Ids",
                "ContextStore",
                "RecordExecution",
            ],
        ),
        (
            "execution.replay",
            &[
                "Admit",
                "Clock",
                "Evaluate",
                "GetBody",
                "GetExecution",
                "Idempotency",
                "Ids",
                "ContextStore",
                "RecordExecution",
            ],
        ),
    ] {
        assert_eq!(needs(route), ports, "{route}");
    }
}

#[test]
fn the_functions_without_a_route_may_do_just_what_their_ports_need() {
    for (name, ports) in [("authorizer", &AUTHORIZER[..]), ("upkeep", &UPKEEP)] {
        let stack = Template::stack(name);
        let function = function_of(&stack, name);
        assert_eq!(on_tables(&stack, &function), of_ports(ports), "{name}");
        assert_eq!(on_queues(&stack, &function), Allowed::new(), "{name}");
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
                        // Plans of fires, in the group of this deployment alone.
                        "scheduler" => {
                            let plans = pattern(resource);
                            let own = [":schedule/${Group}/*", ":schedule/${FireGroup}/*"];
                            assert!(own.iter().any(|own| plans.ends_with(own)), "{id} {plans}");
                        }
                        // The one role that EventBridge calls in, and to nobody else.
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
