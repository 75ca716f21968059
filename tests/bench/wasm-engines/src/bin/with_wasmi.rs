//! The policy on wasmi.

use wasm_engines::{argument, expected, lowest, module, once, report};
use wasmi::{
    CompilationMode, Config, Engine, Extern, Instance, Linker, Memory, Module, Store, TypedFunc,
};

const FUEL: u64 = 100_000_000;

fn main() {
    let (bytes, argument, expected) = (module(), argument(), expected());
    for (name, mode) in [
        ("wasmi, eager", CompilationMode::Eager),
        ("wasmi, lazy", CompilationMode::LazyTranslation),
    ] {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(mode);
        let (time, engine) = once(|| Engine::new(&config));
        report(name, "start", time);
        let (time, module) = once(|| Module::new(&engine, &bytes).expect("a module"));
        report(name, "compile", time);
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("writ", "fail", |_: i32, _: i32| ()).expect("an import");
        let fresh = || Run::new(&engine, &linker, &module);
        let (time, _) = once(|| {
            let module = Module::new(&engine, &bytes).expect("a module");
            Run::new(&engine, &linker, &module).decide(&argument)
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
        let mut run = fresh();
        run.decide(&argument);
        let used = FUEL - run.store.get_fuel().expect("fuel");
        println!("{name:<18} instructions of a decision: {used}");
    }
}

struct Run {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<i32, i32>,
    eval: TypedFunc<(i32, i32), i64>,
}

impl Run {
    fn new(engine: &Engine, linker: &Linker<()>, module: &Module) -> Self {
        let mut store = Store::new(engine, ());
        store.set_fuel(FUEL).expect("fuel");
        let instance: Instance =
            linker.instantiate_and_start(&mut store, module).expect("an instance");
        let memory =
            instance.get_export(&store, "memory").and_then(Extern::into_memory).expect("memory");
        let alloc = instance.get_typed_func(&store, "writ_alloc").expect("writ_alloc");
        let eval = instance.get_typed_func(&store, "eval").expect("eval");
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
