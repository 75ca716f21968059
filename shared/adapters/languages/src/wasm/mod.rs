//! WebAssembly policies, run by the crate `wasmi`.

mod bounds;
mod failure;
mod host;
mod interface;
mod limits;
mod output;
mod program;
mod source;

use wasmi::{CompilationMode, Config, Engine, Linker, Module};
use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};
use host::Host;

/// The deepest nesting of calls. Compiled code calls small functions a lot, so the budget's depth is
/// too small; wasmi keeps these calls on its heap, where they use 4 MiB at most.
const CALLS_MAX: u32 = 10_000;
/// The memory for the values of all calls that have not returned, in bytes.
const STACK_BYTES_MAX: usize = 4 << 20;

/// Starts the language's runtime.
pub(crate) fn runtime() -> impl Runtime {
    Wasm { engine: Engine::new(&config()) }
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        // Lazy compilation consumes fuel of the first run: a second run of the same input would
        // have more.
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
        let compiled = source::parse(&source.code).and_then(|parsed| {
            bounds::check(&parsed.bytes).map_err(|excess| parsed.locate(excess))?;
            let module = Module::new(&self.engine, &parsed.bytes)
                .map_err(|error| parsed.locate(source::invalid(&error)))?;
            let optional_exports = interface::check(&module)?;
            let mut linker: Linker<Host> = Linker::new(&self.engine);
            host::link(&mut linker)?;
            Ok(program::WasmProgram::new(module, linker, optional_exports))
        });
        match compiled {
            Ok(program) => Ok(Box::new(program)),
            Err(problems) => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests;
