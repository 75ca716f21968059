//! The names that a module binds, in all its scopes: the proof assumes the worse meaning of a name
//! that has two anywhere.

use std::collections::{HashMap, HashSet};

use rustpython_vm::compiler::ast::visitor::{
    Visitor, walk_except_handler, walk_expr, walk_parameter, walk_pattern, walk_stmt,
};
use rustpython_vm::compiler::ast::{
    ExceptHandler, Expr, ExprContext, Identifier, Parameter, Pattern, Stmt, StmtClassDef, TypeParam,
};

use super::{Obstacle, allowlist, is_dunder};

/// The names of a module.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Names bound by imports, with the dotted path.
    pub(super) imports: HashMap<String, String>,
    /// Names bound by anything but an import or a class definition.
    pub(super) others: HashSet<String>,
    /// Names bound by class definitions.
    pub(super) classes: HashSet<String>,
    /// Names in `global` and `nonlocal` statements.
    pub(super) declared: HashSet<String>,
    /// Names of attributes that are assigned.
    stored: HashSet<String>,
    obstacle: Option<Obstacle>,
}

impl Names {
    /// Collects the names, and checks that none of them undermines the proof.
    pub(super) fn of(module: &[Stmt]) -> Result<Self, Obstacle> {
        let mut names = Self::default();
        names.visit_body(module);
        match names.obstacle.take() {
            Some(obstacle) => Err(obstacle),
            None => names.conflict().map_or(Ok(names), Err),
        }
    }

    /// Whether the name is a class of the module and nothing else.
    pub(super) fn is_own_class(&self, name: &str) -> bool {
        self.classes.contains(name)
            && !self.others.contains(name)
            && !self.imports.contains_key(name)
    }

    /// Whether the module neither imports nor binds the name: it is a builtin, if anything.
    pub(super) fn is_free(&self, name: &str) -> bool {
        !self.classes.contains(name)
            && !self.others.contains(name)
            && !self.imports.contains_key(name)
    }

    /// Whether the policy itself gives some object an attribute of this name.
    pub(super) fn binds_attribute(&self, name: &str) -> bool {
        self.others.contains(name) || self.stored.contains(name)
    }

    fn conflict(&self) -> Option<Obstacle> {
        let bound = |name: &str| self.others.contains(name) || self.classes.contains(name);
        let conflict = self.imports.keys().find(|name| bound(name));
        let conflict = conflict
            .map(|name| Obstacle::at(0, format!("`{name}` is imported and bound otherwise too")));
        let shadowed = allowlist::BUILTINS_RELIED_ON.iter().find(|name| !self.is_free(name));
        conflict.or_else(|| {
            shadowed.map(|name| Obstacle::at(0, format!("`{name}` is given another meaning")))
        })
    }

    fn obstruct(&mut self, offset: usize, why: impl Into<String>) {
        self.obstacle.get_or_insert_with(|| Obstacle::at(offset, why));
    }

    fn import(&mut self, name: &str, path: String, offset: usize) {
        if is_dunder(name) {
            self.obstruct(offset, format!("`{name}` is a name of Python's own"));
        }
        if let Some(before) = self.imports.insert(name.to_owned(), path.clone())
            && before != path
        {
            self.obstruct(offset, format!("`{name}` is imported from two places"));
        }
    }

    fn bind(&mut self, name: &str, offset: usize) {
        if is_dunder(name) && !allowlist::DUNDERS_ASSIGNABLE.contains(&name) {
            self.obstruct(offset, format!("`{name}` is a name of Python's own"));
        }
        self.others.insert(name.to_owned());
    }

    fn bind_identifier(&mut self, name: &Identifier) {
        self.bind(name.as_str(), name.range.start().to_usize());
    }
}

impl Visitor<'_> for Names {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.as_str();
                    let first = path.split('.').next().unwrap_or(path);
                    let (name, path) =
                        alias.asname.as_ref().map_or((first, first), |name| (name.as_str(), path));
                    self.import(name, path.to_owned(), alias.range.start().to_usize());
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let offset = alias.range.start().to_usize();
                    if alias.name.as_str() == "*" || import.level > 0 {
                        self.obstruct(offset, "`import *` hides what is imported");
                    }
                    let module = import.module.as_ref().map(Identifier::as_str).unwrap_or_default();
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.import(name, format!("{module}.{}", alias.name), offset);
                }
            }
            Stmt::FunctionDef(def) => {
                let name = def.name.as_str();
                if allowlist::DUNDERS_DEFINABLE.contains(&name) {
                    self.others.insert(name.to_owned());
                } else {
                    self.bind_identifier(&def.name);
                }
            }
            Stmt::ClassDef(def) => {
                let new = self.classes.insert(def.name.as_str().to_owned());
                if is_dunder(def.name.as_str()) || !new {
                    let offset = def.name.range.start().to_usize();
                    self.obstruct(offset, format!("class `{}` is defined twice", def.name));
                }
            }
            Stmt::Global(names) => {
                self.declared.extend(names.names.iter().map(|name| name.as_str().to_owned()))
            }
            Stmt::Nonlocal(names) => {
                self.declared.extend(names.names.iter().map(|name| name.as_str().to_owned()))
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Name(name) = expr
            && name.ctx != ExprContext::Load
        {
            self.bind(name.id.as_str(), name.range.start().to_usize());
        }
        if let Expr::Attribute(attribute) = expr
            && attribute.ctx == ExprContext::Store
        {
            self.stored.insert(attribute.attr.as_str().to_owned());
        }
        walk_expr(self, expr);
    }

    fn visit_parameter(&mut self, parameter: &Parameter) {
        self.bind_identifier(&parameter.name);
        walk_parameter(self, parameter);
    }

    fn visit_except_handler(&mut self, handler: &ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(name) = &inner.name {
            self.bind_identifier(name);
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &Pattern) {
        pattern_names(pattern).into_iter().for_each(|name| self.bind_identifier(name));
        walk_pattern(self, pattern);
    }

    fn visit_type_param(&mut self, param: &TypeParam) {
        self.obstruct(0, format!("type parameters (`{}`) are not followed", param.name()));
    }
}

/// The names that a pattern itself binds, without those of inner patterns.
fn pattern_names(pattern: &Pattern) -> Vec<&Identifier> {
    match pattern {
        Pattern::MatchAs(capture) => capture.name.iter().collect(),
        Pattern::MatchStar(star) => star.name.iter().collect(),
        Pattern::MatchMapping(mapping) => mapping.rest.iter().collect(),
        _ => Vec::new(),
    }
}

/// The names that a function's body and its nested functions bind: a default or a decorator of a
/// nested function is evaluated in the outer one.
pub(super) fn bound_in(body: &[Stmt]) -> HashSet<String> {
    let mut local = LocalNames(HashSet::new());
    local.visit_body(body);
    local.0
}

struct LocalNames(HashSet<String>);

impl Visitor<'_> for LocalNames {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.0.insert(def.name.as_str().to_owned());
            }
            Stmt::ClassDef(StmtClassDef { name, .. }) => {
                self.0.insert(name.as_str().to_owned());
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Name(name) = expr
            && name.ctx != ExprContext::Load
        {
            self.0.insert(name.id.as_str().to_owned());
        }
        walk_expr(self, expr);
    }

    fn visit_except_handler(&mut self, handler: &ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        self.0.extend(inner.name.iter().map(|name| name.as_str().to_owned()));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &Pattern) {
        self.0.extend(pattern_names(pattern).into_iter().map(|name| name.as_str().to_owned()));
        walk_pattern(self, pattern);
    }
}
