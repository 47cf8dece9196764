//! `when`: a minijinja expression in which an undefined name makes its own comparison false.
//!
//! The engine has no such rule: with strict names `queue.total >= 10 or task.failed` fails for an event without a
//! queue, and with lenient names a typo goes unnoticed. So comparisons are evaluated one by one and combined here.

use super::context::leaf;
use super::context::{Context, ROOTS};
use super::expr::{EngineError, Expression, is_builtin};
use super::expr_ast::{Comparator, ComparisonAst, ExprAst, parse};
use super::filters::clip;
use super::long_number::{self, is_number};
use super::{doubts, foreign_syntax, known_fields, never_true, sample, source_bounds, source_tokens};
use minijinja::machinery::parse_expr;
use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

/// The most characters of a value in an explanation.
const MAX_SHOWN_CHARS: usize = 80;

/// A compiled condition.
///
/// `a or b`, `a and b` and `not a` are combined from comparisons. A comparison that reads an undefined name is false,
/// whatever its operator; so is `<`, `<=`, `>`, `>=` or `in` with null. A name is defined when each step to it is:
/// `task.metrics.loss` is undefined for a task without metrics.
pub struct Condition {
    source: String,
    clause: BooleanExpr,
}

/// The result of a condition for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionResult {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It could not be evaluated; the hook fires, and the reason is logged.
    Broken(String),
}

