//! The functions that a module may import: the run's clock, random numbers, capture and context.

use wasmi::{Caller, Error, Extern, Linker, Memory, TrapCode};
use writ_model::Diagnostic;

use super::failure::{HostFailure, policy_error};
use super::interface::PLATFORM;
use super::limits::Limits;
use super::output;
use crate::capture::Capture;
use crate::context::RunContext;
use crate::rng::Rng;
use crate::{Budget, Call, Failure};

/// The fuel of a call of a platform function, about as much as its work; each byte that it handles
/// costs one more.
const CALL_FUEL: u64 = 50;

/// The state of one run, for the platform's functions.
pub(super) struct Host {
    pub(super) limits: Limits,
    pub(super) printed: Capture,
    pub(super) context: RunContext,
    now_ms: i64,
    rng: Rng,
    message_bytes_max: usize,
    is_allocating: bool,
}

impl Host {
    pub(super) fn new(call: &Call, budget: &Budget) -> Self {
        Self {
            limits: Limits::new(budget),
            printed: Capture::new(budget.output_bytes_max),
            context: RunContext::of(call),
            now_ms: call.now_ms,
            rng: Rng::new(call.seed),
            message_bytes_max: budget.output_bytes_max,
            is_allocating: false,
        }
    }
}

/// Defines every function of the platform.
pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), Vec<Diagnostic>> {
    define(linker).map_err(|error| vec![Diagnostic::error("wasm.platform", error.to_string())])
}

fn define(linker: &mut Linker<Host>) -> Result<(), wasmi::errors::LinkerError> {
    linker.func_wrap(PLATFORM, "now_ms", |caller: Caller<'_, Host>| caller.data().now_ms)?;
    linker.func_wrap(PLATFORM, "random", random)?;
    linker.func_wrap(
        PLATFORM,
        "print",
        |mut caller: Caller<'_, Host>, address: i32, length: i32| {
            let text = text(&mut caller, "print", address, length)?;
            caller.data_mut().printed.print(&text);
            Ok::<(), Error>(())
        },
    )?;
    linker.func_wrap(PLATFORM, "fail", fail)?;
    linker.func_wrap(PLATFORM, "context_get", context_get)?;
    linker.func_wrap(
        PLATFORM,
        "context_set",
        |mut caller: Caller<'_, Host>, key: i32, key_length: i32, value: i32, length: i32| {
            let key = text(&mut caller, "context_set", key, key_length)?;
            let value = text(&mut caller, "context_set", value, length)?;
            set_context(caller.data_mut(), &key, &value).map_err(HostFailure::error)
        },
    )?;
    linker.func_wrap(
        PLATFORM,
        "context_delete",
        |mut caller: Caller<'_, Host>, key: i32, length: i32| {
            let key = text(&mut caller, "context_delete", key, length)?;
            caller.data_mut().context.delete(&key);
            Ok::<(), Error>(())
        },
    )?;
    Ok(())
}

fn random(mut caller: Caller<'_, Host>, address: i32, length: i32) -> Result<(), Error> {
    let memory = charge_fuel(&mut caller, length)?;
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    let size = bytes.len();
    match slice_mut(bytes, address, length) {
        Some(bytes) => host.rng.fill(bytes),
        None => return Err(HostFailure::error(out_of_bounds("random", address, length, size))),
    }
    Ok(())
}

fn fail(mut caller: Caller<'_, Host>, address: i32, length: i32) -> Result<(), Error> {
    let mut message = text(&mut caller, "fail", address, length)?;
    message.truncate(message.floor_char_boundary(caller.data().message_bytes_max));
    Err(HostFailure::error(policy_error("wasm.failed", message)))
}

