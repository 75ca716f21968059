//! The values that an expression can have, whatever the request is.
//!
//! Without a schema Cedar takes `1 < "a"`: each evaluation of it is an error. A statement that has to
//! evaluate such an expression, and is never true otherwise, can only err. It is found here by the
//! kinds of values that each expression can have.

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, UnaryOp, Var};
use cedar_policy::{Context, RestrictedExpression};

/// A set of kinds of values; `true` and `false` are two kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kinds(u16);

impl Kinds {
    const NONE: Self = Self(0);
    const TRUE: Self = Self(1);
    const FALSE: Self = Self(1 << 1);
    const BOOL: Self = Self(3);
    const LONG: Self = Self(1 << 2);
    const STRING: Self = Self(1 << 3);
    const ENTITY: Self = Self(1 << 4);
    const SET: Self = Self(1 << 5);
    const RECORD: Self = Self(1 << 6);
    const IP: Self = Self(1 << 7);
    const DECIMAL: Self = Self(1 << 8);
    const DATETIME: Self = Self(1 << 9);
    const DURATION: Self = Self(1 << 10);
    const ANY: Self = Self((1 << 11) - 1);
    const NAMES: [(Self, &'static str); 10] = [
        (Self::BOOL, "a boolean"),
        (Self::LONG, "an integer"),
        (Self::STRING, "a string"),
        (Self::ENTITY, "an entity"),
        (Self::SET, "a set"),
        (Self::RECORD, "a record"),
        (Self::IP, "an address"),
        (Self::DECIMAL, "a decimal"),
        (Self::DATETIME, "a datetime"),
        (Self::DURATION, "a duration"),
    ];

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn names(self) -> String {
        let names = Self::NAMES.iter().filter(|(kind, _)| self.meets(*kind));
        names.map(|(_, name)| *name).collect::<Vec<_>>().join(" or ")
    }
}

/// What an expression can evaluate to.
#[derive(Clone)]
struct Reach {
    /// Empty if every evaluation is an error.
    kinds: Kinds,
    long: Option<i64>,
    /// An error that some evaluations cannot avoid: an expression that they reach has no value.
    fault: Option<String>,
}

impl Reach {
    fn of(kinds: Kinds) -> Self {
        Self { kinds, long: None, fault: None }
    }

    fn error(fault: String) -> Self {
        Self { kinds: Kinds::NONE, long: None, fault: Some(fault) }
    }
}

/// What the conditions of a statement can come to.
pub(super) struct Outcome {
    /// Whether they can hold.
    pub(super) can_hold: bool,
    /// An error that some evaluations cannot avoid.
    pub(super) fault: Option<String>,
}

/// What the clauses of a statement can come to, where its scope fits the request.
pub(super) fn of_clauses(clauses: &[Clause]) -> Outcome {
    let all = clauses.iter().fold(Reach::of(Kinds::TRUE), |before, clause| {
        let next = || match clause {
            Clause::When(expression) => condition(reach(expression), "a condition"),
            Clause::Unless(expression) => not(reach(expression)),
        };
        and(before, next)
    });
    Outcome { can_hold: all.kinds.meets(Kinds::TRUE), fault: all.fault }
}

fn reach(expression: &Expr) -> Reach {
    match expression {
        Expr::Literal(literal) => of_literal(literal),
        Expr::Var(Var::Context) => Reach::of(Kinds::RECORD),
        Expr::Var(_) | Expr::Slot(_) => Reach::of(Kinds::ENTITY),
        Expr::UnaryOp { op, expr } => unary(*op, expr),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => {
            and(condition(reach(left), "`&&`"), || condition(reach(right), "`&&`"))
        }
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
            or(condition(reach(left), "`||`"), || condition(reach(right), "`||`"))
        }
        Expr::BinaryOp { op, left, right } => binary(*op, left, right),
        Expr::GetAttr { expr, attr } => attribute(expr, attr),
        Expr::HasAttr { expr, .. } => {
            needs(reach(expr), Kinds::ENTITY.or(Kinds::RECORD), "`has`", Kinds::BOOL)
        }
        Expr::Like { expr, .. } => needs(reach(expr), Kinds::STRING, "`like`", Kinds::BOOL),
        Expr::Is { expr, in_expr, .. } => {
            let is = needs(reach(expr), Kinds::ENTITY, "`is`", Kinds::BOOL);
            match in_expr {
                None => is,
                Some(group) => and(is, || needs(reach(group), GROUPS, "`in`", Kinds::BOOL)),
            }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            choice(condition(reach(cond), "`if`"), then_expr, else_expr)
        }
        Expr::Set(items) => all_of(items.iter().map(AsRef::as_ref), Kinds::SET),
        Expr::Record(members) => all_of(members.values().map(AsRef::as_ref), Kinds::RECORD),
        _ => Reach::of(Kinds::ANY),
    }
}