impl Condition {
    /// Compiles an expression.
    ///
    /// # Errors
    /// The syntax error in words.
    pub fn compile(source: &str) -> Result<Condition, String> {
        let fail = |error: EngineError| {
            foreign_syntax::in_expression(source).filter(|_| error.is_of_syntax()).unwrap_or(error.reason)
        };
        source_bounds::check_condition(source).map_err(fail)?;
        parse_expr(source).map_err(|error| fail(error.into()))?;
        let clause = match BooleanExpr::build(source, &parse(source)) {
            Ok(clause) => clause,
            // A part that is not valid on its own: the whole expression is one comparison.
            Err(_) => {
                let whole = Expression::compile(source, true).map_err(fail)?;
                BooleanExpr::Comparison(Comparison {
                    source: source.to_owned(),
                    paths: paths(&whole),
                    whole,
                    operands: Vec::new(),
                    operators: Vec::new(),
                })
            }
        };
        Ok(Condition { source: source.to_owned(), clause })
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates the condition.
    pub fn holds(&self, context: &Context) -> ConditionResult {
        match self.decide(context.value(), &mut 0) {
            Ok(true) => ConditionResult::True,
            Ok(false) => ConditionResult::False,
            Err(reason) => ConditionResult::Broken(reason),
        }
    }

    /// The comparisons that decide, with their values: ``` `queue.total >= 10` where queue.total is 3 ```.
    pub fn account(&self, context: &Context) -> String {
        let mut said = Vec::new();
        self.clause.account(context.value(), &mut said);
        said.join(", ")
    }

    /// Evaluates it on sample data of this event type, to find a name that no context has, such as `tsak.status`,
    /// and anything that would be [`ConditionResult::Broken`]. Does not find a misspelt field of a known object,
    /// because a host may add fields.
    ///
    /// # Errors
    /// The problem in words.
    pub fn check(&self, kind: &str) -> Result<(), String> {
        self.check_names(&[])?;
        let open = sample::open_context(kind);
        self.clause.each_comparison(&mut |test| {
            open.forget();
            match test.decide(open.value(), &mut 0) {
                Err(reason) if !open.was_guessed() => {
                    Err(format!("{reason} in `{}`", clip(&test.source, MAX_SHOWN_CHARS)))
                }
                _ => Ok(()),
            }
        })
    }

    /// What is allowed and hardly meant: a misspelt field, a status that no task has.
    pub fn doubts(&self) -> Vec<String> {
        let mut names: Vec<String> = self.names().iter().map(|path| path.join(".")).collect();
        names.dedup();
        let mut found = doubts::of_names(&names);
        found.extend(doubts::of_words(&source_tokens::of_expression(&self.source).unwrap_or_default()));
        found
    }

    /// What is never true for events of these types.
    pub(crate) fn never_true(&self, kinds: &[String]) -> Vec<String> {
        never_true::reasons(self, kinds)
    }

    pub(super) fn clause(&self) -> &BooleanExpr {
        &self.clause
    }

    /// The names it reads, split at the dots, in order.
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut names = Vec::new();
        let _ = self.clause.each_comparison(&mut |test| {
            names.extend(test.paths.iter().cloned());
            Ok(())
        });
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Evaluates it in this scope, and adds the steps taken.
    pub(super) fn decide(&self, scope: &Value, steps: &mut u64) -> Result<bool, String> {
        self.clause.decide(scope, steps)
    }

    /// Rejects a name that is neither a root of the context nor one of `locals`.
    pub(super) fn check_names(&self, locals: &[String]) -> Result<(), String> {
        self.clause.each_comparison(&mut |test| match test
            .paths
            .iter()
            .filter_map(|path| path.first())
            .find(|name| !ROOTS.contains(&name.as_str()) && !locals.contains(name) && !is_builtin(name))
        {
            Some(name) => Err(unknown_root(name)),
            None => Ok(()),
        })
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// The error for a name that no context has.
pub(super) fn unknown_root(name: &str) -> String {
    let near = |root: &&&str| strsim::osa_distance(root, &name.to_lowercase()) <= 2;
    let quoted =
        if doubts::is_status(name) { format!(" A text stands in quotes: `'{name}'`") } else { String::new() };
    let meant = foreign_syntax::of_name(name)
        .or_else(|| known_fields::owner(name).map(|meant| format!("did you mean `{meant}`?{quoted}")))
        .or_else(|| (!quoted.is_empty()).then(|| quoted.trim_start().to_owned()))
        .or_else(|| ROOTS.iter().find(near).map(|root| format!("did you mean `{root}`?")));
    let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
    format!("`{name}` is undefined; the known names are {}{meant}", names(ROOTS))
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(super) enum BooleanExpr {
    All(Vec<BooleanExpr>),
    Any(Vec<BooleanExpr>),
    Not(Box<BooleanExpr>),
    Comparison(Comparison),
}

impl BooleanExpr {
    fn build(source: &str, shape: &ExprAst) -> Result<BooleanExpr, EngineError> {
        let all = |shapes: &[ExprAst]| -> Result<Vec<BooleanExpr>, EngineError> {
            shapes.iter().map(|shape| BooleanExpr::build(source, shape)).collect()
        };
        Ok(match shape {
            ExprAst::All(parts) => BooleanExpr::All(all(parts)?),
            ExprAst::Any(parts) => BooleanExpr::Any(all(parts)?),
            ExprAst::Not(part) => BooleanExpr::Not(Box::new(BooleanExpr::build(source, part)?)),
            ExprAst::Comparison(test) => BooleanExpr::Comparison(Comparison::build(source, test)?),
        })
    }

    fn decide(&self, scope: &Value, steps: &mut u64) -> Result<bool, String> {
        match self {
            BooleanExpr::All(parts) => {
                for part in parts {
                    if !part.decide(scope, steps)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            BooleanExpr::Any(parts) => {
                for part in parts {
                    if part.decide(scope, steps)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            BooleanExpr::Not(part) => part.decide(scope, steps).map(|holds| !holds),
            BooleanExpr::Comparison(test) => test.decide(scope, steps),
        }
    }

    /// The comparisons that decide: the first one if it is enough, else all.
    fn account(&self, scope: &Value, said: &mut Vec<String>) {
        match self {
            BooleanExpr::All(parts) | BooleanExpr::Any(parts) => {
                let decides = matches!(self, BooleanExpr::Any(_));
                let deciding = parts.iter().find(|part| part.decide(scope, &mut 0) == Ok(decides));
                match deciding {
                    Some(part) => part.account(scope, said),
                    None => parts.iter().for_each(|part| part.account(scope, said)),
                }
            }
            BooleanExpr::Not(part) => part.account(scope, said),
            BooleanExpr::Comparison(test) => said.push(test.account(scope)),
        }
    }

    fn each_comparison(
        &self,
        visit: &mut dyn FnMut(&Comparison) -> Result<(), String>,
    ) -> Result<(), String> {
        match self {
            BooleanExpr::All(parts) | BooleanExpr::Any(parts) => {
                parts.iter().try_for_each(|part| part.each_comparison(visit))
            }
            BooleanExpr::Not(part) => part.each_comparison(visit),
            BooleanExpr::Comparison(test) => visit(test),
        }
    }
}

/// A comparison, or a value tested for truth.
pub(super) struct Comparison {
    pub source: String,
    whole: Expression,
    /// Compiled separately, to find out whether one of them is undefined.
    pub operands: Vec<Operand>,
    pub operators: Vec<Comparator>,
    /// The names it reads, split at the dots.
    pub paths: Vec<Vec<String>>,
}

pub(super) enum Operand {
    /// Reads no name.
    Constant(Value),
    /// A plain name, `queue.total`. Looked up without the engine, because most comparisons use these and every hook
    /// evaluates every event.
    Name(Vec<String>),
    Variable(Expression),
}

impl Operand {
    fn compile(source: &str) -> Result<Operand, EngineError> {
        let expression = Expression::compile(source, true)?;
        if let Some(path) = plain_name(source) {
            return Ok(Operand::Name(path));
        }
        match expression.names(false).is_empty().then(|| expression.evaluate(&Value::UNDEFINED)) {
            Some(Ok((value, _))) => Ok(Operand::Constant(value)),
            _ => Ok(Operand::Variable(expression)),
        }
    }
}

impl Comparison {
    fn build(source: &str, shape: &ComparisonAst) -> Result<Comparison, EngineError> {
        let text = |range: &Range<usize>| source.get(range.clone()).unwrap_or_default();
        let whole = Expression::compile(text(&shape.source), true)?;
        let operands = if shape.operators.is_empty() {
            Vec::new()
        } else {
            shape.operands.iter().map(|range| Operand::compile(text(range))).collect::<Result<_, _>>()?
        };
        let source = text(&shape.source).trim().to_owned();
        Ok(Comparison { source, paths: paths(&whole), whole, operands, operators: shape.operators.clone() })
    }

    /// The comparison as written, with the values of its names.
    fn account(&self, scope: &Value) -> String {
        let longest = |path: &&Vec<String>| {
            !self.paths.iter().any(|other| other.len() > path.len() && other.starts_with(path))
        };
        let values: Vec<String> = self
            .paths
            .iter()
            .filter(longest)
            .map(|path| format!("{} is {}", path.join("."), shown(scope, path)))
            .collect();
        match values.as_slice() {
            [] => format!("`{}`", self.source),
            values => format!("`{}` where {}", self.source, values.join(" and ")),
        }
    }

    pub fn decide(&self, scope: &Value, steps: &mut u64) -> Result<bool, String> {
        // Almost every comparison has two operands.
        if let [left, right] = self.operands.as_slice() {
            let Some(left) = self.value(left, scope, steps)? else { return Ok(false) };
            let Some(right) = self.value(right, scope, steps)? else { return Ok(false) };
            return self.compare_all(&[left, right], scope, steps);
        }
        let mut values = Vec::with_capacity(self.operands.len());
        for operand in &self.operands {
            match self.value(operand, scope, steps)? {
                Some(value) => values.push(value),
                None => return Ok(false),
            }
        }
        self.compare_all(&values, scope, steps)
    }

    /// The value of an operand; `None` when it is undefined.
    fn value(&self, operand: &Operand, scope: &Value, steps: &mut u64) -> Result<Option<Value>, String> {
        match operand {
            Operand::Constant(value) => Ok(Some(value.clone())),
            Operand::Name(path) => Ok(look_up(scope, path)),
            Operand::Variable(expression) => self.settle(expression.evaluate(scope), scope, steps),
        }
    }

    fn compare_all(&self, values: &[Value], scope: &Value, steps: &mut u64) -> Result<bool, String> {
        let mut engine_decides = self.operators.is_empty();
        for (operator, pair) in self.operators.iter().zip(values.windows(2)) {
            let [left, right] = pair else { continue };
            match compare(*operator, left, right)? {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => engine_decides = true,
            }
        }
        if !engine_decides {
            return Ok(true);
        }
        let value = self.settle(self.whole.evaluate(scope), scope, steps)?;
        Ok(value.is_some_and(|value| value.is_true()))
    }

    /// The value of an evaluation; `None` when it failed because of an undefined name.
    fn settle(
        &self,
        done: Result<(Value, u64), EngineError>,
        scope: &Value,
        steps: &mut u64,
    ) -> Result<Option<Value>, String> {
        match done {
            Ok((value, used)) => {
                *steps += used;
                Ok((!value.is_undefined()).then_some(value))
            }
            Err(error) => match error.kind {
                ErrorKind::UndefinedError => Ok(None),
                ErrorKind::OutOfFuel
                | ErrorKind::UnknownFilter
                | ErrorKind::UnknownTest
                | ErrorKind::UnknownFunction => Err(error.reason),
                _ if self.paths.iter().any(|path| is_undefined(scope, path)) => Ok(None),
                _ => Err(error.reason),
            },
        }
    }
}

/// The steps of a dotted name that starts at a root of the context.
fn plain_name(source: &str) -> Option<Vec<String>> {
    let is_word = |step: &str| {
        step.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && step.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
    };
    let steps: Vec<String> = source.trim().split('.').map(str::to_owned).collect();
    let plain = steps.iter().all(|step| is_word(step));
    let rooted = steps.first().is_some_and(|root| ROOTS.contains(&root.as_str()));
    (plain && rooted && steps.len() > 1).then_some(steps)
}

/// The value of a name; `None` when it is undefined.
fn look_up(scope: &Value, path: &[String]) -> Option<Value> {
    if let Some(found) = leaf(scope, path) {
        return found;
    }
    let (root, rest) = path.split_first()?;
    let root = scope.get_attr(root).ok()?;
    let value = rest.iter().try_fold(root, |value, step| value.get_attr(step).ok())?;
    (!value.is_undefined()).then_some(value)
}

/// Compares two values; `None` when only the engine can. An order between different kinds is an error.
fn compare(operator: Comparator, left: &Value, right: &Value) -> Result<Option<bool>, String> {
    let kind = |value: &Value| if is_number(value) { ValueKind::Number } else { value.kind() };
    let (a, b) = (kind(left), kind(right));
    if let Some(invalid) = [left, right].into_iter().find(|value| value.kind() == ValueKind::Invalid) {
        return Err(invalid.to_string());
    }
    let long = long_number::compare(left, right);
    let ordered = match operator {
        Comparator::Equal => return Ok(Some(long.map_or_else(|| left == right, Ordering::is_eq))),
        Comparator::NotEqual => return Ok(Some(long.map_or_else(|| left != right, Ordering::is_ne))),
        Comparator::Membership => return Ok((b == ValueKind::None).then_some(false)),
        _ if a == ValueKind::None || b == ValueKind::None => return Ok(Some(false)),
        _ if group(a) != group(b) => {
            return Err(format!("cannot order {} and {}", kind_name(a), kind_name(b)));
        }
        _ => long.unwrap_or_else(|| left.cmp(right)),
    };
    Ok(Some(match operator {
        Comparator::Less => ordered.is_lt(),
        Comparator::LessOrEqual => ordered.is_le(),
        Comparator::Greater => ordered.is_gt(),
        _ => ordered.is_ge(),
    }))
}

/// A kind of value in words.
fn kind_name(kind: ValueKind) -> String {
    match kind {
        ValueKind::String => "a text".to_owned(),
        ValueKind::Seq | ValueKind::Iterable => "a list".to_owned(),
        ValueKind::Map => "an object".to_owned(),
        ValueKind::Bool => "`true` or `false`".to_owned(),
        other => format!("a {other}"),
    }
}

/// Maps kinds that can be ordered with each other to one kind.
fn group(kind: ValueKind) -> ValueKind {
    match kind {
        ValueKind::Bool => ValueKind::Number,
        ValueKind::Iterable => ValueKind::Seq,
        other => other,
    }
}

fn paths(expression: &Expression) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> =
        expression.names(true).into_iter().map(|name| name.split('.').map(str::to_owned).collect()).collect();
    paths.sort_unstable();
    paths
}

/// The value of a name, short enough for one line.
fn shown(scope: &Value, path: &[String]) -> String {
    match look_up(scope, path) {
        None => "undefined".to_owned(),
        Some(value) if value.kind() == ValueKind::String => {
            format!("'{}'", clip(&value.to_string(), MAX_SHOWN_CHARS))
        }
        Some(value) => clip(&value.to_string(), MAX_SHOWN_CHARS),
    }
}

/// Whether a step of this name is missing. A step below a text or a number is a mistake in the expression instead.
fn is_undefined(scope: &Value, path: &[String]) -> bool {
    let mut value = scope.clone();
    for step in path {
        if value.kind() != ValueKind::Map {
            return false;
        }
        value = value.get_attr(step).unwrap_or(Value::UNDEFINED);
        if value.is_undefined() {
            return true;
        }
    }
    false
}
