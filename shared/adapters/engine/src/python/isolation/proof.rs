//! The walk over the module that looks for accesses to objects that runs share.

mod classes;
mod formats;
mod shapes;

use std::collections::HashSet;

use rustpython_ruff_text_size::Ranged;
use rustpython_vm::compiler::ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use rustpython_vm::compiler::ast::{
    CmpOp, Decorator, Expr, ExprAttribute, ExprCall, ExprContext, ExprLambda, Identifier,
    Parameters, Pattern, Stmt, StmtFunctionDef,
};

use self::shapes::{class_of, is_decorator_factory, is_evaluated};
use super::super::modules::SUPPORTED;
use super::allowlist::{self, Use, allowlist};
use super::methods::{Methods, Receiver, import_path, receiver};
use super::names::{Names, bound_in};
use super::{Obstacle, is_dunder, is_sunder};

/// Walks the module and checks every statement.
///
/// # Errors
/// The first obstacle to the proof.
pub(super) fn check(module: &[Stmt], names: &Names, methods: &Methods) -> Result<(), Obstacle> {
    let mut proof = Proof {
        names,
        methods,
        scopes: Vec::new(),
        guard_depth: 0,
        in_annotation: false,
        key_class: false,
        value_method: false,
        enum_class: false,
        mixin: None,
        obstacle: None,
    };
    proof.visit_body(module);
    if proof.value_method && proof.key_class {
        proof.obstruct(
            0,
            "a class that derives from a builtin value overrides what the library calls",
        );
    }
    if let (true, Some(offset)) = (proof.enum_class, proof.mixin) {
        proof.obstruct(offset, "an enum calls what a class mixed into it defines with any value");
    }
    proof.obstacle.map_or(Ok(()), Err)
}

enum Scope {
    Class,
    Function {
        /// The method's first parameter.
        receiver: Option<(String, Receiver)>,
        bound: HashSet<String>,
    },
}

struct Proof<'a> {
    names: &'a Names,
    methods: &'a Methods,
    scopes: Vec<Scope>,
    /// The number of enclosing `try` and `with` statements in the current function.
    guard_depth: usize,
    in_annotation: bool,
    /// Whether a class derives from a type that caches accept as a key.
    key_class: bool,
    /// Whether a name is bound that the library may call with a table of its own.
    value_method: bool,
    /// Whether a class derives from a class of `enum`.
    enum_class: bool,
    /// The offset of a class with several bases, one of them the policy's own.
    mixin: Option<usize>,
    obstacle: Option<Obstacle>,
}

