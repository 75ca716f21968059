//! Functions that start, and functions that say why they do not.

use libtest_mimic::Trial;
use serde_json::Value;
use writ_routes::BINARIES;
use writ_runtime_api::{DynamoDb, Launch};

use crate::programs::{launch, ready};
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
                let function = ready(launch(binary.name, spec.name, &store));
                assert_eq!(function.log(), Vec::<String>::new(), "{}", spec.name);
                assert_eq!(store.greetings().len(), 1, "{} opens its connection early", spec.name);
            }
        }));
    }
    trials
}

/// The one line in which a program says why it does not start.
fn refusal(launch: Launch) -> String {
    let (status, log) = launch.start().unwrap().ended().unwrap();
    assert_eq!(status.code(), Some(1), "{log:?}");
    let [line] = &log[..] else { panic!("{log:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "ERROR", "{line}");
    line["error"].as_str().unwrap().to_owned()
}

fn unknown_handler() {
    let store = DynamoDb::start().unwrap();
    for binary in BINARIES {
        // A route of another program is as wrong as one of none.
        let other = BINARIES.iter().find(|other| other.name != binary.name).unwrap();
        for handler in ["policy.paint", other.specs[0].name] {
            let said = refusal(launch(binary.name, handler, &store));
            assert!(said.contains(&format!("`{handler}`")), "{said}");
            for spec in binary.specs {
                assert!(said.contains(spec.name), "{said}");
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
            let said = refusal(launch(program, "policy.get", &store).without(name));
            assert!(said.contains(&format!("`{name}`")), "{said}");
        }
    }
}

fn wrong_variables() {
    let store = DynamoDb::start().unwrap();
    let said = refusal(
        launch("policies", "policy.get", &store).with("WRIT_ALLOW_WEAK_SANDBOX", "perhaps"),
    );
    assert!(said.contains("`WRIT_ALLOW_WEAK_SANDBOX`"), "{said}");
    for (name, value) in [("WRIT_JOBS_QUEUE_URL", ""), ("WRIT_CALLBACKS_TO", "10.1.0.0/8")] {
        let said = refusal(launch("sweeper", "sweeper", &store).with(name, value));
        assert!(said.contains(if value.is_empty() { name } else { value }), "{said}");
    }
    let function = ready(launch("policies", "policy.get", &store).with("WRIT_LOG", "=====,"));
    let [line] = &function.log()[..] else { panic!("{:?}", function.log()) };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
    assert!(line["message"].as_str().unwrap().contains("`WRIT_LOG`"), "{line}");
}

fn store_out_of_reach() {
    let store = DynamoDb::start().unwrap();
    // A port of loopback on which nothing listens, and a name that nobody has.
    for url in ["http://127.0.0.1:1", "http://store.invalid"] {
        ready(launch("policies", "policy.get", &store).with("AWS_ENDPOINT_URL", url));
    }
}
