//! The privileged methods: they store on `self` or read its private attributes, so their `self` must
//! always be an instance of the policy's own class.

use std::collections::{HashMap, HashSet};

use rustpython_vm::compiler::ast::visitor::{Visitor, walk_expr, walk_stmt};
use rustpython_vm::compiler::ast::{Decorator, Expr, ExprContext, Stmt, StmtFunctionDef};

use super::allowlist::{self, allowlist};
use super::names::{Names, bound_in};
use super::{Obstacle, is_dunder, is_sunder};

/// What the first parameter of a method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    /// An instance of the class.
    Instance,
    /// The class itself, as in a class method.
    Class,
}

/// The privileged methods of a module, all classes together.
#[derive(Debug, Default)]
pub(super) struct Methods {
    /// The number of arguments of the bound form by name; `None` if it is not one exact number.
    pub(super) privileged: HashMap<String, Option<usize>>,
    /// The offsets of the setters and the like of the class's own properties.
    accessors: HashSet<usize>,
}

impl Methods {
    pub(super) fn of(module: &[Stmt], names: &Names) -> Result<Self, Obstacle> {
        let mut defs = MethodDefs::default();
        defs.visit_body(module);
        // A method that reaches a privileged one through `self` is privileged as well.
        let mut reached: HashSet<&str> = HashSet::new();
        loop {
            let before = reached.len();
            for def in &defs.found {
                if uses_privilege(def, &reached) {
                    reached.insert(def.name.as_str());
                }
            }
            if reached.len() == before {
                break;
            }
        }
        let mut methods = Self { accessors: defs.accessors, ..Self::default() };
        for def in defs.found.iter().filter(|def| reached.contains(def.name.as_str())) {
            methods.add(def, names)?;
        }
        Ok(methods)
    }

    /// Whether `@name.setter` or the like decorates a property of the same class and name.
    pub(super) fn is_accessor(&self, def: &StmtFunctionDef) -> bool {
        self.accessors.contains(&def.name.range.start().to_usize())
    }

    fn add(&mut self, def: &StmtFunctionDef, names: &Names) -> Result<(), Obstacle> {
        // A second decorator would get the result of the first one.
        let alone = def.decorator_list.len() == 1;
        let keeps = |decorator: &Decorator| {
            alone && (self.is_accessor(def) || keeps_privilege(decorator, names))
        };
        if let Some(decorator) = def.decorator_list.iter().find(|decorator| !keeps(decorator)) {
            let why = format!(
                "`{}` uses `self` and its decorator is not known to pass an instance",
                def.name
            );
            return Err(Obstacle::at(decorator.range.start().to_usize(), why));
        }
        // A property is reached by attribute access only, and that on instances only.
        if receiver(def).is_some_and(|(_, kind)| kind == Receiver::Instance)
            && !is_property(def)
            && !self.is_accessor(def)
        {
            let arity = arity(def);
            let entry = self.privileged.entry(def.name.as_str().to_owned()).or_insert(arity);
            if *entry != arity {
                *entry = None;
            }
        }
        Ok(())
    }
}

/// The first parameter of a method and its kind; `None` for a static method.
pub(super) fn receiver(def: &StmtFunctionDef) -> Option<(&str, Receiver)> {
    let decorated = |name: &str| {
        let is = |decorator: &Decorator| {
            decorator.expression.as_name_expr().is_some_and(|d| d.id.as_str() == name)
        };
        def.decorator_list.iter().any(is)
    };
    let first = def.parameters.posonlyargs.iter().chain(&def.parameters.args).next()?;
    if decorated("staticmethod") || first.default.is_some() {
        return None;
    }
    let name = def.name.as_str();
    // `enum` calls these with any value.
    if is_sunder(name) {
        return None;
    }
    if name == "__new__" || name == "__init_subclass__" || name == "__class_getitem__" {
        return None;
    }
    let kind = if decorated("classmethod") { Receiver::Class } else { Receiver::Instance };
    Some((first.parameter.name.as_str(), kind))
}

/// The exact number of arguments without `self`.
fn arity(def: &StmtFunctionDef) -> Option<usize> {
    let parameters = &def.parameters;
    let mut positional = parameters.posonlyargs.iter().chain(&parameters.args);
    let exact = parameters.vararg.is_none()
        && parameters.kwarg.is_none()
        && parameters.kwonlyargs.is_empty()
        && positional.all(|parameter| parameter.default.is_none());
    exact.then(|| (parameters.posonlyargs.len() + parameters.args.len()).saturating_sub(1))
}

