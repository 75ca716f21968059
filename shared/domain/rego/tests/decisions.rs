//! Programs of our own, with what OPA 1.20.2 answers: `decisions.json`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value as Json;
use writ_rego::builtin::{Context, Value, from_json_str};
use writ_rego::{Module, NoSink, Options, Version, compile};

fn value(json: &Json) -> Value {
    from_json_str(&json.to_string()).unwrap()
}

/// The answer in the form of the table.
fn answer(row: &Json) -> Json {
    let texts = row["modules"].as_array().unwrap().iter().enumerate();
    let modules: Vec<Module> = texts
        .map(|(index, text)| Module {
            name: format!("m{index}.rego"),
            text: text.as_str().unwrap().to_owned(),
            version: Version::V1,
        })
        .collect();
    let refused = |code: &str| serde_json::json!({"error": code});
    let policy = match compile(&modules) {
        Ok(policy) => policy,
        Err(found) => return refused(found.first().unwrap().code),
    };
    let query = match policy.query(row["query"].as_str().unwrap()) {
        Ok(query) => query,
        Err(found) => return refused(found.first().unwrap().code),
    };
    let data = row.get("data").map_or(Value::object([]), value);
    let mut context = Context::new(0, 0, 1 << 30);
    let input = row.get("input").map(value);
    match policy.solutions(&query, input, data, &mut context, &mut NoSink, Options::default()) {
        Err(failure) => refused(failure.code),
        Ok(found) => {
            let rows = found.into_iter().map(|bindings| {
                let members = bindings.into_iter().map(|(name, value)| (Value::from(name), value));
                serde_json::from_str(&Value::object(members).to_json()).unwrap()
            });
            Json::Array(rows.collect())
        }
    }
}

#[test]
fn our_programs_decide_as_opa_does() {
    let rows: Vec<Json> = serde_json::from_str(include_str!("decisions.json")).unwrap();
    assert!(rows.len() > 300);
    let mut wrong = Vec::new();
    for row in &rows {
        let found = answer(row);
        let fits = match row.get("error") {
            // What OPA refuses is refused, if not for the same reason.
            Some(_) => found.get("error").is_some(),
            None => found.is_array() && value(&found) == value(&row["result"]),
        };
        if !fits {
            wrong.push(format!("{row}\n  found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
