//! Every built-in function against the results of OPA 1.20.2. The rows of `cases` are made by
//! `make_cases.py OPA` (`make_cases.py OPA --all DIR` makes every row there is): name, arguments as JSON (`{"$set": [...]}` is a set), result as a term or `undefined`.

use writ_rego_builtins::{Context, ErrorKind, Value, from_json_str, lookup};

/// The time of all calls: 2026-01-02T03:04:05Z, in nanoseconds.
const NOW_NS: i64 = 1_767_323_045_000_000_000;

/// Replaces `{"$set": [...]}` by sets.
fn with_sets(value: &Value) -> Value {
    match value {
        Value::Array(array) => Value::array(array.iter().map(with_sets)),
        Value::Object(object) => match object.get_str("$set") {
            Some(Value::Array(items)) => Value::set(items.iter().map(with_sets)),
            _ => Value::object(object.iter().map(|(key, value)| (key.clone(), with_sets(value)))),
        },
        scalar => scalar.clone(),
    }
}

fn answer(name: &str, args: &Value) -> String {
    let Some(builtin) = lookup(name) else { return "no such function".to_owned() };
    let Some(args) = args.as_array() else { return "no arguments".to_owned() };
    let args: Vec<Value> = args.iter().map(with_sets).collect();
    let mut context = Context::new(NOW_NS, 7, 1 << 30);
    match builtin.call(&mut context, &args) {
        Ok(Some(value)) => value.to_string(),
        Err(error) if error.kind == ErrorKind::Halt => format!("ends the run: {error}"),
        _ => "undefined".to_owned(),
    }
}

/// Rows that end the run here, loudly, where OPA answers: name and reason.
fn is_refused(found: &str) -> bool {
    found.starts_with("ends the run: ")
}

#[test]
fn every_function_answers_as_opa_does() {
    // A long run reads more rows than the committed ones.
    let folder = std::env::var("WRIT_REGO_ROWS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases").to_owned());
    let mut rows = 0;
    let mut refused = 0;
    let mut wrong = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let parts: Vec<&str> = line.splitn(3, '\t').collect();
            let [name, args, expected] = parts[..] else { panic!("{}: {line}", file.display()) };
            let args_value = from_json_str(args).unwrap_or_else(|error| panic!("{line}: {error}"));
            let found = answer(name, &args_value);
            rows += 1;
            if is_refused(&found) {
                refused += 1;
                println!("{name}({args}) {found}");
            }
            if found != expected && !is_refused(&found) {
                wrong.push(format!("{name}({args})\n    OPA {expected}\n    got {found}"));
            }
        }
    }
    println!("{rows} rows, {refused} end the run");
    assert!(wrong.is_empty(), "{} of {rows} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows > 5_000, "{rows}");
    // Less than one in a hundred: what ends the run here is listed in the report of the test.
    assert!(refused * 100 < rows, "{refused} of {rows} rows end the run");
}
