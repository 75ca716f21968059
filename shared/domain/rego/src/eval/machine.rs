//! Steps, one after the other, with all their solutions.

use std::mem;

use writ_rego_builtins::{Context, ErrorKind, Value};

use super::documents::put;
use super::{Failure, Run};
use crate::api::Sink;
use crate::builtins::{Code, Function};
use crate::compile::{Compiled, CompiledQuery};
use crate::core::{Callee, Change, Every, Op, Operand, Pattern, Replacement, Step};
use crate::diagnostic::Span;

use super::rules::Memo;

/// All that `with` can replace.
#[derive(Default)]
pub(crate) struct Env {
    pub(crate) input: Option<Value>,
    pub(crate) data: Option<Value>,
    /// The paths under `data` that have no rules, since a value replaced them.
    pub(crate) hidden: Vec<Vec<Value>>,
    pub(crate) mocks: Vec<(Callee, usize, Mock)>,
    pub(crate) memo: Memo,
}

#[derive(Clone)]
pub(crate) enum Mock {
    Function(Callee),
    Value(Value),
}

/// The state of a run.
pub(crate) struct Machine<'a, 'c> {
    pub(super) policy: &'a Compiled,
    query: &'a CompiledQuery,
    pub(super) env: Env,
    stack: Vec<Value>,
    base: usize,
    pub(super) context: &'a mut Context<'c>,
    pub(super) sink: &'a mut dyn Sink,
    pub(super) covers: bool,
    pub(super) strict: bool,
    depth: u32,
    depth_max: u32,
    /// Steps that may still run.
    steps_left: u64,
}

/// Called for each solution; `false` wants no more of them.
pub(super) type Next<'k, 'a, 'c> = dyn FnMut(&mut Machine<'a, 'c>) -> Run<bool> + 'k;

impl<'a, 'c> Machine<'a, 'c> {
    pub(crate) fn new(
        policy: &'a Compiled,
        query: &'a CompiledQuery,
        env: Env,
        context: &'a mut Context<'c>,
        sink: &'a mut dyn Sink,
        options: crate::api::Options,
    ) -> Self {
        Self {
            policy,
            query,
            env,
            stack: Vec::new(),
            base: 0,
            context,
            sink,
            covers: options.coverage,
            strict: options.strict,
            depth: 0,
            depth_max: options.depth_max,
            steps_left: options.steps_max,
        }
    }

    /// Runs the query, and gives the values of its variables for each solution.
    pub(crate) fn solve(&mut self, found: &mut dyn FnMut(Vec<Value>)) -> Run<()> {
        let query = self.query;
        self.framed(query.block.slots, |machine| {
            machine.run(&query.block.steps, &mut |machine| {
                found(
                    query.variables.iter().map(|(_, slot)| machine.slot(*slot).clone()).collect(),
                );
                Ok(true)
            })
        })?;
        Ok(())
    }

    pub(super) fn slot(&self, slot: u32) -> &Value {
        self.stack.get(self.base + slot as usize).unwrap_or(&Value::Null)
    }

    pub(super) fn set(&mut self, slot: u32, value: Value) {
        if let Some(place) = self.stack.get_mut(self.base + slot as usize) {
            *place = value;
        }
    }

    /// Runs with slots of its own.
    pub(crate) fn framed<T>(
        &mut self,
        slots: u32,
        run: impl FnOnce(&mut Self) -> Run<T>,
    ) -> Run<T> {
        let base = mem::replace(&mut self.base, self.stack.len());
        self.stack.resize(self.base + slots as usize, Value::Null);
        let result = run(self);
        self.stack.truncate(self.base);
        self.base = base;
        result
    }

