//! The interpreter: RustPython without a host, its standard library frozen into the binary, and
//! small stand-ins for what a host would have given.

use std::cell::Cell;
use std::rc::Rc;

use rustpython_vm::builtins::PyStrRef;
use rustpython_vm::gc_state::gc_state;
use rustpython_vm::scope::Scope;
use rustpython_vm::{PyObjectRef, PyResult, Settings, VirtualMachine, compiler};

use super::modules::SUPPORTED;
use super::run_state::RunState;
use super::{context, coverage};

/// Our own sources of modules that the standard library would take from the host.
const STAND_INS: [(&str, &str); 6] = [
    ("os", include_str!("bootstrap/os.py")),
    ("io", include_str!("bootstrap/io.py")),
    ("inspect", include_str!("bootstrap/inspect.py")),
    ("traceback", include_str!("bootstrap/traceback.py")),
    ("_start", include_str!("bootstrap/start.py")),
    ("logging", include_str!("bootstrap/logging.py")),
];

/// Modules that others import at first use: a run must find the same as its predecessor.
const AT_FIRST_USE: &[&str] =
    &["_strptime", "encodings.ascii", "encodings.latin_1", "encodings.utf_8", "locale"];

/// Runs between full collections of cyclic garbage: a class is part of a cycle, so each run
/// leaves some 20 KB.
const RUNS_PER_COLLECTION: u32 = 64;

/// Objects that a run may make before the collector looks for cycles among them. A collection also
/// empties the method cache, so it is worth its price in long runs only.
const YOUNG_MAX: u32 = 50_000;
/// Objects that may outlive a collection: those of a run or two, had the collector no gaps.
const SURVIVORS_MAX: usize = 20_000;
/// After so many runs a process has earned its rest: each leaves a few hundred bytes that no
/// collection frees, as the weak references by which a class knows its subclasses.
const RUNS_MAX: u32 = 20_000;

/// One interpreter with everything imported that a policy may import.
pub(super) struct Interpreter {
    python: rustpython_vm::Interpreter,
    pub(super) run_state: Rc<RunState>,
    /// Called with nothing, makes a run's `context`.
    pub(super) context_class: PyObjectRef,
    /// Records lines when it is the trace function.
    pub(super) tracer: PyObjectRef,
    /// `random.seed`.
    pub(super) reseed: PyObjectRef,
    /// Gives `logging` a new state.
    pub(super) reset_logging: PyObjectRef,
    /// Empties the caches of the library.
    pub(super) forget: PyObjectRef,
    /// Counts what the library has loaded.
    tally: PyObjectRef,
    /// What it counted at the start.
    loaded: usize,
    runs: Cell<u32>,
    worn: Cell<bool>,
}

impl Interpreter {
    /// Starts an interpreter and does every import.
    ///
    /// # Errors
    /// What the standard library raised; it would be a bug of ours.
    pub(super) fn start() -> Result<Self, String> {
        let builder = rustpython_vm::Interpreter::builder(settings());
        let natives = rustpython_stdlib::stdlib_module_defs(&builder.ctx);
        let frozen = rustpython_pylib::FROZEN_STDLIB;
        let python = builder.add_native_modules(&natives).add_frozen_modules(frozen).build();
        let run_state = Rc::new(RunState::default());
        let started = python.enter(|vm| {
            Self::prepare(&run_state, vm).map_err(|exc| {
                let mut text = String::new();
                // Formatting into memory does not fail.
                let _ = vm.write_exception(&mut text, &exc);
                text
            })
        });
        let ([context_class, tracer, reseed, reset_logging, forget, tally], loaded) = started?;
        gc_state().collect_force(2);
        // What exists now lives as long as the process: later collections need not look at it.
        gc_state().freeze();
        gc_state().set_threshold(YOUNG_MAX, None, None);
        Ok(Self {
            python,
            run_state,
            context_class,
            tracer,
            reseed,
            reset_logging,
            forget,
            tally,
            loaded,
            runs: Cell::new(0),
            worn: Cell::new(false),
        })
    }