const GROUPS: Kinds = Kinds::ENTITY.or(Kinds::SET);

fn of_literal(literal: &Literal) -> Reach {
    match literal {
        Literal::Bool(true) => Reach::of(Kinds::TRUE),
        Literal::Bool(false) => Reach::of(Kinds::FALSE),
        Literal::Long(value) => Reach { long: Some(*value), ..Reach::of(Kinds::LONG) },
        Literal::String(_) => Reach::of(Kinds::STRING),
        Literal::EntityUID(_) => Reach::of(Kinds::ENTITY),
        _ => Reach::of(Kinds::ANY),
    }
}

/// The result of an operation that accepts `accepted` alone.
fn needs(operand: Reach, accepted: Kinds, operation: &str, result: Kinds) -> Reach {
    if operand.kinds == Kinds::NONE {
        return operand;
    }
    if !operand.kinds.meets(accepted) {
        let (wants, gets) = (accepted.names(), operand.kinds.names());
        return Reach::error(format!("{operation} needs {wants} and gets {gets}"));
    }
    Reach { kinds: result, long: None, fault: operand.fault }
}

/// An operand that has to be a boolean, with its `true` and `false` kept apart.
fn condition(operand: Reach, operation: &str) -> Reach {
    let result = operand.kinds.and(Kinds::BOOL);
    needs(operand, Kinds::BOOL, operation, result)
}

fn not(operand: Reach) -> Reach {
    let operand = condition(operand, "`!`");
    let (is_true, is_false) = (operand.kinds.meets(Kinds::TRUE), operand.kinds.meets(Kinds::FALSE));
    let if_true = if is_true { Kinds::FALSE } else { Kinds::NONE };
    let if_false = if is_false { Kinds::TRUE } else { Kinds::NONE };
    Reach { kinds: if_true.or(if_false), ..operand }
}

fn and(left: Reach, right: impl FnOnce() -> Reach) -> Reach {
    short_circuit(left, Kinds::TRUE, Kinds::FALSE, right)
}

fn or(left: Reach, right: impl FnOnce() -> Reach) -> Reach {
    short_circuit(left, Kinds::FALSE, Kinds::TRUE, right)
}

/// The right side is evaluated where the left one is `goes_on`; where it is `stops`, that is the value.
fn short_circuit(
    left: Reach,
    goes_on: Kinds,
    stops: Kinds,
    right: impl FnOnce() -> Reach,
) -> Reach {
    if !left.kinds.meets(goes_on) {
        return left;
    }
    let right = right();
    let kinds = left.kinds.and(stops).or(right.kinds);
    Reach { kinds, long: None, fault: left.fault.or(right.fault) }
}

fn choice(condition: Reach, then: &Expr, otherwise: &Expr) -> Reach {
    let taken = [(Kinds::TRUE, then), (Kinds::FALSE, otherwise)];
    let start = Reach { kinds: Kinds::NONE, long: None, fault: condition.fault };
    taken.into_iter().filter(|(value, _)| condition.kinds.meets(*value)).fold(
        start,
        |found, (_, branch)| {
            let branch = reach(branch);
            Reach {
                kinds: found.kinds.or(branch.kinds),
                long: None,
                fault: found.fault.or(branch.fault),
            }
        },
    )
}

/// A set or record, with every member evaluated.
fn all_of<'e>(members: impl Iterator<Item = &'e Expr>, result: Kinds) -> Reach {
    let mut all = Reach::of(result);
    for member in members {
        let member = reach(member);
        if member.kinds == Kinds::NONE {
            return member;
        }
        all.fault = all.fault.or(member.fault);
    }
    all
}

