//! Removes the annotations of functions before a proven policy is compiled.
//!
//! RustPython 0.5's collector does not follow a function's annotations, so that every annotated
//! function would keep its whole namespace alive after its run. A proven policy cannot read them
//! (`__annotations__` is a dunder), so they have no effect. Those of classes stay: dataclasses and
//! named tuples are made from them.

use std::cell::Cell;

use rustpython_vm::compiler::ast::visitor::transformer::{Transformer, walk_stmt};
use rustpython_vm::compiler::ast::{
    AtomicNodeIndex, Expr, ExprBooleanLiteral, Mod, ModModule, Parameter, Stmt, StmtAnnAssign,
    StmtAssign, StmtIf,
};
use rustpython_vm::compiler::{CompileOpts, codegen, core};

use super::POLICY_FILE;

/// Compiles a module without its functions' annotations.
pub(super) fn compile_without(
    mut module: ModModule,
    code: &str,
    options: CompileOpts,
) -> Result<rustpython_vm::compiler::CodeObject, codegen::error::CodegenError> {
    let strip = Strip { in_function: Cell::new(false) };
    for stmt in &mut module.body {
        strip.visit_stmt(stmt);
    }
    let file = core::SourceFileBuilder::new(POLICY_FILE, code).finish();
    codegen::compile::compile_top(Mod::Module(module), file, core::Mode::Exec, options)
}

struct Strip {
    /// Whether the innermost scope is a function.
    in_function: Cell<bool>,
}

impl Strip {
    fn walk_scope(&self, function: bool, stmt: &mut Stmt) {
        let outer = self.in_function.replace(function);
        walk_stmt(self, stmt);
        self.in_function.set(outer);
    }
}

impl Transformer for Strip {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                def.returns = None;
                self.walk_scope(true, stmt);
            }
            Stmt::ClassDef(_) => self.walk_scope(false, stmt),
            Stmt::AnnAssign(annotated) if self.in_function.get() => {
                *stmt = without_annotation(annotated);
                walk_stmt(self, stmt);
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_parameter(&self, parameter: &mut Parameter) {
        parameter.annotation = None;
    }
}

/// The assignment without its annotation. An annotation without a value still makes the name local,
/// so it becomes an assignment that never runs.
fn without_annotation(annotated: &StmtAnnAssign) -> Stmt {
    let range = annotated.range;
    let assign = |value: Box<Expr>| {
        let targets = vec![(*annotated.target).clone()];
        Stmt::Assign(StmtAssign { node_index: AtomicNodeIndex::default(), range, targets, value })
    };
    if let Some(value) = &annotated.value {
        return assign(value.clone());
    }
    let never = ExprBooleanLiteral { node_index: AtomicNodeIndex::default(), range, value: false };
    let never = Box::new(Expr::BooleanLiteral(never));
    Stmt::If(StmtIf {
        node_index: AtomicNodeIndex::default(),
        range,
        test: never.clone(),
        body: vec![assign(never)],
        elif_else_clauses: Vec::new(),
    })
}