/// The address and length of the value's JSON, in memory of the module's own allocator; 0 if the key
/// has no value.
fn context_get(mut caller: Caller<'_, Host>, address: i32, length: i32) -> Result<i64, Error> {
    let key = text(&mut caller, "context_get", address, length)?;
    let value = caller.data().context.get(&key);
    let Some(value) = value.map(|value| value.as_str().to_owned()) else { return Ok(0) };
    if std::mem::replace(&mut caller.data_mut().is_allocating, true) {
        // It would recurse on the stack of the worker without end.
        return Err(HostFailure::error(policy_error(
            "wasm.alloc",
            "`writ_alloc` called `context_get`, which needs `writ_alloc`",
        )));
    }
    let allocate = caller.get_export("writ_alloc").and_then(Extern::into_func);
    let allocate = allocate.ok_or(TrapCode::BadSignature)?.typed::<i32, i32>(&caller)?;
    let length = i32::try_from(value.len()).map_err(|_| TrapCode::OutOfSystemMemory)?;
    let address = allocate.call(&mut caller, length)?;
    caller.data_mut().is_allocating = false;
    let memory = charge_fuel(&mut caller, length)?;
    write_bytes(memory.data_mut(&mut caller), address, value.as_bytes())
        .map_err(HostFailure::error)?;
    Ok(i64::from(address) << 32 | i64::from(length))
}

fn set_context(host: &mut Host, key: &str, value: &str) -> Result<(), Failure> {
    let value = output::json(value.as_bytes()).map_err(|what| {
        policy_error("wasm.context", format!("`context_set` was given {what} for `{key}`"))
    })?;
    let kept = host.context.set(key, value);
    kept.map_err(|full| policy_error("wasm.context-too-large", full.to_string()))
}

/// Charges the fuel of a call that handles `length` bytes, and returns the module's memory.
fn charge_fuel(caller: &mut Caller<'_, Host>, length: i32) -> Result<Memory, Error> {
    let cost = CALL_FUEL + u64::from(length.cast_unsigned());
    match caller.get_fuel()?.checked_sub(cost) {
        Some(rest) => caller.set_fuel(rest)?,
        None => return Err(TrapCode::OutOfFuel.into()),
    }
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    // While its start function runs, a module has no exports yet.
    memory.ok_or_else(|| {
        HostFailure::error(policy_error(
            "wasm.trap",
            "the module called the platform before it had a memory",
        ))
    })
}

/// Bytes of the module as text; invalid UTF-8 becomes `\u{fffd}`.
fn text(
    caller: &mut Caller<'_, Host>,
    function: &str,
    address: i32,
    length: i32,
) -> Result<String, Error> {
    let memory = charge_fuel(caller, length)?;
    let bytes = memory.data(&*caller);
    match slice(bytes, address, length) {
        Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        None => Err(HostFailure::error(out_of_bounds(function, address, length, bytes.len()))),
    }
}

/// The module's bytes at an address, if they are inside its memory.
pub(super) fn slice(memory: &[u8], address: i32, length: i32) -> Option<&[u8]> {
    memory.get(range(address, length)?)
}

fn slice_mut(memory: &mut [u8], address: i32, length: i32) -> Option<&mut [u8]> {
    memory.get_mut(range(address, length)?)
}

fn range(address: i32, length: i32) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(address.cast_unsigned()).ok()?;
    let end = start.checked_add(usize::try_from(length.cast_unsigned()).ok()?)?;
    Some(start..end)
}

/// Writes to an address that `writ_alloc` has returned.
pub(super) fn write_bytes(memory: &mut [u8], address: i32, bytes: &[u8]) -> Result<(), Failure> {
    let length = i32::try_from(bytes.len()).unwrap_or(-1);
    let size = memory.len();
    match slice_mut(memory, address, length) {
        Some(target) if address != 0 => {
            target.copy_from_slice(bytes);
            Ok(())
        }
        Some(_) => Err(policy_error("wasm.alloc", "`writ_alloc` returned 0: it has no memory")),
        None => Err(out_of_bounds("writ_alloc", address, length, size)),
    }
}

/// The failure of a module that passes a range outside of its memory.
pub(super) fn out_of_bounds(function: &str, address: i32, length: i32, size: usize) -> Failure {
    let (address, length) = (address.cast_unsigned(), length.cast_unsigned());
    policy_error(
        "wasm.out-of-bounds",
        format!("`{function}` spoke of {length} bytes at {address}, in a memory of {size} bytes"),
    )
}