fn attribute(of: &Expr, name: &str) -> Reach {
    let Expr::Record(members) = of else {
        let accepted = Kinds::ENTITY.or(Kinds::RECORD);
        return needs(reach(of), accepted, &format!("`.{name}`"), Kinds::ANY);
    };
    let (mut found, mut fault) = (None, None);
    // Each member is looked at once, or the work would double at each level.
    for (key, member) in members {
        let member = reach(member);
        if member.kinds == Kinds::NONE {
            return member;
        }
        fault = fault.or_else(|| member.fault.clone());
        if key == name {
            found = Some(member);
        }
    }
    match found {
        Some(member) => Reach { fault, ..member },
        None => Reach::error(format!("a record has no `{name}`")),
    }
}

fn unary(op: UnaryOp, operand: &Expr) -> Reach {
    let value = reach(operand);
    let name = format!("`{op}`");
    match op {
        UnaryOp::Not => not(value),
        UnaryOp::Neg => {
            arithmetic(needs_two(value, Kinds::LONG, &name), |[it, _]| it.checked_neg())
        }
        UnaryOp::IsEmpty => needs(value, Kinds::SET, "`isEmpty`", Kinds::BOOL),
        UnaryOp::Ip => constructor(operand, value, Kinds::IP, RestrictedExpression::new_ip),
        UnaryOp::Decimal => {
            constructor(operand, value, Kinds::DECIMAL, RestrictedExpression::new_decimal)
        }
        UnaryOp::Datetime => {
            constructor(operand, value, Kinds::DATETIME, RestrictedExpression::new_datetime)
        }
        UnaryOp::Duration => {
            constructor(operand, value, Kinds::DURATION, RestrictedExpression::new_duration)
        }
        UnaryOp::IsIPv4 | UnaryOp::IsIPV6 | UnaryOp::IsLoopback | UnaryOp::IsMulticast => {
            needs(value, Kinds::IP, &name, Kinds::BOOL)
        }
        UnaryOp::ToDate => needs(value, Kinds::DATETIME, &name, Kinds::DATETIME),
        UnaryOp::ToTime => needs(value, Kinds::DATETIME, &name, Kinds::DURATION),
        UnaryOp::ToMilliseconds
        | UnaryOp::ToSeconds
        | UnaryOp::ToMinutes
        | UnaryOp::ToHours
        | UnaryOp::ToDays => needs(value, Kinds::DURATION, &name, Kinds::LONG),
        _ => Reach { kinds: Kinds::ANY, long: None, fault: value.fault },
    }
}

/// A value of an extension; a constant text that is none is an error, as Cedar's own constructor
/// decides.
fn constructor(
    operand: &Expr,
    value: Reach,
    kind: Kinds,
    construct: impl FnOnce(String) -> RestrictedExpression,
) -> Reach {
    if let Expr::Literal(Literal::String(text)) = operand
        && let Err(error) = Context::from_pairs([("it".to_owned(), construct(text.to_string()))])
    {
        return Reach::error(error.to_string());
    }
    needs(value, Kinds::STRING, "a constructor", kind)
}

fn needs_two(value: Reach, accepted: Kinds, name: &str) -> [Reach; 2] {
    let long = value.long;
    let value = Reach { long, ..needs(value, accepted, name, accepted) };
    [value.clone(), value]
}

