//! Answers requests, one JSON object a line, for comparisons with other implementations.
//!
//! Request: `{"modules": {"a.rego": "..."} or ["..."], "version": 0 or 1, "data": {}, "input": ..., "query": "data.p.x",
//! "strict": false}`. Answer: `{"result": [...]}` with the variables of each solution, or with values if the query has no
//! variable, `{"undefined": true}`, or `{"error": {"code": "...", "message": "..."}}`.

use std::io::{BufRead, Write};

use serde_json::{Value as Json, json};
use writ_rego::builtin::{Context, Value, from_json_str};
use writ_rego::{Module, NoSink, Options, Version, compile};

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else {
            return;
        };
        let reply = answer(&line).unwrap_or_else(|error| error);
        if writeln!(out, "{reply}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn error(code: &str, message: impl Into<String>) -> Json {
    json!({"error": {"code": code, "message": message.into()}})
}

fn document(request: &Json, name: &str) -> Result<Option<Value>, Json> {
    let Some(document) = request.get(name) else {
        return Ok(None);
    };
    from_json_str(&document.to_string())
        .map(Some)
        .map_err(|problem| error("json", problem.to_string()))
}

fn modules(request: &Json) -> Vec<Module> {
    let is_old = request.get("version").and_then(Json::as_u64) == Some(0);
    let version = if is_old { Version::V0 } else { Version::V1 };
    let text = |text: &Json| text.as_str().unwrap_or_default().to_owned();
    let module = |name: String, source: &Json| Module { name, text: text(source), version };
    match request.get("modules") {
        Some(Json::Object(files)) => {
            files.iter().map(|(name, source)| module(name.clone(), source)).collect()
        }
        Some(Json::Array(files)) => files
            .iter()
            .enumerate()
            .map(|(index, source)| module(format!("m{index}.rego"), source))
            .collect(),
        _ => Vec::new(),
    }
}

fn answer(line: &str) -> Result<Json, Json> {
    let request: Json =
        serde_json::from_str(line).map_err(|problem| error("json", problem.to_string()))?;
    let refused = |found: Vec<writ_rego::Diagnostic>| {
        let text: Vec<String> = found
            .iter()
            .map(|one| {
                format!("{}:{}:{}: {}: {}", one.file, one.line, one.column, one.code, one.message)
            })
            .collect();
        error(found.first().map_or("", |one| one.code), text.join("\n"))
    };
    let policy = compile(&modules(&request)).map_err(refused)?;
    let input = document(&request, "input")?;
    let data = document(&request, "data")?.unwrap_or_else(|| Value::object([]));
    let text = request.get("query").and_then(Json::as_str).unwrap_or("data");
    let is_term = !text.contains('=') && !text.contains('\n') && !text.contains(';');
    let text = if is_term { format!("writ_answer = {text}") } else { text.to_owned() };
    let query = policy.query(&text).map_err(refused)?;
    let mut context = Context::new(1_700_000_000_000_000_000, 1, 1 << 30);
    let strict = request.get("strict").and_then(Json::as_bool) == Some(true);
    let options = Options { strict, ..Options::default() };
    let solutions = policy
        .solutions(&query, input, data, &mut context, &mut NoSink, options)
        .map_err(|failure| error(failure.code, failure.to_string()))?;
    if solutions.is_empty() {
        return Ok(json!({"undefined": true}));
    }
    let results: Vec<Json> = solutions
        .into_iter()
        .map(|bindings| {
            let mut object = serde_json::Map::new();
            for (name, value) in bindings {
                let value: Json = serde_json::from_str(&value.to_json()).unwrap_or(Json::Null);
                object.insert(name, value);
            }
            match object.remove("writ_answer") {
                Some(value) if is_term => value,
                _ => Json::Object(object),
            }
        })
        .collect();
    Ok(json!({"result": results}))
}
