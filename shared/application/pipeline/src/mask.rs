//! What a policy's `metadata.mask` keeps out of the decision log.

use std::collections::{BTreeMap, BTreeSet};

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
///
/// Each document is parsed once, so the time is linear in the record and in the pointers.
pub(crate) fn mask_record(execution: &Execution, pointers: &[String]) -> Execution {
    let mut record = execution.clone();
    let mut found = BTreeSet::new();
    for (root, field) in [
        ("/input_data", Some(&mut record.input_data)),
        ("/parameters", Some(&mut record.parameters)),
        ("/output", record.output.as_mut()),
    ] {
        let Some(field) = field else { continue };
        found.extend(mask_document(field, below(pointers, root)));
    }
    if let Some(context) = &mut record.context {
        found.extend(mask_context(context, &below(pointers, "/context")));
    }
    let masked = pointers.iter().enumerate().filter(|(index, _)| found.contains(index));
    record.masked.extend(masked.map(|(_, pointer)| pointer.clone()));
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

/// The pointers below a root, each with its number and without the root.
fn below<'p>(pointers: &'p [String], root: &str) -> Vec<(usize, &'p str)> {
    let pointers = pointers.iter().enumerate();
    pointers.filter_map(|(index, pointer)| Some((index, pointer.strip_prefix(root)?))).collect()
}

/// Replaces what stands at the pointers in a document. Returns the numbers of those where something
/// stood.
fn mask_document(document: &mut RawJson, pointers: Vec<(usize, &str)>) -> Vec<usize> {
    let found = document.mask(pointers.iter().map(|(_, pointer)| *pointer));
    let masked = pointers.into_iter().zip(found).filter(|(_, found)| *found);
    masked.map(|((index, _), _)| index).collect()
}

/// Replaces what stands at the pointers in a context, in what was read and in what was set. Returns
/// the numbers of those where something stood. Which keys there are stays, unless the whole context
/// is masked.
fn mask_context(context: &mut ContextSnapshot, pointers: &[(usize, &str)]) -> Vec<usize> {
    // Below a context that is masked nothing stands any more.
    let whole = pointers.iter().position(|(_, pointer)| pointer.is_empty());
    let (parts, rest) = pointers.split_at(whole.unwrap_or(pointers.len()));
    let mut found = mask_document(&mut context.read, parts.to_vec());
    let mut by_key: BTreeMap<String, Vec<(usize, &str)>> = BTreeMap::new();
    for (index, pointer) in parts {
        let pointer = pointer.get(1..).unwrap_or_default();
        let (key, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        let key = key.replace("~1", "/").replace("~0", "~");
        by_key.entry(key).or_default().push((*index, rest));
    }
    for (key, pointers) in by_key {
        if let Some(value) = context.change.set.get_mut(&key) {
            found.extend(mask_document(value, pointers));
        }
    }
    if let Some((index, _)) = rest.first() {
        context.read = RawJson::of(&Value::from(MASK));
        context.change = ContextChange::default();
        found.push(*index);
    }
    found
}

fn mask_error(error: &mut Error) {
    MASK.clone_into(&mut error.message);
    error.traceback = error.traceback.as_ref().map(|_| MASK.to_owned());
    for violation in &mut error.violations {
        MASK.clone_into(&mut violation.message);
        MASK.clone_into(&mut violation.path);
    }
}
