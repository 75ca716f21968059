//! WebAssembly, run by wasmi.

mod answer;
mod bounds;
mod failure;
mod host;
mod interface;
mod limits;
mod program;
mod source;

use wasmi::{CompilationMode, Config, Engine, Linker, Module};
use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};
use host::Host;

/// How deep calls may be nested. Compiled code calls small functions a lot, so the budget's depth
/// is too little; the engine keeps these calls on its heap, where they cost 4 MiB at most.
const CALLS_MAX: u32 = 10_000;
/// Every value of every call that has not returned.
const STACK_BYTES_MAX: usize = 4 << 20;

/// The language's runtime.
pub(crate) fn runtime() -> impl Runtime {
    Wasm { engine: Engine::new(&config()) }
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        // Lazy compilation spends the fuel of the run that comes first: a second run of the same
        // input would have more.
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .set_max_recursion_depth(CALLS_MAX as usize)
        .set_max_stack_height(STACK_BYTES_MAX);
    config
}

struct Wasm {
    engine: Engine,
}

impl Runtime for Wasm {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let compiled = source::read(&source.code).and_then(|read| {
            bounds::check(&read.bytes).map_err(|excess| read.locate(excess))?;
            let module = Module::new(&self.engine, &read.bytes)
                .map_err(|error| read.locate(source::invalid(&error)))?;
            let surface = interface::check(&module)?;
            let mut linker: Linker<Host> = Linker::new(&self.engine);
            host::link(&mut linker)?;
            Ok(program::WasmProgram::new(module, linker, surface))
        });
        match compiled {
            Ok(program) => Ok(Box::new(program)),
            Err(problems) => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests;