impl Proof<'_> {
    fn obstruct(&mut self, offset: usize, why: impl Into<String>) {
        self.obstacle.get_or_insert_with(|| Obstacle::at(offset, why));
    }

    fn obstruct_at(&mut self, node: &impl Ranged, why: impl Into<String>) {
        self.obstruct(node.range().start().to_usize(), why);
    }

    /// The kind of receiver that a name holds, if it is the one of the enclosing method.
    fn receiver(&self, expr: &Expr) -> Option<Receiver> {
        let name = expr.as_name_expr()?.id.as_str();
        if self.names.declared.contains(name) {
            return None;
        }
        for scope in self.scopes.iter().rev() {
            let Scope::Function { receiver, bound } = scope else { return None };
            if bound.contains(name) {
                return None;
            }
            if let Some((receiver, kind)) = receiver
                && receiver == name
            {
                return Some(*kind);
            }
        }
        None
    }

    fn is_super(expr: &Expr) -> bool {
        expr.as_call_expr()
            .is_some_and(|call| call.func.as_name_expr().is_some_and(|f| f.id.as_str() == "super"))
    }

    /// Whether `super()` is bound to an instance here: directly in the body of a method that does not
    /// rebind its first parameter.
    fn super_is_bound(&self) -> bool {
        matches!(self.scopes.last(), Some(Scope::Function { receiver: Some((name, Receiver::Instance)), bound })
            if !bound.contains(name) && !self.names.declared.contains(name))
    }

    /// Whether a privileged method may be taken from `base`.
    fn has_privilege(&self, base: &Expr) -> bool {
        self.receiver(base) == Some(Receiver::Instance) || Self::is_super(base)
    }

    /// Whether `_private` attributes of `base` are the policy's own.
    fn owns_private(&self, base: &Expr, name: &str) -> bool {
        // What the policy itself does not bind, a base class or a metaclass of the library does.
        let bound = self.names.binds_attribute(name) || allowlist::PRIVATE_READABLE.contains(&name);
        let library = is_sunder(name) && !allowlist::PRIVATE_READABLE.contains(&name);
        if !bound || library || name.starts_with("_abc") {
            return false;
        }
        let own_class =
            base.as_name_expr().is_some_and(|name| self.names.is_own_class(name.id.as_str()));
        own_class || self.receiver(base).is_some() || Self::is_super(base)
    }

    /// Follows a dotted path from an imported name. Returns how its listed part may be used.
    fn check_import(&mut self, expr: &Expr) -> Option<Use> {
        let full = import_path(expr, self.names)?;
        let mut end = full.len();
        // The shortest listed prefix is the library's; what follows is read from that value.
        for (at, _) in full.match_indices('.').chain([(full.len(), "")]) {
            if allowlist().contains_key(full.get(..at).unwrap_or_default()) {
                end = at;
                break;
            }
        }
        let path = full.get(..end).unwrap_or_default();
        if path == "abc.ABC" {
            self.obstruct_at(expr, "asking `ABC` walks through the classes of all runs");
        }
        let Some(usage) = allowlist().get(path).copied() else {
            self.obstruct_at(expr, format!("`{full}` is not known to leave nothing behind"));
            return Some(Use::Value);
        };
        for attribute in
            full.get(end..).unwrap_or_default().split('.').filter(|name| !name.is_empty())
        {
            self.check_attribute_read(attribute, expr);
        }
        Some(usage)
    }

    /// Checks an attribute that is read from a value of any type.
    fn check_attribute_read(&mut self, name: &str, at: &impl Ranged) {
        let dunder = is_dunder(name) && !allowlist::DUNDERS_READABLE.contains(&name);
        let private = name.starts_with('_') && !is_dunder(name);
        if dunder || private || allowlist::ATTRIBUTES_REFUSED.contains(&name) {
            self.obstruct_at(at, format!("`.{name}` may lead to what all runs share"));
        } else if self.methods.privileged.contains_key(name) {
            self.obstruct_at(
                at,
                format!("the method `{name}` uses `self`, and is taken from something else"),
            );
        }
    }

    fn attribute(&mut self, attribute: &ExprAttribute, called: bool) {
        let (name, base) = (attribute.attr.as_str(), &*attribute.value);
        if attribute.ctx != ExprContext::Load {
            self.value_method |= allowlist::VALUE_METHODS_REFUSED.contains(&name);
            if self.receiver(base) != Some(Receiver::Instance) || is_dunder(name) {
                self.obstruct_at(
                    attribute,
                    format!("`.{name}` is changed on something else than `self`"),
                );
            }
            return;
        }
        let text_of_class = matches!(name, "__name__" | "__qualname__" | "__module__");
        if text_of_class && let Some(inner) = class_of(base) {
            return self.visit_expr(inner);
        }
        let special =
            called && Self::is_super(base) && allowlist::DUNDERS_DEFINABLE.contains(&name);
        let private = name.starts_with('_') && !is_dunder(name) && self.owns_private(base, name);
        let privileged = self.methods.privileged.contains_key(name) && self.has_privilege(base);
        if !(special || private || privileged) {
            self.check_attribute_read(name, attribute);
        } else if self.methods.privileged.contains_key(name) && !self.has_privilege(base) {
            self.obstruct_at(
                attribute,
                format!("the method `{name}` uses `self`, and is taken from something else"),
            );
        }
        self.visit_expr(base);
    }

    fn call(&mut self, call: &ExprCall) {
        let is_plain = call.arguments.keywords.is_empty()
            && !call.arguments.args.iter().any(Expr::is_starred_expr);
        match &*call.func {
            Expr::Name(name) if name.id.as_str() == "super" => {
                if !call.arguments.is_empty() {
                    self.obstruct_at(call, "`super` with arguments");
                } else if !self.super_is_bound() {
                    self.obstruct_at(call, "`super` outside the body of a method with `self`");
                }
                return;
            }
            Expr::Name(name) if name.id.as_str() == "getattr" => match call.arguments.args.get(1) {
                Some(Expr::StringLiteral(attribute)) if is_plain => {
                    self.check_attribute_read(attribute.value.to_str(), call);
                }
                _ => self.obstruct_at(call, "`getattr` with a computed name"),
            },
            Expr::Attribute(method) if method.attr.as_str() == "format" => {
                if !formats::reads_no_attribute(&method.value) {
                    self.obstruct_at(call, "the format may read any attribute");
                }
            }
            Expr::Attribute(method) if import_path(&call.func, self.names).is_none() => {
                let arity = self.methods.privileged.get(method.attr.as_str());
                let exact = is_plain
                    && arity.is_some_and(|arity| *arity == Some(call.arguments.args.len()));
                // The unbound form would take one argument more, so this is the bound one.
                if exact
                    && method.ctx == ExprContext::Load
                    && !method.attr.as_str().starts_with('_')
                    && !allowlist::ATTRIBUTES_REFUSED.contains(&method.attr.as_str())
                {
                    self.visit_expr(&method.value);
                } else {
                    self.attribute(method, true);
                }
            }
            func => self.visit_expr(func),
        }
        self.visit_arguments(&call.arguments);
    }

    fn name(&mut self, name: &str, ctx: ExprContext, at: &Expr) {
        if ctx != ExprContext::Load {
            self.value_method |= allowlist::VALUE_METHODS_REFUSED.contains(&name);
            if self.methods.privileged.contains_key(name) {
                // As a field of a dataclass, it would take the method for its default.
                self.obstruct_at(at, format!("the name of the method `{name}` is bound twice"));
            }
            return;
        }
        let dunder =
            is_dunder(name) && !matches!(name, "__name__" | "__file__" | "__doc__" | "__debug__");
        if dunder || allowlist::BUILTINS_REFUSED.contains(&name) {
            self.obstruct_at(at, format!("`{name}` may lead to what all runs share"));
        } else if matches!(name, "type" | "super" | "getattr") && !self.in_annotation {
            self.obstruct_at(at, format!("`{name}` as a value"));
        } else if self.methods.privileged.contains_key(name) {
            self.obstruct_at(
                at,
                format!("the method `{name}` uses `self`, and is taken by its bare name"),
            );
        }
    }

    fn decorators(&mut self, list: &[Decorator], accessor: bool) {
        if accessor {
            return;
        }
        for (index, decorator) in list.iter().enumerate() {
            let (func, call) = match &decorator.expression {
                Expr::Call(call) => (&*call.func, Some(call)),
                other => (other, None),
            };
            match self.check_import(func) {
                Some(Use::Decorator) => {
                    if call.is_some_and(|call| !is_decorator_factory(func, call, self.names)) {
                        self.obstruct_at(
                            decorator,
                            "this decorator changes what it is called with",
                        );
                    }
                    let rest = list.get(index + 1..).unwrap_or_default();
                    if !rest.iter().all(|inner| self.returns_its_argument(inner)) {
                        self.obstruct_at(
                            decorator,
                            "this decorator must stand next to the definition",
                        );
                    }
                }
                Some(_) => {}
                None => self.visit_expr(func),
            }
            if let Some(call) = call {
                self.visit_arguments(&call.arguments);
            }
        }
    }

    fn returns_its_argument(&self, decorator: &Decorator) -> bool {
        let func = match &decorator.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        import_path(func, self.names)
            .is_some_and(|path| allowlist().get(&path) == Some(&Use::Decorator))
    }

    fn function(&mut self, def: &StmtFunctionDef) {
        if def.is_async {
            self.obstruct_at(def, "`async` functions are not followed");
        }
        if matches!(self.scopes.last(), Some(Scope::Class)) {
            self.value_method |= classes::is_value_method(def.name.as_str());
        }
        self.decorators(&def.decorator_list, self.methods.is_accessor(def));
        self.parameters(&def.parameters);
        if let Some(returns) = &def.returns {
            self.visit_annotation(returns);
        }
        let mut bound = bound_in(&def.body);
        let mut first = None;
        if matches!(self.scopes.last(), Some(Scope::Class)) {
            first = receiver(def).map(|(name, kind)| (name.to_owned(), kind));
        }
        let rest = def.parameters.iter().map(|parameter| parameter.name().as_str().to_owned());
        bound.extend(rest.filter(|name| first.as_ref().is_none_or(|(first, _)| first != name)));
        self.scopes.push(Scope::Function { receiver: first, bound });
        let guard_depth = std::mem::take(&mut self.guard_depth);
        self.visit_body(&def.body);
        self.guard_depth = guard_depth;
        self.scopes.pop();
    }

    fn parameters(&mut self, parameters: &Parameters) {
        for parameter in parameters.iter() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
            if let Some(annotation) = parameter.annotation() {
                self.visit_annotation(annotation);
            }
        }
    }

    fn lambda(&mut self, lambda: &ExprLambda) {
        let mut bound = HashSet::new();
        if let Some(parameters) = &lambda.parameters {
            self.parameters(parameters);
            bound.extend(parameters.iter().map(|parameter| parameter.name().as_str().to_owned()));
        }
        self.scopes.push(Scope::Function { receiver: None, bound });
        let guard_depth = std::mem::take(&mut self.guard_depth);
        self.visit_expr(&lambda.body);
        self.guard_depth = guard_depth;
        self.scopes.pop();
    }

    fn import(&mut self, module: &str, at: &impl Ranged) {
        if !SUPPORTED.contains(&module) {
            self.obstruct_at(at, format!("`{module}` is imported at run time"));
        } else if matches!(self.scopes.last(), Some(Scope::Class)) {
            self.obstruct_at(at, "an import inside a class makes the module an attribute");
        }
    }

    fn walk_guarded(&mut self, stmt: &Stmt) {
        self.guard_depth += 1;
        walk_stmt(self, stmt);
        self.guard_depth -= 1;
    }
}