    pub(super) fn deeper<T>(
        &mut self,
        span: Span,
        run: impl FnOnce(&mut Self) -> Run<T>,
    ) -> Run<T> {
        if self.depth >= self.depth_max {
            let message = format!("rules and loops nest more than {} deep", self.depth_max);
            return Err(Failure::new("eval_depth_error", span, message));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn count(&mut self, span: Span) -> Run<()> {
        match self.steps_left.checked_sub(1) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => Err(Failure::new("eval_cancel_error", span, "the run takes too many steps")),
        }
    }

    fn count_step(&mut self, span: Span) -> Run<()> {
        self.count(span)?;
        if self.covers {
            self.sink.cover(span);
        }
        Ok(())
    }

    /// Runs steps and calls `next` for each solution. The result: whether more solutions are wanted.
    pub(crate) fn run(&mut self, steps: &'a [Step], next: &mut Next<'_, 'a, 'c>) -> Run<bool> {
        let mut rest = steps;
        while let Some((step, later)) = rest.split_first() {
            rest = later;
            self.count_step(step.span)?;
            let span = step.span;
            let holds = match &step.op {
                Op::Match(source, pattern) => match self.source(source, span)? {
                    Some(value) => self.matches_owned(pattern, value),
                    None => false,
                },
                Op::Holds(source) => self
                    .source(source, span)?
                    .is_some_and(|value| !matches!(value, Value::Bool(false))),
                Op::Scan { over, key, value } => {
                    return match self.source(over, span)? {
                        Some(found) => self.deeper(span, |machine| {
                            machine.scan(&found, (key, value), span, rest, next)
                        }),
                        None => Ok(true),
                    };
                }
                Op::ScanItems { items, key, value } => {
                    let items = self.arguments(items);
                    return self.deeper(span, |machine| {
                        for item in &items {
                            if machine.matches(key, item)
                                && machine.matches(value, item)
                                && !machine.run(rest, next)?
                            {
                                return Ok(false);
                            }
                        }
                        Ok(true)
                    });
                }
                Op::ScanKeys { path, key } => {
                    let keys = self.keys(path, span)?;
                    return self.deeper(span, |machine| {
                        for found in keys {
                            if machine.matches(key, &found) && !machine.run(rest, next)? {
                                return Ok(false);
                            }
                        }
                        Ok(true)
                    });
                }
                Op::Call { callee, args, out } => {
                    if let Callee::Builtin(Function { code: Code::Relation(_), .. }) = callee {
                        let out = out.as_ref().unwrap_or(&Pattern::Any);
                        return self.relation(callee, args, out, span, rest, next);
                    }
                    self.call(callee, args, out.as_ref(), span)?
                }
                Op::Not(inner) => {
                    let mut found = false;
                    self.deeper(span, |machine| {
                        machine.run(inner, &mut |_| {
                            found = true;
                            Ok(false)
                        })
                    })?;
                    !found
                }
                Op::With { changes, steps } => {
                    return self
                        .deeper(span, |machine| machine.with(changes, steps, span, rest, next));
                }
                Op::Every(every) => self.every(every, span)?,
                Op::Fail => false,
            };
            if !holds {
                return Ok(true);
            }
        }
        next(self)
    }

    /// Whether any solution of the steps exists.
    fn exists(&mut self, steps: &'a [Step], span: Span) -> Run<bool> {
        let mut found = false;
        self.deeper(span, |machine| {
            machine.run(steps, &mut |_| {
                found = true;
                Ok(false)
            })
        })?;
        Ok(found)
    }

    fn scan(
        &mut self,
        over: &Value,
        (key, value): (&'a Pattern, &'a Pattern),
        span: Span,
        rest: &'a [Step],
        next: &mut Next<'_, 'a, 'c>,
    ) -> Run<bool> {
        match over {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.count(span)?;
                    let fits = match key {
                        Pattern::Any => true,
                        key => self.matches_owned(key, Value::from(index)),
                    };
                    if fits && self.matches(value, item) && !self.run(rest, next)? {
                        return Ok(false);
                    }
                }
            }
            Value::Object(members) => {
                for (name, item) in members.iter() {
                    self.count(span)?;
                    if self.matches(key, name)
                        && self.matches(value, item)
                        && !self.run(rest, next)?
                    {
                        return Ok(false);
                    }
                }
            }
            Value::Set(items) => {
                for item in items.iter() {
                    self.count(span)?;
                    if self.matches(key, item)
                        && self.matches(value, item)
                        && !self.run(rest, next)?
                    {
                        return Ok(false);
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    }

    fn every(&mut self, every: &'a Every, span: Span) -> Run<bool> {
        let domain = self.operand(&every.domain);
        if !matches!(domain, Value::Array(_) | Value::Object(_) | Value::Set(_)) {
            return Ok(false);
        }
        for (index, item) in domain.pairs() {
            let key = if matches!(domain, Value::Set(_)) { item } else { &*index };
            let fits = self.matches(&every.key, key) && self.matches(&every.value, item);
            if !fits || !self.exists(&every.steps, span)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn with(
        &mut self,
        changes: &'a [Change],
        steps: &'a [Step],
        span: Span,
        rest: &'a [Step],
        next: &mut Next<'_, 'a, 'c>,
    ) -> Run<bool> {
        let env = self.changed(changes, span)?;
        let mut other = mem::replace(&mut self.env, env);
        let result = self.run(steps, &mut |machine| {
            mem::swap(&mut machine.env, &mut other);
            let result = machine.run(rest, next);
            mem::swap(&mut machine.env, &mut other);
            result
        });
        self.env = other;
        result
    }

    /// The environment after the changes of `with`.
    fn changed(&self, changes: &[Change], span: Span) -> Run<Env> {
        let mut env = Env {
            input: self.env.input.clone(),
            data: self.env.data.clone(),
            hidden: self.env.hidden.clone(),
            mocks: self.env.mocks.clone(),
            memo: Memo::default(),
        };
        for change in changes {
            match change {
                Change::Input(path, value) => {
                    env.input = Some(put(env.input.take(), path, self.operand(value)));
                }
                Change::Data(path, value) => {
                    env.data = Some(put(env.data.take(), path, self.operand(value)));
                    env.hidden.push(path.clone());
                }
                Change::Function(callee, arity, replacement) => {
                    let mock = match replacement {
                        Replacement::Function(other) => Mock::Function(other.clone()),
                        Replacement::Value(value) => Mock::Value(self.operand(value)),
                    };
                    env.mocks.push((callee.clone(), *arity, mock));
                }
            }
        }
        if env.mocks.len() > 1_000 {
            return Err(Failure::new("eval_depth_error", span, "too many functions are replaced"));
        }
        Ok(env)
    }

    fn arguments(&self, args: &[Operand]) -> Vec<Value> {
        args.iter().map(|arg| self.operand(arg)).collect()
    }

    fn mock(&self, callee: &Callee) -> Option<Mock> {
        let found = self.env.mocks.iter().rev().find(|(target, ..)| target == callee)?;
        Some(found.2.clone())
    }

    /// Calls a function: whether its result fits.
    fn call(
        &mut self,
        callee: &'a Callee,
        args: &'a [Operand],
        out: Option<&'a Pattern>,
        span: Span,
    ) -> Run<bool> {
        if !self.env.mocks.is_empty()
            && let Some(mock) = self.mock(callee)
        {
            let args = self.arguments(args);
            let result = self.call_mock(mock, args, span)?;
            return Ok(self.fits(out, result));
        }
        let result = match callee {
            Callee::Builtin(function) => match (function.code, args) {
                (Code::Table(builtin), [arg]) => {
                    let arg = self.operand(arg);
                    self.table(builtin, &[arg], span)?
                }
                (Code::Table(builtin), [left, right]) => {
                    let args = [self.operand(left), self.operand(right)];
                    self.table(builtin, &args, span)?
                }
                (code, [left, right]) => {
                    let (left, right) = (self.borrow(left), self.borrow(right));
                    match compare(code, &left, &right) {
                        Some(result) => Some(Value::Bool(result)),
                        None => {
                            let args = [left.into_owned(), right.into_owned()];
                            self.builtin(*function, &args, span)?
                        }
                    }
                }
                _ => {
                    let args = self.arguments(args);
                    self.builtin(*function, &args, span)?
                }
            },
            Callee::Rule(rule) => {
                let args = self.arguments(args);
                self.function(*rule, args, span)?
            }
        };
        Ok(self.fits(out, result))
    }

    fn fits(&mut self, out: Option<&'a Pattern>, result: Option<Value>) -> bool {
        match (result, out) {
            (None, _) => false,
            (Some(value), None) => !matches!(value, Value::Bool(false)),
            (Some(value), Some(pattern)) => self.matches_owned(pattern, value),
        }
    }

    /// Calls what stands for a function; functions inside it are not replaced.
    fn call_mock(&mut self, mock: Mock, args: Vec<Value>, span: Span) -> Run<Option<Value>> {
        match mock {
            Mock::Value(value) => Ok(Some(value)),
            Mock::Function(callee) => {
                let mocks = mem::take(&mut self.env.mocks);
                let result = match callee {
                    Callee::Builtin(function) => self.builtin(function, &args, span),
                    Callee::Rule(rule) => self.function(rule, args, span),
                };
                self.env.mocks = mocks;
                result
            }
        }
    }

    fn builtin(&mut self, function: Function, args: &[Value], span: Span) -> Run<Option<Value>> {
        match (function.code, args) {
            (Code::MemberWithKey, [key, value, domain]) => {
                let found = match domain {
                    Value::Set(items) => key == value && items.contains(value),
                    _ => domain.get(key).is_some_and(|found| found == value),
                };
                Ok(Some(Value::Bool(found)))
            }
            (Code::Print, [parts]) => self.print(parts).map(Some),
            (Code::Template, [parts]) => self.template(parts, span),
            (Code::Trace, [Value::String(note)]) => {
                self.sink.trace(note);
                Ok(Some(Value::Bool(true)))
            }
            (Code::Trace, _) => Ok(None),
            (Code::Table(builtin) | Code::Relation(builtin), _) => self.table(builtin, args, span),
            (code, [left, right]) => Ok(compare(code, left, right).map(Value::Bool)),
            _ => Ok(None),
        }
    }

    fn table(
        &mut self,
        builtin: &'static writ_rego_builtins::Builtin,
        args: &[Value],
        span: Span,
    ) -> Run<Option<Value>> {
        match builtin.call(self.context, args) {
            Ok(result) => Ok(result),
            Err(error) if error.kind == ErrorKind::Halt || self.strict => {
                let message = format!("{}: {}", builtin.name(), error.message);
                Err(Failure::new(error.code(), span, message))
            }
            Err(_) => Ok(None),
        }
    }

    fn relation(
        &mut self,
        callee: &'a Callee,
        args: &'a [Operand],
        out: &'a Pattern,
        span: Span,
        rest: &'a [Step],
        next: &mut Next<'_, 'a, 'c>,
    ) -> Run<bool> {
        if let Some(mock) = self.mock(callee) {
            let args = self.arguments(args);
            let result = self.call_mock(mock, args, span)?;
            let holds = self.fits(Some(out), result);
            return if holds { self.run(rest, next) } else { Ok(true) };
        }
        let Callee::Builtin(function) = callee else {
            return Ok(true);
        };
        let args = self.arguments(args);
        let Some(Value::Array(results)) = self.builtin(*function, &args, span)? else {
            return Ok(true);
        };
        self.deeper(span, |machine| {
            for result in results.iter() {
                if machine.matches(out, result) && !machine.run(rest, next)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Prints one line for each combination of the values.
    fn print(&mut self, parts: &Value) -> Run<Value> {
        let mut lines = vec![String::new()];
        for (index, part) in
            parts.as_array().map(|parts| parts.as_slice()).unwrap_or_default().iter().enumerate()
        {
            let mut texts: Vec<String> = match part {
                Value::Set(values) => values.iter().map(shown).collect(),
                other => vec![shown(other)],
            };
            if texts.is_empty() {
                texts.push("<undefined>".to_owned());
            }
            let gap = if index == 0 { "" } else { " " };
            let longer = lines
                .iter()
                .flat_map(|line| texts.iter().map(move |text| format!("{line}{gap}{text}")));
            lines = longer.take(1_000).collect();
        }
        for line in lines {
            self.sink.print(&line);
        }
        Ok(Value::Bool(true))
    }

    fn template(&mut self, parts: &Value, span: Span) -> Run<Option<Value>> {
        let mut text = String::new();
        for part in parts.as_array().map(|parts| parts.as_slice()).unwrap_or_default() {
            match part {
                Value::Set(values) if values.len() > 1 => {
                    let message = "internal.template_string: template-strings must not produce multiple outputs";
                    return Err(Failure::conflict(span, message));
                }
                Value::Set(values) => match values.iter().next() {
                    Some(value) => text.push_str(&shown(value)),
                    None => text.push_str("<undefined>"),
                },
                other => text.push_str(&shown(other)),
            }
        }
        self.context
            .charge(text.len())
            .map_err(|error| Failure::new(error.code(), span, error.message))?;
        Ok(Some(Value::from(text)))
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn compare(code: Code, left: &Value, right: &Value) -> Option<bool> {
    Some(match code {
        Code::Equal => left == right,
        Code::NotEqual => left != right,
        Code::Less => left < right,
        Code::LessOrEqual => left <= right,
        Code::Greater => left > right,
        Code::GreaterOrEqual => left >= right,
        Code::Member => match right {
            Value::Array(items) => items.iter().any(|item| item == left),
            Value::Object(members) => members.values().any(|item| item == left),
            Value::Set(items) => items.contains(left),
            _ => false,
        },
        _ => return None,
    })
}
