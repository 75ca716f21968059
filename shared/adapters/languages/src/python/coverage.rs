//! Line coverage: the lines that can run, and those that ran.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustpython_ruff_text_size::Ranged;
use rustpython_vm::builtins::PyStrRef;
use rustpython_vm::compiler::ast::visitor::{Visitor, walk_stmt};
use rustpython_vm::compiler::ast::{Expr, Stmt};
use rustpython_vm::frame::FrameRef;
use rustpython_vm::{PyObjectRef, VirtualMachine};

use super::POLICY_FILE;
use super::run_state::RunState;
use super::source::LineIndex;
use crate::Coverage;

/// Every source line of a statement, with the statement's first line.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<u32, u32>);

impl Lines {
    /// Collects the lines of a module. Docstrings and other constant statements generate no code, so
    /// they are left out.
    pub(super) fn of(module: &[Stmt], line_index: &LineIndex<'_>) -> Self {
        let mut visitor = LineVisitor { line_index, lines: Self::default() };
        visitor.visit_body(module);
        visitor.lines
    }

    /// Splits the lines of all statements by whether they ran.
    pub(super) fn coverage(&self, ran: &BTreeSet<u32>) -> Coverage {
        let all: BTreeSet<u32> = self.0.values().copied().collect();
        let hit: BTreeSet<u32> = ran.iter().filter_map(|line| self.0.get(line).copied()).collect();
        Coverage {
            missed: all.difference(&hit).copied().collect(),
            covered: hit.into_iter().collect(),
        }
    }
}

struct LineVisitor<'a> {
    line_index: &'a LineIndex<'a>,
    lines: Lines,
}

impl Visitor<'_> for LineVisitor<'_> {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        if let Stmt::Expr(statement) = stmt
            && matches!(&*statement.value, Expr::StringLiteral(_) | Expr::EllipsisLiteral(_))
        {
            return;
        }
        // These generate no instructions.
        if matches!(stmt, Stmt::Global(_) | Stmt::Nonlocal(_)) {
            return;
        }
        let (first, last) = self.span(stmt);
        // An inner statement comes later and takes its lines from the outer one.
        self.lines.0.extend((first..=last).map(|line| (line, first)));
        walk_stmt(self, stmt);
    }
}

impl LineVisitor<'_> {
    /// First and last line of a statement; a compound one ends before its body.
    fn span(&self, stmt: &Stmt) -> (u32, u32) {
        let (name_at, body) = match stmt {
            Stmt::FunctionDef(def) => (def.name.range.start(), def.body.first()),
            Stmt::ClassDef(def) => (def.name.range.start(), def.body.first()),
            Stmt::For(def) => (def.range.start(), def.body.first()),
            Stmt::While(def) => (def.range.start(), def.body.first()),
            Stmt::If(def) => (def.range.start(), def.body.first()),
            Stmt::With(def) => (def.range.start(), def.body.first()),
            Stmt::Try(def) => (def.range.start(), def.body.first()),
            Stmt::Match(def) => {
                let first = self.line_index.line(def.range.start().to_usize());
                return (first, self.line_index.line(def.subject.range().end().to_usize()));
            }
            _ => (stmt.range().start(), None),
        };
        // A decorated definition counts at its name; its decorators are part of it.
        let first = self.line_index.line(name_at.to_usize());
        let last = match body {
            Some(body) => {
                self.line_index.line(body.range().start().to_usize()).saturating_sub(1).max(first)
            }
            None => self.line_index.line(stmt.range().end().to_usize()).max(first),
        };
        (first, last)
    }
}

/// A trace function that records each line of the policy as it is reached.
pub(super) fn tracer(run_state: Rc<RunState>, vm: &VirtualMachine) -> PyObjectRef {
    let trace = move |frame: FrameRef,
                      event: PyStrRef,
                      _arg: PyObjectRef,
                      vm: &VirtualMachine|
          -> PyObjectRef {
        if frame.code.source_path().as_str() != POLICY_FILE {
            return vm.ctx.none();
        }
        if event.to_str() == Some("line") {
            run_state.record_line(u32::try_from(frame.f_lineno()).unwrap_or(u32::MAX));
        }
        vm.trace_func.borrow().clone()
    };
    vm.new_function("trace", trace).into()
}
