//! What every function has.

use std::collections::BTreeSet;

use writ_grants::Queue;
use writ_infra::identifier;
use writ_ports::{Evaluate, SendCallback, ValidateDocuments};

use crate::template::{Template, pattern, referred, root};

/// What API Gateway waits at most, less a second to answer in.
const GATEWAY_TIMEOUT_S: u64 = 29;

/// The memory in MB that buys one whole processor.
const PROCESSOR_MB: u32 = 1769;

/// Whether the function starts worker processes: for policies, or for schemas alone.
fn has_workers(function: &writ_infra::Function) -> bool {
    function.needs.has_port(&Evaluate) || function.needs.has_port(&ValidateDocuments)
}

#[test]
fn every_function_that_starts_workers_has_a_whole_processor() {
    let functions = writ_infra::functions(&root()).unwrap();
    let with_workers: Vec<_> = functions.iter().filter(|function| has_workers(function)).collect();
    for route in ["jobs.submit", "schedules.update", "policy.plan", "executor.execute_policy"] {
        assert!(with_workers.iter().any(|function| function.spec.name == route), "{route}");
    }
    for function in with_workers {
        assert!(function.size.memory_mb >= PROCESSOR_MB, "{}", function.spec.name);
    }
    let fires = Template::stack("fires");
    for (id, properties) in fires.functions() {
        assert_eq!(properties["MemorySize"], PROCESSOR_MB, "{id}");
    }
}

#[test]
fn every_route_has_its_name_its_program_and_its_size() {
    for function in writ_infra::functions(&root()).unwrap() {
        let stack = Template::stack(function.resource);
        let functions = stack.functions();
        let id = identifier(function.spec.name);
        let (_, properties) = functions.iter().find(|(own, _)| *own == id).unwrap();
        assert_eq!(properties["Handler"], function.spec.name);
        let name = format!("${{Prefix}}{}", function.spec.name.replace('.', "-"));
        assert_eq!(pattern(&properties["FunctionName"]), name);
        let code = format!("../../target/lambda/{}/", function.binary);
        assert_eq!(properties["CodeUri"], code);
        assert_eq!(properties["MemorySize"], function.size.memory_mb);
        let timeout = properties["Timeout"].as_u64().unwrap();
        assert!((1..=GATEWAY_TIMEOUT_S).contains(&timeout), "{id} {timeout}");
        // Longer than the 25 seconds after which the function answers for itself.
        assert!(timeout > 25, "{id} {timeout}");
        let variables = &properties["Environment"]["Variables"];
        for (variable, is_there) in [
            ("WRIT_ALLOW_WEAK_SANDBOX", has_workers(&function)),
            ("WRIT_JOBS_QUEUE_URL", function.needs.has_queue(Queue::Jobs)),
            ("WRIT_JOBS_DEAD_URL", function.needs.has_queue(Queue::Dead)),
            ("WRIT_CALLBACKS_TO", function.needs.has_port(&SendCallback)),
        ] {
            assert_eq!(variables[variable].is_null(), !is_there, "{id} {variable}");
        }
    }
}

#[test]
fn every_function_has_a_role_and_logs_of_its_own_and_is_watched() {
    let mut names = BTreeSet::new();
    for stack in Template::stacks() {
        let mut owned = BTreeSet::new();
        for (id, function) in stack.functions() {
            assert!(names.insert(pattern(&function["FunctionName"]).to_owned()), "{id}");
            assert_eq!(function["Runtime"], "provided.al2023", "{id}");
            assert_eq!(function["Tracing"], "Active", "{id}");
            assert_eq!(function["AutoPublishAlias"], "live", "{id}");
            assert_eq!(function["AutoPublishAliasAllProperties"], true, "{id}");
            let variables = &function["Environment"]["Variables"];
            assert_eq!(referred(&variables["WRIT_TABLE_PREFIX"]), "Prefix", "{id}");

            let role = referred(&function["Role"]).strip_suffix(".Arn").unwrap();
            assert!(owned.insert(role.to_owned()), "{id} shares its role");
            let logs = referred(&function["LoggingConfig"]["LogGroup"]);
            assert!(owned.insert(logs.to_owned()), "{id} shares its logs");
            let logs = stack.properties(logs, "AWS::Logs::LogGroup");
            assert_eq!(referred(&logs["RetentionInDays"]), "LogRetentionDays", "{id}");
            let name = pattern(&function["FunctionName"]);
            assert_eq!(pattern(&logs["LogGroupName"]), format!("/aws/lambda/{name}"));

            let watched: BTreeSet<&str> = stack
                .of_type("AWS::CloudWatch::Alarm")
                .filter(|(_, alarm)| alarm["Properties"]["Namespace"] == "AWS/Lambda")
                .filter(|(_, alarm)| {
                    alarm["Properties"]["Dimensions"][0]["Value"]["!Ref"].as_str() == Some(id)
                })
                .map(|(_, alarm)| alarm["Properties"]["MetricName"].as_str().unwrap())
                .collect();
            assert_eq!(watched, BTreeSet::from(["Duration", "Errors", "Throttles"]), "{id}");
        }
    }
}

#[test]
fn every_alarm_reaches_the_topic() {
    for stack in Template::stacks() {
        for (id, alarm) in stack.of_type("AWS::CloudWatch::Alarm") {
            let actions = &alarm["Properties"]["AlarmActions"]["!If"];
            assert_eq!(actions[0], "HasAlarmTopic", "{id}");
            assert_eq!(referred(&actions[1][0]), "AlarmTopicArn", "{id}");
            assert_eq!(alarm["Properties"]["TreatMissingData"], "notBreaching", "{id}");
        }
    }
}
