//! The policy on wasmtime: native code by Cranelift, and Pulley's bytecode, which needs no right
//! to execute memory.

use wasm_engines::{argument, expected, lowest, module, once, report};
use wasmtime::{Config, Engine, InstancePre, Linker, Memory, Module, Store, TypedFunc};

const FUEL: u64 = 100_000_000;

fn main() {
    let (bytes, argument, expected) = (module(), argument(), expected());
    for (name, target) in [("wasmtime, native", None), ("wasmtime, Pulley", Some("pulley64"))] {
        let mut config = Config::new();
        config.consume_fuel(true).cranelift_nan_canonicalization(true);
        // A worker's address space is bounded: no guard regions of gigabytes, no signals.
        config.signals_based_traps(false).memory_reservation(0).memory_guard_size(0);
        if let Some(target) = target {
            config.target(target).expect("a target");
        }
        let (time, engine) = once(|| Engine::new(&config).expect("an engine"));
        report(name, "start", time);
        let (time, module) = once(|| Module::new(&engine, &bytes).expect("a module"));
        report(name, "compile", time);
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("writ", "fail", |_: i32, _: i32| ()).expect("an import");
        let prepared = linker.instantiate_pre(&module).expect("imports");
        let fresh = || Run::new(&engine, &prepared);
        let (time, _) = once(|| {
            let module = Module::new(&engine, &bytes).expect("a module");
            Run::new(&engine, &linker.instantiate_pre(&module).expect("imports")).decide(&argument)
        });
        report(name, "compile and first decision", time);
        report(
            name,
            "fresh instance, decision",
            lowest(|| assert_eq!(fresh().decide(&argument), expected)),
        );
        report(name, "fresh instance alone", lowest(|| drop(fresh())));
        let mut warm = fresh();
        report(
            name,
            "warm instance, decision",
            lowest(|| {
                // The examples never free: a warm instance starts again before its memory is large.
                if warm.memory.size(&warm.store) > 400 {
                    warm = fresh();
                }
                assert_eq!(warm.decide(&argument), expected);
            }),
        );
    }
}

struct Run {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<i32, i32>,
    eval: TypedFunc<(i32, i32), i64>,
}

impl Run {
    fn new(engine: &Engine, prepared: &InstancePre<()>) -> Self {
        let mut store = Store::new(engine, ());
        store.set_fuel(FUEL).expect("fuel");
        let instance = prepared.instantiate(&mut store).expect("an instance");
        let memory = instance.get_memory(&mut store, "memory").expect("memory");
        let alloc = instance.get_typed_func(&mut store, "writ_alloc").expect("writ_alloc");
        let eval = instance.get_typed_func(&mut store, "eval").expect("eval");
        Self { store, memory, alloc, eval }
    }

    fn decide(&mut self, argument: &str) -> String {
        self.store.set_fuel(FUEL).expect("fuel");
        let length = argument.len() as i32;
        let address = self.alloc.call(&mut self.store, length).expect("memory");
        self.memory.write(&mut self.store, address as usize, argument.as_bytes()).expect("the memory has space");
        let answer = self.eval.call(&mut self.store, (address, length)).expect("a decision");
        let mut output = vec![0; answer as u32 as usize];
        self.memory
            .read(&self.store, (answer >> 32) as u32 as usize, &mut output)
            .expect("an output");
        String::from_utf8(output).expect("text")
    }
}
