//! What a policy's `metadata.mask` keeps out of the decision log.

use serde_json::Value;
use writ_model::{Execution, RawJson};

/// Stands where a value was.
const MASK: &str = "**masked**";

/// Shorter texts are not looked for in messages: they would blacken half of every sentence.
const SECRET_CHARS_MIN: usize = 4;

/// The record without the values at `pointers`, nor their text in messages and printed lines.
pub(crate) fn masked(execution: &Execution, pointers: &[String]) -> Execution {
    let mut record = execution.clone();
    let mut secrets = Vec::new();
    for pointer in pointers {
        for (root, field) in [
            ("/input_data", Some(&mut record.input_data)),
            ("/parameters", Some(&mut record.parameters)),
            ("/output", record.output.as_mut()),
        ] {
            let (Some(path), Some(field)) = (pointer.strip_prefix(root), field) else { continue };
            if let Some(removed) = take(field, path) {
                collect_texts(&removed, &mut secrets);
                record.masked.push(pointer.clone());
            }
        }
    }
    for secret in &secrets {
        record.printed = record.printed.replace(secret, MASK);
        if let Some(error) = &mut record.error {
            error.message = error.message.replace(secret, MASK);
            error.traceback = error.traceback.as_ref().map(|text| text.replace(secret, MASK));
        }
    }
    record
}

/// Replaces the value at a JSON Pointer and gives what stood there.
fn take(field: &mut RawJson, pointer: &str) -> Option<Value> {
    let mut value = field.value();
    let removed = std::mem::replace(value.pointer_mut(pointer)?, Value::from(MASK));
    *field = RawJson::of(&value);
    Some(removed)
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().count() >= SECRET_CHARS_MIN => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        _ => {}
    }
}
