//! Functions that start, and functions that fail to start with an error in the log.

use libtest_mimic::Trial;
use serde_json::Value;
use writ_routes::BINARIES;
use writ_runtime_api::{DynamoDb, Launch};

use crate::programs::{launch, start_ready};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("starting::an_unknown_handler_is_told_what_there_is", unknown_handler),
        trial("starting::a_missing_variable_is_named", missing_variables),
        trial(
            "starting::a_wrong_variable_is_named_and_a_wrong_log_filter_replaced",
            wrong_variables,
        ),
        trial("starting::a_store_out_of_reach_stops_no_start", store_out_of_reach),
    ];
    for binary in BINARIES {
        let name = format!("starting::every_route_of_{}_asks_for_events", binary.name);
        trials.push(trial(name, || {
            for spec in binary.specs {
                let store = DynamoDb::start().unwrap();
                let function = start_ready(launch(binary.name, spec.name, &store));
                assert_eq!(function.log(), Vec::<String>::new(), "{}", spec.name);
                let warm_ups = store.warm_ups().len();
                assert_eq!(warm_ups, 1, "{} opens its connection early", spec.name);
            }
        }));
    }
    trials
}

/// The error in the one line that a program logs if it does not start.
fn start_failure(launch: Launch) -> String {
    let (status, log) = launch.start().unwrap().wait_for_exit().unwrap();
    assert_eq!(status.code(), Some(1), "{log:?}");
    let [line] = &log[..] else { panic!("{log:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "ERROR", "{line}");
    line["error"].as_str().unwrap().to_owned()
}

fn unknown_handler() {
    let store = DynamoDb::start().unwrap();
    for binary in BINARIES {
        // A route of another program is as unknown as one of none.
        let other = BINARIES.iter().find(|other| other.name != binary.name).unwrap();
        for handler in ["policy.unknown", other.specs[0].name] {
            let error = start_failure(launch(binary.name, handler, &store));
            assert!(error.contains(&format!("`{handler}`")), "{error}");
            for spec in binary.specs {
                assert!(error.contains(spec.name), "{error}");
            }
        }
    }
}

fn missing_variables() {
    let store = DynamoDb::start().unwrap();
    for name in [
        "_HANDLER",
        "AWS_ACCESS_KEY_ID",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "WRIT_TABLE_PREFIX",
    ] {
        for program in ["policies", "authorizer"] {
            let error = start_failure(launch(program, "policy.get", &store).without(name));
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }
}

fn wrong_variables() {
    let store = DynamoDb::start().unwrap();
    let error = start_failure(
        launch("policies", "policy.get", &store).with("WRIT_ALLOW_WEAK_SANDBOX", "perhaps"),
    );
    assert!(error.contains("`WRIT_ALLOW_WEAK_SANDBOX`"), "{error}");
    for (name, value) in [("WRIT_JOBS_QUEUE_URL", ""), ("WRIT_CALLBACKS_TO", "10.1.0.0/8")] {
        let error = start_failure(launch("sweeper", "sweeper", &store).with(name, value));
        assert!(error.contains(if value.is_empty() { name } else { value }), "{error}");
    }
    let function = start_ready(launch("policies", "policy.get", &store).with("WRIT_LOG", "=====,"));
    let [line] = &function.log()[..] else { panic!("{:?}", function.log()) };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
    assert!(line["message"].as_str().unwrap().contains("`WRIT_LOG`"), "{line}");
}

fn store_out_of_reach() {
    let store = DynamoDb::start().unwrap();
    // A port on which no server listens, and a host name that does not resolve (RFC 2606).
    for url in ["http://127.0.0.1:1", "http://store.invalid"] {
        start_ready(launch("policies", "policy.get", &store).with("AWS_ENDPOINT_URL", url));
    }
}
