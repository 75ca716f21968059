//! A rewriting of `finally` blocks before compilation.
//!
//! The compiler of the interpreter emits a `finally` block several times: for the exception, and at each `return`,
//! `break` or `continue`. It cannot do so if the block has scopes of its own: comprehensions, generator expressions
//! or `lambda`. So each of them is made a function before the `try`, which the block calls. The function reads the
//! variables when it is called.

use std::cell::{Cell, RefCell};

use rustpython_ruff_text_size::{Ranged, TextRange};
use rustpython_vm::builtins::PyCode;
use rustpython_vm::compiler::ast::visitor::transformer::{Transformer, walk_expr, walk_stmt};
use rustpython_vm::compiler::ast::visitor::{self, Visitor};
use rustpython_vm::compiler::ast::{
    Arguments, AtomicNodeIndex, Expr, ExprBooleanLiteral, ExprCall, ExprContext, ExprLambda,
    ExprName, ModModule, Stmt, StmtAssign, StmtIf,
};
use rustpython_vm::compiler::{
    CompileError, Mode, ast::name::Name, codegen, core::SourceFileBuilder,
};
use rustpython_vm::{PyRef, VirtualMachine};

/// Where a `finally` block has what cannot be rewritten: the byte offset in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) usize);

/// Rewrites the `finally` blocks of a module. Returns whether one was rewritten.
///
/// # Errors
/// The first place that cannot be rewritten.
pub(super) fn rewrite(module: &mut [Stmt]) -> Result<bool, Unsupported> {
    let blocks = Blocks::default();
    for stmt in module {
        blocks.visit_stmt(stmt);
    }
    match blocks.unsupported.get() {
        Some(at) => Err(Unsupported(at)),
        None => Ok(blocks.count.get() > 0),
    }
}

/// Compiles a module that was rewritten.
///
/// # Errors
/// What the compiler refuses.
pub(super) fn compile(
    module: ModModule,
    code: &str,
    path: &str,
    vm: &VirtualMachine,
) -> Result<PyRef<PyCode>, CompileError> {
    let source = SourceFileBuilder::new(path, code).finish();
    let compiled =
        codegen::compile::compile_top(module.into(), source, Mode::Exec, vm.compile_opts());
    Ok(vm.ctx.new_code(compiled.map_err(CompileError::from)?))
}

#[derive(Default)]
struct Blocks {
    count: Cell<usize>,
    unsupported: Cell<Option<usize>>,
    class_bodies: Cell<usize>,
}

impl Transformer for Blocks {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        let outside = self.class_bodies.get();
        match stmt {
            Stmt::ClassDef(_) => self.class_bodies.set(outside + 1),
            Stmt::FunctionDef(_) => self.class_bodies.set(0),
            _ => {}
        }
        walk_stmt(self, stmt);
        self.class_bodies.set(outside);
        let Stmt::Try(attempt) = stmt else { return };
        if attempt.finalbody.is_empty() {
            return;
        }
        if let Some(range) = jump_out_of(&attempt.finalbody) {
            return self.refuse(range);
        }
        let hoist = Hoist { blocks: self, made: RefCell::default() };
        for inner in &mut attempt.finalbody {
            hoist.visit_stmt(inner);
        }
        let mut body = hoist.made.into_inner();
        if body.is_empty() {
            return;
        }
        let range = attempt.range;
        if self.class_bodies.get() > 0 {
            self.refuse(range);
        }
        body.push(Stmt::Try(attempt.clone()));
        let test = ExprBooleanLiteral { node_index: AtomicNodeIndex::NONE, range, value: true };
        *stmt = Stmt::If(StmtIf {
            node_index: AtomicNodeIndex::NONE,
            range,
            test: Box::new(Expr::BooleanLiteral(test)),
            body,
            elif_else_clauses: Vec::new(),
        });
    }
}

impl Blocks {
    fn refuse(&self, range: TextRange) {
        if self.unsupported.get().is_none() {
            self.unsupported.set(Some(range.start().to_usize()));
        }
    }
}

/// The `return`, `break` or `continue` that leaves a block, without those of its own loops and functions.
fn jump_out_of(block: &[Stmt]) -> Option<TextRange> {
    struct Jumps {
        loops: usize,
        found: Option<TextRange>,
    }
    impl Visitor<'_> for Jumps {
        fn visit_stmt(&mut self, stmt: &Stmt) {
            match stmt {
                Stmt::Return(_) => self.found = self.found.or(Some(stmt.range())),
                Stmt::Break(_) | Stmt::Continue(_) if self.loops == 0 => {
                    self.found = self.found.or(Some(stmt.range()));
                }
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::For(_) | Stmt::While(_) => {
                    self.loops += 1;
                    visitor::walk_stmt(self, stmt);
                    self.loops -= 1;
                }
                _ => visitor::walk_stmt(self, stmt),
            }
        }
    }
    let mut jumps = Jumps { loops: 0, found: None };
    jumps.visit_body(block);
    jumps.found
}

/// Takes the scopes out of a `finally` block.
struct Hoist<'a> {
    blocks: &'a Blocks,
    /// The assignments of the functions.
    made: RefCell<Vec<Stmt>>,
}

impl Transformer for Hoist<'_> {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        if matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            return self.blocks.refuse(stmt.range());
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&self, expr: &mut Expr) {
        let is_scope = matches!(
            expr,
            Expr::ListComp(_)
                | Expr::SetComp(_)
                | Expr::DictComp(_)
                | Expr::Generator(_)
                | Expr::Lambda(_)
        );
        if !is_scope {
            return walk_expr(self, expr);
        }
        // `:=` in a comprehension binds a variable of the function around it.
        if binds(expr) {
            return self.blocks.refuse(expr.range());
        }
        let range = expr.range();
        let number = self.blocks.count.get();
        self.blocks.count.set(number + 1);
        // No identifier of a policy has this form.
        let name = |ctx: ExprContext| {
            let id = Name::new(format!(".finally{number}"));
            Expr::Name(ExprName { node_index: AtomicNodeIndex::NONE, range, id, ctx })
        };
        let arguments = Arguments {
            range,
            node_index: AtomicNodeIndex::NONE,
            args: Box::default(),
            keywords: Box::default(),
        };
        let call = Expr::Call(ExprCall {
            node_index: AtomicNodeIndex::NONE,
            range,
            func: Box::new(name(ExprContext::Load)),
            arguments,
        });
        let body = Box::new(std::mem::replace(expr, call));
        let function = Expr::Lambda(ExprLambda {
            node_index: AtomicNodeIndex::NONE,
            range,
            parameters: None,
            body,
        });
        self.made.borrow_mut().push(Stmt::Assign(StmtAssign {
            node_index: AtomicNodeIndex::NONE,
            range,
            targets: vec![name(ExprContext::Store)],
            value: Box::new(function),
        }));
    }
}

/// Whether an expression has `:=`, `yield` or `await`.
fn binds(expr: &Expr) -> bool {
    struct Binds(bool);
    impl Visitor<'_> for Binds {
        fn visit_expr(&mut self, expr: &Expr) {
            match expr {
                Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Await(_) => {
                    self.0 = true
                }
                _ => visitor::walk_expr(self, expr),
            }
        }
    }
    let mut found = Binds(false);
    found.visit_expr(expr);
    found.0
}