/// The result of arithmetic on two integers: an error if it overflows on constants.
fn arithmetic([left, right]: [Reach; 2], compute: impl FnOnce([i64; 2]) -> Option<i64>) -> Reach {
    if left.kinds == Kinds::NONE {
        return left;
    }
    if right.kinds == Kinds::NONE {
        return right;
    }
    let fault = left.fault.or(right.fault);
    match (left.long, right.long) {
        (Some(left), Some(right)) => match compute([left, right]) {
            Some(value) => Reach { kinds: Kinds::LONG, long: Some(value), fault },
            None => Reach::error("an integer has 64 bits, and the result has more".to_owned()),
        },
        _ => Reach { kinds: Kinds::LONG, long: None, fault },
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> Reach {
    let (one, other) = (reach(left), reach(right));
    let name = format!("`{op}`");
    let same = |kinds: &[Kinds], result: Kinds| {
        let (one, other) = (one.clone(), other.clone());
        let all = kinds.iter().fold(Kinds::NONE, |all, kind| all.or(*kind));
        let (left, right) = (one.kinds, other.kinds);
        let found = pair(one, all, other, all, &name, result);
        let fits = kinds.iter().any(|kind| left.meets(*kind) && right.meets(*kind));
        if found.kinds == Kinds::NONE || fits {
            return found;
        }
        let (left, right) = (left.names(), right.names());
        Reach::error(format!("{name} cannot compare {left} and {right}"))
    };
    let compute = |compute: fn(i64, i64) -> Option<i64>| {
        let [one, _] = needs_two(one.clone(), Kinds::LONG, &name);
        let [other, _] = needs_two(other.clone(), Kinds::LONG, &name);
        arithmetic([one, other], |[left, right]| compute(left, right))
    };
    let pair = |left, right, result| pair(one.clone(), left, other.clone(), right, &name, result);
    match op {
        BinaryOp::Eq | BinaryOp::NotEq => pair(Kinds::ANY, Kinds::ANY, Kinds::BOOL),
        BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => {
            same(&[Kinds::LONG, Kinds::DATETIME, Kinds::DURATION], Kinds::BOOL)
        }
        BinaryOp::Add => compute(i64::checked_add),
        BinaryOp::Sub => compute(i64::checked_sub),
        BinaryOp::Mul => compute(i64::checked_mul),
        BinaryOp::In => pair(Kinds::ENTITY, GROUPS, Kinds::BOOL),
        BinaryOp::Contains => pair(Kinds::SET, Kinds::ANY, Kinds::BOOL),
        BinaryOp::ContainsAll | BinaryOp::ContainsAny => pair(Kinds::SET, Kinds::SET, Kinds::BOOL),
        BinaryOp::GetTag => pair(Kinds::ENTITY, Kinds::STRING, Kinds::ANY),
        BinaryOp::HasTag => pair(Kinds::ENTITY, Kinds::STRING, Kinds::BOOL),
        BinaryOp::IsInRange => pair(Kinds::IP, Kinds::IP, Kinds::BOOL),
        BinaryOp::Offset => pair(Kinds::DATETIME, Kinds::DURATION, Kinds::DATETIME),
        BinaryOp::DurationSince => pair(Kinds::DATETIME, Kinds::DATETIME, Kinds::DURATION),
        BinaryOp::DecimalLessThan
        | BinaryOp::DecimalLessEq
        | BinaryOp::DecimalGreater
        | BinaryOp::DecimalGreaterEq => pair(Kinds::DECIMAL, Kinds::DECIMAL, Kinds::BOOL),
        _ => pair(Kinds::ANY, Kinds::ANY, Kinds::ANY),
    }
}

/// The result of an operation on two operands, both of which are evaluated.
fn pair(
    one: Reach,
    one_accepted: Kinds,
    other: Reach,
    other_accepted: Kinds,
    name: &str,
    result: Kinds,
) -> Reach {
    let one = needs(one, one_accepted, name, result);
    if one.kinds == Kinds::NONE {
        return one;
    }
    let other = needs(other, other_accepted, name, result);
    Reach { fault: one.fault.or(other.fault), ..other }
}

#[cfg(test)]
mod tests {
    use cedar_policy::{EntityUid, Expression, PolicySet, Request, eval_expression};
    use std::str::FromStr;

    use super::*;

    /// Conditions that never hold and err: for every one Cedar's evaluator gives an error.
    const ONLY_ERR: &[&str] = &[
        r#"1 < "a""#,
        r#"principal < 1"#,
        r#"1"#,
        r#""yes""#,
        r#"1 + 1"#,
        r#"principal"#,
        r#"!1"#,
        r#"-"a" == 1"#,
        r#"true && 1"#,
        r#"false || "x""#,
        r#"if 1 then true else true"#,
        r#"if true then 1 else true"#,
        r#"9223372036854775807 + 1 == 0"#,
        r#"-9223372036854775808 - 1 == 0"#,
        r#"9223372036854775807 * (1 + 1) == 0"#,
        r#"ip("10.0.0.300").isLoopback()"#,
        r#"decimal("1.23456").lessThan(decimal("2.0"))"#,
        r#"datetime("yesterday") < datetime("2026-01-01")"#,
        r#"duration("1 hour") == duration("1h")"#,
        r#"ip("::1").lessThan(decimal("1.0"))"#,
        r#"datetime("2026-01-01") < duration("1h")"#,
        r#"{a: 1}.b == 1"#,
        r#"{a: 1 + "x", b: true}.b"#,
        r#"{a: 1}.a.b"#,
        r#"[1 < "a"] == []"#,
        r#"1 in principal"#,
        r#"principal in 1"#,
        r#"principal.contains(1)"#,
        r#"[1].containsAll(1)"#,
        r#"1 has a"#,
        r#"context like "a*""#,
        r#"context is User"#,
        r#"context.getTag("a") == 1"#,
        r#"principal.hasTag(1)"#,
        r#"context.isEmpty()"#,
        r#"context"#,
        r#"1.isEmpty()"#,
    ];

    /// Conditions that may hold, may be false without an error, or depend on the request.
    const MAY_HOLD: &[&str] = &[
        r#"true"#,
        r#"false"#,
        r#"1 == "a""#,
        r#"false && 1"#,
        r#"true || 1"#,
        r#"context.a < 1"#,
        r#"context.a + 1 == 9223372036854775807"#,
        r#"principal.a"#,
        r#"{a: 1}.a == 1"#,
        r#"if true then true else 1"#,
        r#"if false then 1 < "a" else true"#,
        r#"ip("10.0.0.1").isLoopback()"#,
        r#"ip(context.a).isLoopback()"#,
        r#"datetime("2026-01-01") < datetime("2026-01-02")"#,
        r#"User::"a".b == 1"#,
        r#"principal in [User::"a"]"#,
        r#"principal is User in Team::"t""#,
        r#"[1, "a", true].contains(1)"#,
        r#"context has a.b.c && context.a.b.c"#,
    ];

    fn outcome(clauses: &str) -> Outcome {
        let text = format!("forbid(principal, action, resource) {clauses};");
        let set = PolicySet::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let policy = set.policies().next().unwrap().to_pst().unwrap();
        of_clauses(policy.body().clauses())
    }

    fn only_errs(clauses: &str) -> bool {
        let outcome = outcome(clauses);
        !outcome.can_hold && outcome.fault.is_some()
    }

    fn evaluated(condition: &str) -> Option<bool> {
        let uid = |text: &str| EntityUid::from_str(text).unwrap();
        let request = Request::new(
            uid("User::\"a\""),
            uid("Action::\"a\""),
            uid("Photo::\"p\""),
            Context::empty(),
            None,
        );
        let entities = cedar_policy::Entities::empty();
        let expression = Expression::from_str(&format!("true && ({condition})")).unwrap();
        match eval_expression(&request.unwrap(), &entities, &expression) {
            Ok(cedar_policy::EvalResult::Bool(value)) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn a_condition_that_can_only_err_is_found_and_no_other() {
        let mut wrong = Vec::new();
        for condition in ONLY_ERR {
            if !only_errs(&format!("when {{ {condition} }}")) {
                wrong.push(format!("taken: {condition}"));
            }
            if evaluated(condition).is_some() {
                wrong.push(format!("has a value: {condition}"));
            }
        }
        for condition in MAY_HOLD {
            if only_errs(&format!("when {{ {condition} }}")) {
                wrong.push(format!("refused: {condition}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn clauses_are_conditions_one_after_the_other() {
        for (clauses, expected) in [
            ("when { context.a } unless { 1 }", true),
            ("unless { 1 < \"a\" }", true),
            ("when { context has a && context.a < \"b\" }", true),
            ("when { false } when { 1 }", false),
            ("unless { true } when { 1 }", false),
            ("unless { context.a } when { true }", false),
            ("when { context.a || 1 < \"b\" }", false),
            ("", false),
        ] {
            assert_eq!(only_errs(clauses), expected, "{clauses}");
        }
        assert!(outcome("when { context.a || 1 < \"b\" }").fault.is_some());
    }

    #[test]
    fn records_in_records_are_looked_at_once() {
        let nested = format!("{}true{}", "{a: ".repeat(60), "}.a".repeat(60));
        assert!(!only_errs(&format!("when {{ {nested} }}")));
    }
}