/// Whether a decorator calls the method with nothing but an instance for `self`.
fn keeps_privilege(decorator: &Decorator, names: &Names) -> bool {
    match &decorator.expression {
        Expr::Name(name) if names.is_free(name.id.as_str()) => {
            matches!(name.id.as_str(), "property" | "classmethod" | "staticmethod")
        }
        // Called with a function, it would call that with the method.
        Expr::Call(call) => {
            let literal = call.arguments.args.iter().all(Expr::is_literal_expr)
                && call
                    .arguments
                    .keywords
                    .iter()
                    .all(|k| k.arg.is_some() && k.value.is_literal_expr());
            let path = import_path(&call.func, names);
            literal && path.is_some_and(|path| path == "functools.lru_cache")
        }
        other => {
            let path = import_path(other, names);
            let known = [
                "functools.cached_property",
                "functools.lru_cache",
                "functools.cache",
                "contextlib.contextmanager",
            ];
            let known_path = |path: &str| {
                known.contains(&path)
                    || allowlist()
                        .get(path)
                        .is_some_and(|usage| *usage == allowlist::Use::Decorator)
            };
            path.is_some_and(|path| known_path(&path))
        }
    }
}

/// The dotted path of an expression that starts with an imported name.
pub(super) fn import_path(expr: &Expr, names: &Names) -> Option<String> {
    match expr {
        Expr::Name(name) => names.imports.get(name.id.as_str()).cloned(),
        Expr::Attribute(attribute) => {
            import_path(&attribute.value, names).map(|path| format!("{path}.{}", attribute.attr))
        }
        _ => None,
    }
}

/// All methods: functions of a class's own scope, also those behind an `if` or the like.
#[derive(Default)]
struct MethodDefs<'a> {
    found: Vec<&'a StmtFunctionDef>,
    accessors: HashSet<usize>,
    in_class: bool,
}

impl<'a> MethodDefs<'a> {
    /// Finds `@name.setter` and the like where `name` is certainly a property: an earlier statement
    /// of the same class body defines it as one, and none rebinds it since.
    fn accessors(&mut self, body: &'a [Stmt]) {
        let mut properties: HashSet<&str> = HashSet::new();
        for stmt in body {
            match stmt {
                Stmt::FunctionDef(def) if is_property(def) => {
                    properties.insert(def.name.as_str());
                }
                Stmt::FunctionDef(def)
                    if properties.contains(def.name.as_str()) && names_itself(def) =>
                {
                    self.accessors.insert(def.name.range.start().to_usize());
                }
                other => {
                    let bound = bound_in(std::slice::from_ref(other));
                    properties.retain(|name| !bound.contains(*name));
                }
            }
        }
    }
}

/// Whether `@property` alone decorates a method.
fn is_property(def: &StmtFunctionDef) -> bool {
    let decorator = def.decorator_list.first().filter(|_| def.decorator_list.len() == 1);
    decorator
        .and_then(|decorator| decorator.expression.as_name_expr())
        .is_some_and(|name| name.id.as_str() == "property")
}

/// Whether `@name.setter` or the like, with the method's own name, alone decorates it.
fn names_itself(def: &StmtFunctionDef) -> bool {
    let [decorator] = def.decorator_list.as_slice() else { return false };
    decorator.expression.as_attribute_expr().is_some_and(|attribute| {
        matches!(attribute.attr.as_str(), "setter" | "getter" | "deleter")
            && attribute.value.as_name_expr().is_some_and(|name| name.id == def.name.id)
    })
}

impl<'a> Visitor<'a> for MethodDefs<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let outer = self.in_class;
        match stmt {
            Stmt::ClassDef(def) => {
                self.accessors(&def.body);
                self.in_class = true;
            }
            Stmt::FunctionDef(def) => {
                if self.in_class {
                    self.found.push(def);
                }
                self.in_class = false;
            }
            _ => {}
        }
        walk_stmt(self, stmt);
        self.in_class = outer;
    }
}

fn uses_privilege(def: &StmtFunctionDef, privileged: &HashSet<&str>) -> bool {
    let Some((name, _)) = receiver(def) else { return false };
    let mut uses = PrivilegeUses { receiver: name, privileged, found: false };
    uses.visit_body(&def.body);
    uses.found
}

struct PrivilegeUses<'a> {
    receiver: &'a str,
    privileged: &'a HashSet<&'a str>,
    found: bool,
}

impl Visitor<'_> for PrivilegeUses<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                let of_receiver =
                    attribute.value.as_name_expr().is_some_and(|v| v.id.as_str() == self.receiver);
                let private = name.starts_with('_') && !is_dunder(name);
                let stores = attribute.ctx != ExprContext::Load;
                self.found |= of_receiver && (stores || private || self.privileged.contains(name));
            }
            // Zero-argument `super()` takes the receiver from the frame.
            Expr::Name(name) => self.found |= name.id.as_str() == "super",
            _ => {}
        }
        walk_expr(self, expr);
    }
}
