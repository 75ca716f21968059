//! Compiles the regular expressions of a policy once, before its first run.
//!
//! Compiling one takes Python code about a millisecond, and each run starts on the memory from before
//! the first. So the library's cache is filled with the patterns that the source holds as literals.
//! This runs the library only, on text; what it refuses is refused again, and reported, by the run.

use rustpython_vm::compiler::ast::visitor::{Visitor, walk_expr};
use rustpython_vm::compiler::ast::{Arguments, Expr, Operator, Stmt};
use rustpython_vm::{PyObjectRef, PyResult, VirtualMachine};

/// The functions of `re` that take a pattern first, each with the position of its flags.
const FUNCTIONS: [(&str, usize); 9] = [
    ("compile", 1),
    ("match", 2),
    ("search", 2),
    ("fullmatch", 2),
    ("findall", 2),
    ("finditer", 2),
    ("split", 3),
    ("sub", 4),
    ("subn", 4),
];

/// The most patterns of one source; the library caches 512.
const PATTERNS_MAX: usize = 64;
/// A longer pattern is compiled by the run, in bytes: the time of a compilation is the compiler's.
const LENGTH_MAX: usize = 1000;

/// Compiles the patterns of a module's source into the library's cache.
pub(super) fn warm(module: &[Stmt], vm: &VirtualMachine) {
    let mut found = Patterns::default();
    found.visit_body(module);
    // An exception here is the run's to raise.
    let _ = found.compile(vm);
}

/// Literal patterns, each with the names of its flags.
#[derive(Default)]
struct Patterns(Vec<(String, Vec<String>)>);

impl Patterns {
    fn compile(self, vm: &VirtualMachine) -> PyResult<()> {
        let library = vm.import("re", 0)?;
        for (pattern, names) in self.0 {
            let mut flags: PyObjectRef = vm.ctx.new_int(0).into();
            for name in names {
                let flag = library.get_attr(vm.ctx.intern_str(name), vm)?;
                flags = vm._or(&flags, &flag)?;
            }
            // What the library refuses, it refuses again in the run.
            let _ = vm.call_method(&library, "_compile", (vm.ctx.new_str(pattern), flags));
        }
        Ok(())
    }

    fn add(&mut self, name: &str, arguments: &Arguments) {
        let Some((_, position)) = FUNCTIONS.iter().find(|(function, _)| *function == name) else {
            return;
        };
        let Some(Expr::StringLiteral(pattern)) = arguments.args.first() else { return };
        let named = arguments
            .keywords
            .iter()
            .find(|keyword| keyword.arg.as_ref().is_some_and(|name| name.as_str() == "flags"));
        let flags = named.map(|keyword| &keyword.value).or(arguments.args.get(*position));
        let mut names = Vec::new();
        if flags.is_none_or(|flags| flag_names(flags, &mut names))
            && pattern.value.len() <= LENGTH_MAX
            && self.0.len() < PATTERNS_MAX
        {
            self.0.push((pattern.value.to_str().to_owned(), names));
        }
    }
}

impl Visitor<'_> for Patterns {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Call(call) = expr {
            match &*call.func {
                Expr::Attribute(function) => self.add(function.attr.as_str(), &call.arguments),
                Expr::Name(function) => self.add(function.id.as_str(), &call.arguments),
                _ => {}
            }
        }
        walk_expr(self, expr);
    }
}

/// Adds the names of `re.A | re.B`. Returns whether the expression has this form.
fn flag_names(flags: &Expr, names: &mut Vec<String>) -> bool {
    match flags {
        Expr::Attribute(flag) => {
            names.push(flag.attr.to_string());
            matches!(&*flag.value, Expr::Name(_))
        }
        Expr::BinOp(both) => {
            both.op == Operator::BitOr
                && flag_names(&both.left, names)
                && flag_names(&both.right, names)
        }
        _ => false,
    }
}