    fn prepare(
        run_state: &Rc<RunState>,
        vm: &VirtualMachine,
    ) -> PyResult<([PyObjectRef; 6], usize)> {
        for (name, source) in STAND_INS {
            stand_in(name, source, run_state, vm)?;
        }
        for name in SUPPORTED.iter().chain(AT_FIRST_USE) {
            vm.import(*name, 0)?;
        }
        let warnings = vm.import("warnings", 0)?;
        // A warning is shown once per process, which would tell a run of its predecessor.
        vm.call_method(&warnings, "simplefilter", ("ignore",))?;
        let modules = vm.sys_module.get_attr("modules", vm)?;
        let start = modules.get_item("_start", vm)?;
        modules.del_item("_start", vm)?;
        let logging = modules.get_item("logging", vm)?;
        stand_in("_caches", include_str!("bootstrap/caches.py"), run_state, vm)?;
        let caches = modules.get_item("_caches", vm)?;
        modules.del_item("_caches", vm)?;
        let tally = caches.get_attr("tally", vm)?;
        let loaded = tally.call((), vm)?.try_to_value(vm)?;
        let parts = [
            start.get_attr("Context", vm)?,
            coverage::tracer(Rc::clone(run_state), vm),
            modules.get_item("random", vm)?.get_attr("seed", vm)?,
            logging.get_attr("_reset", vm)?,
            caches.get_attr("forget", vm)?,
            tally,
        ];
        Ok((parts, loaded))
    }

    pub(super) fn enter<R>(&self, work: impl FnOnce(&VirtualMachine) -> R) -> R {
        self.python.enter(work)
    }

    /// After a run: now and then frees the cycles that runs leave.
    pub(super) fn finish_run(&self) {
        self.runs.set(self.runs.get().wrapping_add(1));
        let tally = |vm: &VirtualMachine| self.tally.call((), vm)?.try_to_value::<usize>(vm);
        if !self.enter(tally).is_ok_and(|loaded| loaded == self.loaded) {
            self.wear();
        }
        if self.runs.get().is_multiple_of(RUNS_PER_COLLECTION) {
            let done = self.enter(|_| gc_state().collect_force(2));
            if done.candidates.saturating_sub(done.collected) > SURVIVORS_MAX {
                self.wear();
            }
        }
    }

    /// Says that this process should serve no other run.
    pub(super) fn wear(&self) {
        self.worn.set(true);
    }

    /// Whether runs have left so much behind that a new process is cheaper.
    pub(super) fn is_worn(&self) -> bool {
        self.worn.get() || self.runs.get() >= RUNS_MAX
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.isolated = true;
    settings.safe_path = true;
    settings.import_site = false;
    settings.user_site_directory = false;
    settings.write_bytecode = false;
    settings.install_signal_handlers = false;
    settings.faulthandler = false;
    settings.argv = vec!["policy".to_owned()];
    // Sets iterate in the order of hashes; a replay needs the same.
    settings.hash_seed = Some(0);
    // Numbers in JSON have any size; the run's time is the limit.
    settings.int_max_str_digits = 0;
    settings
}

/// Runs one of our own sources as a module and registers it.
fn stand_in(
    name: &str,
    source: &str,
    run_state: &Rc<RunState>,
    vm: &VirtualMachine,
) -> PyResult<()> {
    let code = vm
        .compile(source, compiler::Mode::Exec, format!("<{name}>"))
        .map_err(|error| vm.new_syntax_error(&error, Some(source)))?;
    let dict = vm.ctx.new_dict();
    let module = vm.new_module(name, dict.clone(), None);
    vm.sys_module.get_attr("modules", vm)?.set_item(name, module.into(), vm)?;
    let print = Rc::clone(run_state);
    let write =
        vm.new_function("write", move |text: PyStrRef| print.print(&text.to_string_lossy()));
    let clock = Rc::clone(run_state);
    let now_ms = vm.new_function("now_ms", move || clock.now_ms());
    let entropy = Rc::clone(run_state);
    let random_bytes = vm.new_function("urandom", move |count: usize| entropy.random_bytes(count));
    dict.set_item("_write", write.into(), vm)?;
    if name == "_start" {
        context::install(&dict, run_state, vm)?;
    }
    dict.set_item("_now_ms", now_ms.into(), vm)?;
    // The depth that is left to the run.
    let room =
        |vm: &VirtualMachine| vm.recursion_limit.get().saturating_sub(vm.current_recursion_depth());
    dict.set_item("_room", vm.new_function("room", room).into(), vm)?;
    dict.set_item("_random_bytes", random_bytes.into(), vm)?;
    vm.run_code_obj(code, Scope::with_builtins(None, dict.clone(), vm))?;
    Ok(())
}
