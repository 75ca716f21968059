//! The proof that a policy leaves nothing behind in its process.
//!
//! A run has its own module namespace, its own classes (the `class` statements run anew) and its
//! own instances. What runs share is the standard library: modules in `sys.modules` and what can
//! be reached from them. The proof shows, name by name, that a policy cannot change any of it. It
//! is an allow-list: what it does not know makes the policy single-use, which costs a fork.
//!
//! 1. *Modules are never values.* A name bound by `import` is bound by nothing else in the whole
//!    module, and appears only at the head of a dotted path that the list in `allowlist.txt` has. So
//!    no expression has a module for its value, and the values that do flow from the library
//!    (functions, immutable constants, classes without public mutable attributes, and what pure
//!    functions return) can be called, compared and read without harm.
//! 2. *Attributes are stored on instances of the policy's own classes only*: on the first
//!    parameter of a method, rebound nowhere in it. Such a method, and one that reads `_private`
//!    attributes of it or uses `super()`, is *privileged*: it must get an instance. So it
//!    is reached only through `self` or `super()`, or called with exactly as many arguments as its
//!    bound form takes, which Python refuses on the unbound one. `super()` is used directly in the
//!    body of a method with `self` (elsewhere it may be bound to a class). One decorator at most, which
//!    is known not to call the method: `@name.setter` only where `name` is a property of the same
//!    class body, a decorator's factory only with literals. Nothing else binds the method's name,
//!    as a dataclass would take the function for a field's default. The `_sunder_` methods, which
//!    `enum` calls with anything, have no `self`; no class of the policy's is mixed into an enum.
//!    A class that a decorator of the policy's own may have replaced is not followed.
//! 3. *No other way*: no underscored attribute of anything else, and of own classes only those
//!    that the policy itself binds (others are the library's, as `_member_map_` and `_convert_`);
//!    no dunder but `__name__` and the like, no frames, no `getattr` by a computed name, no
//!    `str.format` but on a literal with fields that take values as they are, no `setattr`, `exec`,
//!    `globals`, no metaclass, no special method that runs outside the run (`__del__`), no generator
//!    suspended in `try` or `with` or on an object with its own `close`, since the cleanup would run
//!    in the collector, no `__eq__` or `__hash__`, and no base class that the library's own abstract
//!    classes would call in a later run.
//! 4. *The library's caches are emptied*: this happens before each run that imports
//!    anything (`bootstrap/caches.py`). Only compiled patterns are kept, by exact type, and they are
//!    returned only where compiling them would have succeeded too: a run cannot detect by its
//!    recursion depth what was cached. Random generators are seeded and loggers are new at each run; warnings are
//!    not shown at all, as Python shows one once per process. A run that made the library import
//!    something is the last of its process.
//! 5. *Builtins are not changed*: their module is no value (1) and their types are no targets (2);
//!    a policy that assigns to `print` shadows it in its own namespace.

mod allowlist;
mod methods;
mod names;
mod proof;
#[cfg(test)]
mod tests;

use rustpython_vm::compiler::ast::Stmt;
use writ_model::Diagnostic;

use self::methods::Methods;
use self::names::Names;
use super::source::LineIndex;

/// The result of the proof.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Why every run needs a new process; `None` if the process may serve further runs.
    pub(super) warning: Option<Diagnostic>,
    /// Whether a run may draw from the generator of `random`.
    pub(super) uses_random: bool,
    /// Whether a run may use loggers.
    pub(super) uses_logging: bool,
    /// Whether a run may use the library's caches.
    pub(super) uses_caches: bool,
}

/// An obstacle to the proof, at a byte offset of the source.
#[derive(Debug, PartialEq, Eq)]
struct Obstacle {
    offset: usize,
    why: String,
}

impl Obstacle {
    fn at(offset: usize, why: impl Into<String>) -> Self {
        Self { offset, why: why.into() }
    }
}

/// Tries to prove that a parsed module leaves nothing behind.
pub(super) fn verdict(module: &[Stmt], line_index: &LineIndex<'_>) -> Verdict {
    match prove(module) {
        Ok(names) => {
            let uses = |modules: &[&str]| {
                let head = |path: &String| path.split('.').next().unwrap_or_default().to_owned();
                names.imports.values().any(|path| modules.contains(&head(path).as_str()))
            };
            Verdict {
                warning: None,
                uses_random: uses(&["random", "statistics"]),
                uses_logging: uses(&["logging"]),
                uses_caches: !names.imports.is_empty(),
            }
        }
        Err(obstacle) => {
            let (line, column) = line_index.line_column(obstacle.offset);
            let text = format!("each run needs a new process: {}", obstacle.why);
            let help = "the policy is correct and about a millisecond slower; docs/languages/python.md says what is fast";
            let warning =
                Diagnostic::warning("python.single-use", text).at(line, column).help(help);
            Verdict {
                warning: Some(warning),
                uses_random: true,
                uses_logging: true,
                uses_caches: true,
            }
        }
    }
}

fn prove(module: &[Stmt]) -> Result<Names, Obstacle> {
    let names = Names::of(module)?;
    let methods = Methods::of(module, &names)?;
    proof::check(module, &names, &methods)?;
    Ok(names)
}

fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// `_name_`, as `enum` has them.
fn is_sunder(name: &str) -> bool {
    name.len() > 2 && name.starts_with('_') && name.ends_with('_') && !is_dunder(name)
}
