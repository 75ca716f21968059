//! The rules of the proof for classes and class patterns.

use rustpython_vm::compiler::ast::visitor::Visitor;
use rustpython_vm::compiler::ast::{Expr, PatternMatchClass, StmtClassDef};

use super::super::allowlist::{self, Use, allowlist};
use super::super::is_dunder;
use super::super::methods::import_path;
use super::{Proof, Scope};

impl Proof<'_> {
    /// Checks a class statement: its decorators, its bases and its body.
    pub(super) fn class(&mut self, def: &StmtClassDef) {
        if def.type_params.is_some() {
            self.obstruct_at(def, "type parameters are not followed");
        }
        for decorator in &def.decorator_list {
            if !self.returns_its_argument(decorator) {
                self.obstruct_at(
                    decorator,
                    "the decorator may put another class in this one's place",
                );
            }
        }
        self.decorators(&def.decorator_list, false);
        let bases = def.arguments.as_deref();
        for base in bases.map(|arguments| &*arguments.args).unwrap_or_default() {
            self.base(base);
        }
        let own = |base: &Expr| {
            base.as_name_expr().is_some_and(|name| self.names.is_own_class(name.id.as_str()))
        };
        if bases.is_some_and(|bases| bases.args.len() > 1 && bases.args.iter().any(own)) {
            self.mixin.get_or_insert(def.name.range.start().to_usize());
        }
        for keyword in bases.map(|arguments| &*arguments.keywords).unwrap_or_default() {
            let metaclass = keyword.arg.as_ref().is_some_and(|name| name.as_str() == "metaclass");
            let is_plain = keyword.arg.is_some() && keyword.value.is_literal_expr();
            let abc =
                import_path(&keyword.value, self.names).is_some_and(|path| path == "abc.ABCMeta");
            if !(is_plain && !metaclass || metaclass && abc) {
                self.obstruct_at(keyword, "a class keyword that is not followed");
            }
        }
        self.scopes.push(Scope::Class);
        let guard_depth = std::mem::take(&mut self.guard_depth);
        self.visit_body(&def.body);
        self.guard_depth = guard_depth;
        self.scopes.pop();
    }

    /// Checks a base class, which must be the policy's own or listed.
    fn base(&mut self, base: &Expr) {
        let name = base.as_name_expr().map(|name| name.id.as_str()).unwrap_or_default();
        if self.names.is_own_class(name) {
        } else if self.names.is_free(name) && allowlist::BUILTIN_KEYS.contains(&name) {
            self.key_class = true;
        } else if let Expr::Call(call) = base
            && import_path(&call.func, self.names)
                .is_some_and(|path| path == "collections.namedtuple")
        {
            self.key_class = true;
            self.call(call);
        } else if let Expr::Subscript(generic) = base
            && import_path(&generic.value, self.names)
                .is_some_and(|path| path == "typing.Generic" || path == "typing.Protocol")
        {
            self.visit_annotation(&generic.slice);
        } else if let Some(path) = import_path(base, self.names) {
            self.enum_class |= path.starts_with("enum.");
            self.key_class |= path == "typing.NamedTuple" || path.starts_with("enum.");
            if allowlist().get(&path) != Some(&Use::Base) {
                self.obstruct_at(
                    base,
                    format!("`{path}` is not known to be harmless as a base class"),
                );
            }
        } else if !(self.names.is_free(name) && allowlist::BUILTIN_BASES.contains(&name)) {
            self.obstruct_at(base, "a base class that is not followed");
        }
    }

    /// Checks a class pattern: `case C(...)` reads attributes by name, or by the class's
    /// `__match_args__`.
    pub(super) fn class_pattern(&mut self, pattern: &PatternMatchClass) {
        let name = pattern.cls.as_name_expr().map(|name| name.id.as_str()).unwrap_or_default();
        let arguments = &pattern.arguments;
        let is_plain = ["int", "str", "float", "bool", "bytes", "list", "dict", "tuple", "set"];
        let builtin =
            self.names.is_free(name) && is_plain.contains(&name) && arguments.patterns.len() <= 1;
        let own = self.names.is_own_class(name) && arguments.patterns.is_empty();
        let followed = own || builtin && arguments.keywords.is_empty();
        if !followed {
            self.obstruct_at(pattern, "a class pattern that is not followed");
        }
        for keyword in &arguments.keywords {
            self.check_attribute_read(keyword.attr.as_str(), keyword);
        }
    }
}

/// Whether a class that derives from a builtin value must not define the method.
pub(super) fn is_value_method(name: &str) -> bool {
    let special = is_dunder(name) && !allowlist::VALUE_DUNDERS.contains(&name);
    special || allowlist::VALUE_METHODS_REFUSED.contains(&name)
}
