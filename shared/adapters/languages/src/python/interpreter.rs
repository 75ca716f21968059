//! The interpreter: RustPython without access to the host, with its standard library frozen into the
//! binary, and shims of the modules that need a host.

use std::rc::Rc;

use rustpython_vm::builtins::PyStrRef;
use rustpython_vm::gc_state::gc_state;
use rustpython_vm::scope::Scope;
use rustpython_vm::{PyObjectRef, PyResult, Settings, VirtualMachine, compiler};

use super::modules::SUPPORTED;
use super::run_state::RunState;
use super::{context, corrections, coverage};

/// Shims of modules that need a host in the standard library.
const SHIM_MODULES: [(&str, &str); 6] = [
    ("os", include_str!("bootstrap/os.py")),
    ("io", include_str!("bootstrap/io.py")),
    ("inspect", include_str!("bootstrap/inspect.py")),
    ("traceback", include_str!("bootstrap/traceback.py")),
    ("_start", include_str!("bootstrap/start.py")),
    ("logging", include_str!("bootstrap/logging.py")),
];

/// Modules that others import at their first use: an import in a run would take its time.
const LAZY_MODULES: &[&str] =
    &["_strptime", "encodings.ascii", "encodings.latin_1", "encodings.utf_8", "locale"];

/// New objects before the collector looks for cycles among them. A collection also empties the
/// method cache, so it pays off in long runs only.
const YOUNG_OBJECTS_MAX: u32 = 50_000;
/// One interpreter, with every module imported that a policy may import.
pub(super) struct Interpreter {
    python: rustpython_vm::Interpreter,
    pub(super) run_state: Rc<RunState>,
    /// The class of `context`; it takes no arguments.
    pub(super) context_class: PyObjectRef,
    /// The trace function that records lines.
    pub(super) tracer: PyObjectRef,
    /// The function `random.seed`, called with the run's seed.
    pub(super) reseed: PyObjectRef,
}

impl Interpreter {
    /// Starts an interpreter and does every import.
    ///
    /// # Errors
    /// The traceback of what the standard library raised; it would be a bug of this crate.
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
        let [context_class, tracer, reseed] = started?;
        gc_state().collect_force(2);
        // Objects that exist now live as long as the process: exclude them from later collections.
        gc_state().freeze();
        gc_state().set_threshold(YOUNG_OBJECTS_MAX, None, None);
        Ok(Self { python, run_state, context_class, tracer, reseed })
    }

    fn prepare(run_state: &Rc<RunState>, vm: &VirtualMachine) -> PyResult<[PyObjectRef; 3]> {
        corrections::install(vm);
        for (name, source) in SHIM_MODULES {
            install_shim(name, source, run_state, vm)?;
        }
        for name in SUPPORTED.iter().chain(LAZY_MODULES) {
            vm.import(*name, 0)?;
        }
        let warnings = vm.import("warnings", 0)?;
        vm.call_method(&warnings, "simplefilter", ("ignore",))?;
        let modules = vm.sys_module.get_attr("modules", vm)?;
        let start = modules.get_item("_start", vm)?;
        modules.del_item("_start", vm)?;
        install_shim("_corrections", include_str!("bootstrap/corrections.py"), run_state, vm)?;
        modules.del_item("_corrections", vm)?;
        install_shim("_warm", include_str!("bootstrap/warm.py"), run_state, vm)?;
        modules.del_item("_warm", vm)?;
        Ok([
            start.get_attr("Context", vm)?,
            coverage::tracer(Rc::clone(run_state), vm),
            modules.get_item("random", vm)?.get_attr("seed", vm)?,
        ])
    }

    pub(super) fn enter<R>(&self, work: impl FnOnce(&VirtualMachine) -> R) -> R {
        self.python.enter(work)
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
    // Sets iterate in the order of hashes, which a replay must reproduce.
    settings.hash_seed = Some(0);
    // JSON numbers have any size; the run's time is the limit.
    settings.int_max_str_digits = 0;
    settings
}

/// Runs a shim's source as a module and registers it in `sys.modules`.
fn install_shim(
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
    if name == "_corrections" {
        corrections::install_natives(&dict, vm)?;
    }
    dict.set_item("_now_ms", now_ms.into(), vm)?;
    dict.set_item("_random_bytes", random_bytes.into(), vm)?;
    vm.run_code_obj(code, Scope::with_builtins(None, dict.clone(), vm))?;
    Ok(())
}