impl Visitor<'_> for Proof<'_> {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => self.function(def),
            Stmt::ClassDef(def) => self.class(def),
            Stmt::Import(import) => {
                import.names.iter().for_each(|alias| self.import(alias.name.as_str(), alias))
            }
            Stmt::ImportFrom(import) => {
                self.import(
                    import.module.as_ref().map(Identifier::as_str).unwrap_or_default(),
                    import,
                );
            }
            Stmt::Try(_) => self.walk_guarded(stmt),
            Stmt::With(with) if !with.is_async => self.walk_guarded(stmt),
            Stmt::For(each) if !each.is_async => walk_stmt(self, stmt),
            Stmt::TypeAlias(_) | Stmt::IpyEscapeCommand(_) | Stmt::With(_) | Stmt::For(_) => {
                self.obstruct_at(stmt, "a statement that is not followed");
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_annotation(&mut self, expr: &Expr) {
        let outer = std::mem::replace(&mut self.in_annotation, true);
        self.visit_expr(expr);
        self.in_annotation = outer;
    }

    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Name(_) | Expr::Attribute(_) if import_path(expr, self.names).is_some() => {
                let stored = matches!(expr, Expr::Attribute(attribute) if attribute.ctx != ExprContext::Load);
                match self.check_import(expr) {
                    Some(Use::Decorator) => self.obstruct_at(expr, "a decorator as a value"),
                    _ if stored => {
                        self.obstruct_at(expr, "an attribute of the standard library is changed")
                    }
                    _ => {}
                }
            }
            _ if self.in_annotation && is_evaluated(expr) => {
                self.obstruct_at(expr, "an annotation that computes");
            }
            Expr::Name(name) => self.name(name.id.as_str(), name.ctx, expr),
            Expr::Attribute(attribute) => self.attribute(attribute, false),
            Expr::Call(call) => self.call(call),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Compare(compare)
                if compare.ops.iter().all(|op| matches!(op, CmpOp::Is | CmpOp::IsNot)) =>
            {
                for side in std::iter::once(&*compare.left).chain(&*compare.comparators) {
                    self.visit_expr(class_of(side).unwrap_or(side));
                }
            }
            Expr::Yield(_) | Expr::YieldFrom(_) if self.guard_depth > 0 => {
                self.obstruct_at(expr, "a generator that is left inside `try` or `with` would be cleaned up in a later run");
            }
            Expr::YieldFrom(_)
                if ["close", "throw"].iter().any(|n| self.names.binds_attribute(n)) =>
            {
                self.obstruct_at(
                    expr,
                    "a generator that is left in `yield from` would call `close` in a later run",
                );
            }
            Expr::Await(_) | Expr::TString(_) | Expr::IpyEscapeCommand(_) => {
                self.obstruct_at(expr, "an expression that is not followed");
            }
            _ => walk_expr(self, expr),
        }
    }

    fn visit_pattern(&mut self, pattern: &Pattern) {
        if let Pattern::MatchClass(class) = pattern {
            self.class_pattern(class);
        }
        walk_pattern(self, pattern);
    }
}
