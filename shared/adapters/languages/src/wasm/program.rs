//! A compiled module and its runs.

use std::time::Instant;

use wasmi::{Extern, Instance, Linker, Memory, Module, Store};

use super::failure::{explain, out_of_memory, policy_error};
use super::host::{self, Host};
use super::interface::OptionalExports;
use super::{limits, output};
use crate::language::Program;
use crate::{Budget, Call, CheckReport, Failure, Method, Outcome};

/// A compiled module and what it may import.
pub(super) struct WasmProgram {
    module: Module,
    linker: Linker<Host>,
    optional_exports: OptionalExports,
    /// The text that the last run printed, if it failed.
    printed: String,
}

impl WasmProgram {
    pub(super) fn new(
        module: Module,
        linker: Linker<Host>,
        optional_exports: OptionalExports,
    ) -> Self {
        Self { module, linker, optional_exports, printed: String::new() }
    }
}

/// An instance of the module for one run.
struct Run<'a> {
    store: &'a mut Store<Host>,
    instance: Instance,
    memory: Memory,
    budget: &'a Budget,
}

impl<'a> Run<'a> {
    fn start(
        program: &WasmProgram,
        store: &'a mut Store<Host>,
        budget: &'a Budget,
    ) -> Result<Self, Failure> {
        store.limiter(|host| &mut host.limits);
        store
            .set_fuel(limits::fuel(budget))
            .map_err(|error| explain(error, store.data(), budget))?;
        let instance = program.linker.instantiate_and_start(&mut *store, &program.module);
        let instance = instance.map_err(|error| explain(error, store.data(), budget))?;
        let memory = instance.get_export(&*store, "memory").and_then(Extern::into_memory);
        let memory =
            memory.ok_or_else(|| policy_error("wasm.export", "the module has no memory"))?;
        let mut run = Self { store, instance, memory, budget };
        if program.optional_exports.has_initialize {
            run.call::<(), ()>("_initialize", ())?;
        }
        Ok(run)
    }

    fn call<P: wasmi::WasmParams, R: wasmi::WasmResults>(
        &mut self,
        name: &str,
        parameters: P,
    ) -> Result<R, Failure> {
        self.instance
            .get_typed_func::<P, R>(&*self.store, name)
            .and_then(|function| function.call(&mut *self.store, parameters))
            .map_err(|error| explain(error, self.store.data(), self.budget))
    }

    /// Calls a function with a document. Returns the bytes of its output.
    fn invoke(&mut self, name: &str, document: &str) -> Result<&[u8], Failure> {
        let length = i32::try_from(document.len()).map_err(|_| out_of_memory(self.budget))?;
        let address: i32 = self.call("writ_alloc", length)?;
        if address == 0 && self.store.data().limits.refused {
            return Err(out_of_memory(self.budget));
        }
        host::write_bytes(self.memory.data_mut(&mut *self.store), address, document.as_bytes())?;
        let output: i64 = self.call(name, (address, length))?;
        // INVARIANT: both halves are 32 bits; the truncation separates them.
        #[expect(clippy::cast_possible_truncation, reason = "each half is taken by itself")]
        let (address, length) = ((output >> 32) as i32, output as i32);
        let bytes_max = self.budget.output_bytes_max;
        if usize::try_from(length.cast_unsigned()).unwrap_or(usize::MAX) > bytes_max {
            return Err(Failure::OutputTooLarge { budget_bytes: bytes_max });
        }
        let memory = self.memory.data(&*self.store);
        host::slice(memory, address, length)
            .ok_or_else(|| host::out_of_bounds(name, address, length, memory.len()))
    }
}

impl Program for WasmProgram {
    fn checked(&self) -> CheckReport {
        CheckReport::default()
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let name = match &call.method {
            Method::Eval { .. } => "eval",
            Method::Management { .. } if self.optional_exports.has_management => "management",
            Method::Management { .. } => {
                return Err(policy_error(
                    "wasm.no-management",
                    "the module exports no `management`: `(i32, i32) -> i64`",
                ));
            }
        };
        let mut store = Store::new(self.module.engine(), Host::new(call, budget));
        let result = Run::start(self, &mut store, budget)
            .and_then(|mut run| output::parse(run.invoke(name, &document(call))?));
        let host = store.into_data();
        let output = match result {
            Ok(output) => output,
            Err(failure) => {
                self.printed = host.printed.into_text();
                return Err(failure);
            }
        };
        Ok(Outcome {
            output,
            printed: host.printed.into_text(),
            context: host.context.into_change(),
            coverage: None,
            engine_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }

    fn take_printed(&mut self) -> String {
        std::mem::take(&mut self.printed)
    }
}

/// The argument of the call: a JSON object of all documents.
fn document(call: &Call) -> String {
    let (settings, parameters) = (call.settings.as_str(), call.parameters.as_str());
    let rule_id = serde_json::Value::from(call.rule_id.as_str());
    let rest = match &call.method {
        Method::Eval { input_data } => format!("\"input\":{}", input_data.as_str()),
        Method::Management { action, data } => {
            let action = serde_json::Value::from(action.as_str());
            format!("\"action\":{action},\"data\":{}", data.as_str())
        }
    };
    format!("{{\"rule_id\":{rule_id},\"settings\":{settings},\"parameters\":{parameters},{rest}}}")
}
