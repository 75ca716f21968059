//! Between two events Lambda freezes a function, for hours perhaps; the world goes on meanwhile.

use libtest_mimic::Trial;
use serde_json::json;
use writ_runtime_api::{DynamoDb, Function};

use crate::programs::{TIME, asked, launch, read_it, ready, run_it, store_with};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("freezing::a_function_thaws_and_answers", || thaws(|_| {}, 0)),
        trial("freezing::connections_that_were_closed_are_made_again", || {
            thaws(DynamoDb::close_connections, 1);
        }),
        trial("freezing::connections_that_died_silently_are_given_up", || {
            thaws(DynamoDb::kill_connections, 1);
        }),
        trial("freezing::engines_thaw_with_their_function", engines_thaw),
    ]
}

/// Serves an event, sleeps through what happens to the store, and serves the same event again.
fn thaws(meanwhile: impl Fn(&DynamoDb), connections_more: usize) {
    let store = store_with("rego", "package p\n\nallow := true\n");
    let mut function = ready(launch("policies", "policy.get", &store));
    assert_eq!(asked(&mut function, &read_it(), TIME).status, 200);
    for _ in 0..2 {
        let before = store.connections();
        frozen(&mut function, || meanwhile(&store));
        let answer = asked(&mut function, &read_it(), TIME);
        assert_eq!(answer.status, 200, "{answer:?}");
        // A busy machine may make one more than it comes to need.
        let made = store.connections() - before;
        assert!(made >= connections_more && (made == 0) == (connections_more == 0), "{made}");
    }
}

fn frozen(function: &mut Function, meanwhile: impl Fn()) {
    function.freeze().unwrap();
    meanwhile();
    function.thaw().unwrap();
}

fn engines_thaw() {
    let store = store_with("rego", "package p\n\nallow := input.n > 1\n");
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    for n in 0..3 {
        let answer = asked(&mut function, &run_it(&json!({"n": n})), TIME);
        assert_eq!(
            (answer.status, &answer.body["data"]["allow"]),
            (200, &json!(n > 1)),
            "{answer:?}"
        );
        frozen(&mut function, || store.close_connections());
    }
}
