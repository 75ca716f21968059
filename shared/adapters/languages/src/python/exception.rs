//! Conversion of a Python exception to a [`Failure`], in CPython's format but with the policy's own
//! frames only.

use std::fmt::Write as _;

use rustpython_vm::builtins::{PyBaseExceptionRef, PyStrRef};
use rustpython_vm::{AsObject, VirtualMachine};

use super::POLICY_FILE;
use crate::{Budget, Failure};

/// The longest message, in bytes; a message may contain the whole input.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// The most exceptions of a chain of causes that a traceback has.
const CHAIN_MAX: usize = 8;
/// Identical frames that are written before the rest is only counted, as in CPython.
const REPEATS_MAX: usize = 3;

/// Converts an exception to the failure of its run.
pub(super) fn to_failure(
    exc: &PyBaseExceptionRef,
    source: &str,
    budget: &Budget,
    vm: &VirtualMachine,
) -> Failure {
    let kinds = &vm.ctx.exceptions;
    if exc.fast_isinstance(kinds.recursion_error) {
        return Failure::TooDeep { budget_depth: budget.depth_max };
    }
    if exc.fast_isinstance(kinds.memory_error) {
        return Failure::OutOfMemory { budget_bytes: budget.memory_bytes_max };
    }
    let (kind, _) = kind_of(exc, vm);
    let mut traceback = String::new();
    write_chain(exc, source, CHAIN_MAX, &mut traceback, vm);
    Failure::Raised {
        kind,
        message: message_of(exc, vm),
        line: frames_of(exc).last().map(|f| f.line),
        traceback,
    }
}

/// The bare name of the type, and the qualified one that a traceback has.
fn kind_of(exc: &PyBaseExceptionRef, vm: &VirtualMachine) -> (String, String) {
    let kind = exc.class().name().to_owned();
    let module = exc.class().as_object().get_attr("__module__", vm).ok();
    let module = module.and_then(|name| name.downcast::<rustpython_vm::builtins::PyStr>().ok());
    let module =
        module.map(|name: PyStrRef| name.to_string_lossy().into_owned()).unwrap_or_default();
    match module.as_str() {
        "" | "builtins" | "policy" => (kind.clone(), kind),
        _ => (kind.clone(), format!("{module}.{kind}")),
    }
}

fn message_of(exc: &PyBaseExceptionRef, vm: &VirtualMachine) -> String {
    // The policy's own `__str__` may run, and fail.
    let mut text = match exc.as_object().str(vm) {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => "<exception str() failed>".to_owned(),
    };
    if text.len() > MESSAGE_BYTES_MAX {
        let cut = (0..=MESSAGE_BYTES_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}

#[derive(PartialEq)]
struct FrameLine {
    line: u32,
    function: String,
}

fn frames_of(exc: &PyBaseExceptionRef) -> Vec<FrameLine> {
    let mut frames = Vec::new();
    let mut next = exc.__traceback__();
    while let Some(entry) = next {
        if entry.frame.code.source_path().as_str() == POLICY_FILE {
            let line = u32::try_from(entry.lineno.get()).unwrap_or(u32::MAX);
            frames
                .push(FrameLine { line, function: entry.frame.code.obj_name.as_str().to_owned() });
        }
        next = entry.next.lock().clone();
    }
    frames
}

fn write_chain(
    exc: &PyBaseExceptionRef,
    source: &str,
    remaining: usize,
    out: &mut String,
    vm: &VirtualMachine,
) {
    let cause = match (exc.__cause__(), exc.__context__()) {
        (Some(cause), _) => {
            Some((cause, "The above exception was the direct cause of the following exception:"))
        }
        (None, Some(context)) if !suppresses_context(exc, vm) => {
            Some((context, "During handling of the above exception, another exception occurred:"))
        }
        _ => None,
    };
    if let Some((earlier, sentence)) = cause
        && remaining > 1
    {
        write_chain(&earlier, source, remaining - 1, out, vm);
        let _ = write!(out, "\n{sentence}\n\n");
    }
    write_exception(exc, source, out, vm);
}

fn write_exception(exc: &PyBaseExceptionRef, source: &str, out: &mut String, vm: &VirtualMachine) {
    let frames = frames_of(exc);
    if !frames.is_empty() {
        out.push_str("Traceback (most recent call last):\n");
    }
    let mut repeats = 0;
    for (index, frame) in frames.iter().enumerate() {
        let same = index > 0 && frames.get(index - 1) == Some(frame);
        repeats = if same { repeats + 1 } else { 0 };
        if repeats < REPEATS_MAX {
            let _ = writeln!(
                out,
                "  File \"{POLICY_FILE}\", line {}, in {}",
                frame.line, frame.function
            );
            let text = source.lines().nth(frame.line as usize - 1).unwrap_or_default().trim();
            if !text.is_empty() {
                let _ = writeln!(out, "    {text}");
            }
        }
        if repeats >= REPEATS_MAX && frames.get(index + 1) != Some(frame) {
            let _ = writeln!(
                out,
                "  [Previous line repeated {} more times]",
                repeats - REPEATS_MAX + 1
            );
        }
    }
    let (_, kind) = kind_of(exc, vm);
    let message = message_of(exc, vm);
    let _ = if message.is_empty() {
        writeln!(out, "{kind}")
    } else {
        writeln!(out, "{kind}: {message}")
    };
}

/// Whether it was raised `from None`.
fn suppresses_context(exc: &PyBaseExceptionRef, vm: &VirtualMachine) -> bool {
    let flag = exc.as_object().get_attr("__suppress_context__", vm);
    flag.is_ok_and(|flag| flag.is(&vm.ctx.true_value))
}
