//! What a policy's `metadata.mask` keeps out of the decision log.

use serde_json::Value;
use writ_model::{
    ContextChange, ContextSnapshot, Error, Execution, ExecutionStatus, MASK, RawJson,
};

/// The record without the values at `pointers`.
///
/// A policy may print a secret, put it into an exception or make it the name of a member. So once
/// anything is masked, what was printed and every text of the error go as well; the error's kind,
/// its line and the rules that were violated stay. A run that failed has no output and has changed
/// no context: what was to be masked there may have been printed nevertheless.
pub(crate) fn mask_record(execution: &Execution, pointers: &[String]) -> Execution {
    let mut record = execution.clone();
    for pointer in pointers {
        for (root, field) in [
            ("/input_data", Some(&mut record.input_data)),
            ("/parameters", Some(&mut record.parameters)),
            ("/output", record.output.as_mut()),
        ] {
            let (Some(path), Some(field)) = (pointer.strip_prefix(root), field) else { continue };
            if field.mask(path) {
                record.masked.push(pointer.clone());
            }
        }
        let context = pointer.strip_prefix("/context").zip(record.context.as_mut());
        if context.is_some_and(|(path, context)| mask_context(context, path)) {
            record.masked.push(pointer.clone());
        }
    }
    let is_unknown =
        |pointer: &String| pointer.starts_with("/output") || pointer.starts_with("/context");
    let has_failed = record.status == ExecutionStatus::Failed;
    let may_reveal = !record.masked.is_empty() || has_failed && pointers.iter().any(is_unknown);
    if may_reveal && !record.printed.is_empty() {
        MASK.clone_into(&mut record.printed);
    }
    if !record.masked.is_empty()
        && let Some(error) = &mut record.error
    {
        mask_error(error);
    }
    record
}

/// Replaces what stands at a JSON Pointer in a context, in what was read and in what was set;
/// whether there was anything. Which keys there are stays, unless the whole context is masked.
fn mask_context(context: &mut ContextSnapshot, pointer: &str) -> bool {
    let change = &mut context.change;
    if pointer.is_empty() {
        context.read = RawJson::of(&Value::from(MASK));
        *change = ContextChange::default();
        return true;
    }
    let was_read = context.read.mask(pointer);
    let rest = pointer.get(1..).unwrap_or_default();
    let (key, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let key = key.replace("~1", "/").replace("~0", "~");
    let was_set = change.set.get_mut(&key).is_some_and(|value| value.mask(rest));
    was_read || was_set
}

fn mask_error(error: &mut Error) {
    MASK.clone_into(&mut error.message);
    error.traceback = error.traceback.as_ref().map(|_| MASK.to_owned());
    for violation in &mut error.violations {
        MASK.clone_into(&mut violation.message);
        MASK.clone_into(&mut violation.path);
    }
}
