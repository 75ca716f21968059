//! Lambda freezes a function between two events, for up to hours, while its store goes on.

use libtest_mimic::Trial;
use serde_json::json;
use writ_runtime_api::{DynamoDb, Function};

use crate::programs::{TIME, execute_event, get_event, invoke, launch, start_ready, store_with};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("freezing::a_function_thaws_and_answers", || assert_thaws(|_| {}, 0)),
        trial("freezing::connections_that_were_closed_are_made_again", || {
            assert_thaws(DynamoDb::close_connections, 1);
        }),
        trial("freezing::connections_that_died_silently_are_given_up", || {
            assert_thaws(DynamoDb::kill_connections, 1);
        }),
        trial("freezing::engines_thaw_with_their_function", engines_thaw),
    ]
}

/// Serves an event, freezes the function while `meanwhile` changes the store, and serves the same
/// event again, over at least `new_connections` new connections.
fn assert_thaws(meanwhile: impl Fn(&DynamoDb), new_connections: usize) {
    let store = store_with("rego", "package p\n\nallow := true\n");
    let mut function = start_ready(launch("policies", "policy.get", &store));
    assert_eq!(invoke(&mut function, &get_event(), TIME).status, 200);
    for _ in 0..2 {
        let before = store.connections();
        while_frozen(&mut function, || meanwhile(&store));
        let response = invoke(&mut function, &get_event(), TIME);
        assert_eq!(response.status, 200, "{response:?}");
        // A busy machine may open one more connection than it uses.
        let opened = store.connections() - before;
        assert!(opened >= new_connections && (opened == 0) == (new_connections == 0), "{opened}");
    }
}

fn while_frozen(function: &mut Function, meanwhile: impl Fn()) {
    function.freeze().unwrap();
    meanwhile();
    function.thaw().unwrap();
}

fn engines_thaw() {
    let store = store_with("rego", "package p\n\nallow := input.n > 1\n");
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..3 {
        let response = invoke(&mut function, &execute_event(&json!({"n": n})), TIME);
        assert_eq!(
            (response.status, &response.body["data"]["allow"]),
            (200, &json!(n > 1)),
            "{response:?}"
        );
        while_frozen(&mut function, || store.close_connections());
    }
}
