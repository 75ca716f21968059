//! The policies of the attacker: endless, greedy, and behind schemas that cost much.

use libtest_mimic::Failed;
use serde_json::{Value, json};
use writ_tests::attacks::{self, Case};
use writ_tests::schemas::{doubling, errors_in_errors, of_member};

use crate::client::{Client, Request};
use crate::payloads;

/// A policy and an input of it that makes its run expensive.
pub(crate) struct Weapon {
    pub(crate) uri: String,
    pub(crate) input: String,
}

const ECHO: &str = "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    def eval(self, parameters, input_data, context):\n        return 1\n    def management(self, action, data):\n        while True:\n            pass\n";

const STATE: &str = "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    def eval(self, parameters, input_data, context):\n        context.set('kept', 'x' * 200000)\n        return 'x' * 1000000\n";

const LOOP: &str = "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    def eval(self, parameters, input_data, context):\n        print('x' * 100000)\n        while True:\n            pass\n";

/// The body that registers a policy; `more` replaces members.
pub(crate) fn policy(name: &str, language: &str, code: &str, more: &Value) -> Value {
    let mut body = json!({
        "name": name, "version": "1.0", "release_tag": "worst", "code": code,
        "code_type": language,
    });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    body
}

/// A policy in Python that does nothing.
pub(crate) fn echo(name: &str, more: &Value) -> Value {
    policy(name, "python", ECHO, more)
}

/// The URI of a policy of this module.
pub(crate) fn uri(name: &str) -> String {
    format!("{name}:1.0-worst")
}

/// Registers all policies, and returns those that were accepted, with their inputs.
pub(crate) fn register(client: &Client) -> Result<Vec<Weapon>, Failed> {
    let mut weapons = Vec::new();
    for (name, body, input) in own() {
        client.expect(201, &Request::post("/policy", &body))?;
        weapons.push(Weapon { uri: uri(name), input });
    }
    for (name, body, input) in worst_cases() {
        // Some are refused where they are registered, which is their end.
        if client.send(&Request::post("/policy", &body))?.0 == 201 {
            weapons.push(Weapon { uri: uri(&name), input });
        }
    }
    Ok(weapons)
}

/// Policies that the platform accepts, with an input each.
fn own() -> Vec<(&'static str, Value, String)> {
    let object = |raw: &str| format!("{{\"n\":{raw}}}");
    let commands = json!([{"name": "hang", "schema": {}}]);
    let schema = |schema: Value| json!({"policy_input_schema": schema});
    vec![
        ("echo", echo("echo", &json!({"management_commands_schema": commands})), object("1")),
        ("hang", policy("hang", "python", LOOP, &json!({})), object("1")),
        ("hang-too", policy("hang-too", "python", LOOP, &json!({})), object("1")),
        ("hang-still", policy("hang-still", "python", LOOP, &json!({})), object("1")),
        (
            "state",
            policy("state", "python", STATE, &json!({"metadata": {"state": true}})),
            object("1"),
        ),
        (
            "mask",
            echo("mask", &json!({"metadata": {"mask": payloads::mask(5_000)}})),
            object(&payloads::members(200_000).to_string()),
        ),
        ("doubling", echo("doubling", &schema(of_member(doubling(40)))), object("1")),
        (
            "errors",
            echo("errors", &schema(of_member(errors_in_errors()))),
            object(&payloads::list("1", 2_000_000)),
        ),
        (
            "unique",
            echo("unique", &schema(payloads::unique_items())),
            object(&format!("{}0]", "[],".repeat(1_000_000)).replacen("[]", "[[]", 1)),
        ),
    ]
}

/// The worst attacks on each language, from the suite `attacks`.
fn worst_cases() -> Vec<(String, Value, String)> {
    let mut found = Vec::new();
    for battery in attacks::batteries() {
        for (number, case) in battery.cases.iter().filter(|case| case.worst).enumerate() {
            let name = format!("{}-{number}", battery.language);
            found.push((name.clone(), registration(&name, &battery, case), input(case)));
        }
    }
    found
}

fn registration(name: &str, battery: &attacks::Battery, case: &Case) -> Value {
    let source = case.source(battery.language);
    let data = source.functionality_data.as_ref().map_or("{}", |data| data.as_str());
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let more = json!({"functionality_data": data});
    policy(name, &battery.language.to_string(), &source.code, &more)
}

fn input(case: &Case) -> String {
    match case.call().method {
        writ_model::run::Method::Eval { input_data } => input_data.as_str().to_owned(),
        writ_model::run::Method::Management { .. } => "{}".to_owned(),
    }
}
