//! A comparison of a condition: `queue.total >= 10`, or a value that is tested for truth.

use super::context::{ROOTS, leaf, shared_leaf};
use super::engine_error::{EngineError, FUEL_PER_PIECE};
use super::expr::Expression;
use super::expr_ast::{Comparator, ComparisonAst};
use super::filters::clip;
use super::json_value;
use super::long_number::{self, is_number};
use super::render_budget::STEPS_PER_RENDER;
use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// The steps for constants, after which further ones are evaluated with each event.
const FOLDING_STEPS: u64 = 10_000;

/// What a comparison of two lists or objects costs.
const STEPS_PER_COMPARED_LIST: u64 = 500;

/// What an evaluation costs that ended with an error.
const STEPS_PER_ERROR: u64 = 500;

/// The most characters of a value in an explanation.
pub(super) const MAX_SHOWN_CHARS: usize = 80;

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
    Name(Arc<[String]>),
    Variable(Expression),
}

impl Operand {
    /// `folding` is the number of steps that were taken for constants.
    fn compile(source: &str, folding: &mut u64) -> Result<Operand, EngineError> {
        let expression = Expression::compile(source, true)?;
        if let Some(path) = plain_name(source) {
            return Ok(Operand::Name(path.into()));
        }
        if !expression.names(false).is_empty() || *folding > FOLDING_STEPS {
            return Ok(Operand::Variable(expression));
        }
        match expression.evaluate(&Value::UNDEFINED) {
            Ok((value, steps)) => {
                *folding += steps;
                Ok(Operand::Constant(value))
            }
            Err(error) => {
                *folding += steps_to(&error);
                Ok(Operand::Variable(expression))
            }
        }
    }
}

impl Comparison {
    /// An expression that cannot be taken apart.
    pub(super) fn of_whole(source: &str, whole: Expression) -> Comparison {
        let (operands, operators) = (Vec::new(), Vec::new());
        Comparison { source: source.to_owned(), paths: paths(&whole), whole, operands, operators }
    }

    pub(super) fn build(
        source: &str,
        shape: &ComparisonAst,
        folding: &mut u64,
    ) -> Result<Comparison, EngineError> {
        let text = |range: &Range<usize>| source.get(range.clone()).unwrap_or_default();
        let whole = Expression::compile(text(&shape.source), true)?;
        let operands = if shape.operators.is_empty() {
            Vec::new()
        } else {
            shape
                .operands
                .iter()
                .map(|range| Operand::compile(text(range), folding))
                .collect::<Result<_, _>>()?
        };
        let source = text(&shape.source).trim().to_owned();
        Ok(Comparison { source, paths: paths(&whole), whole, operands, operators: shape.operators.clone() })
    }

    /// The comparison as written, with the values of its names.
    pub(super) fn account(&self, scope: &Value, negated: bool) -> String {
        let longest = |path: &&Vec<String>| {
            !self.paths.iter().any(|other| other.len() > path.len() && other.starts_with(path))
        };
        let values: Vec<String> = self
            .paths
            .iter()
            .filter(longest)
            .map(|path| format!("{} is {}", path.join("."), shown(scope, path)))
            .collect();
        let not = if negated { "not " } else { "" };
        match values.as_slice() {
            [] => format!("`{not}{}`", self.source),
            values => format!("`{not}{}` where {}", self.source, values.join(" and ")),
        }
    }

    pub(super) fn decide(&self, scope: &Value, steps: &mut u64) -> Result<bool, String> {
        if *steps > STEPS_PER_RENDER {
            return Err(format!("stopped after {STEPS_PER_RENDER} steps; shorten the condition"));
        }
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
            Operand::Name(path) => Ok(shared_leaf(scope, path).unwrap_or_else(|| walk(scope, path))),
            Operand::Variable(expression) => self.settle(expression.evaluate(scope), scope, steps),
        }
    }

    fn compare_all(&self, values: &[Value], scope: &Value, steps: &mut u64) -> Result<bool, String> {
        let mut engine_decides = self.operators.is_empty();
        for (operator, pair) in self.operators.iter().zip(values.windows(2)) {
            let [left, right] = pair else { continue };
            let is_large = |value: &Value| matches!(group(value.kind()), ValueKind::Seq | ValueKind::Map);
            if is_large(left) && is_large(right) {
                *steps += STEPS_PER_COMPARED_LIST;
            }
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
            Err(error) => {
                *steps += steps_to(&error);
                self.settle_error(error, scope)
            }
        }
    }

    fn settle_error(&self, error: EngineError, scope: &Value) -> Result<Option<Value>, String> {
        match error.kind {
            ErrorKind::UndefinedError => Ok(None),
            ErrorKind::OutOfFuel
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction => Err(error.reason),
            _ if self.paths.iter().any(|path| is_undefined(scope, path)) => Ok(None),
            _ => Err(error.reason),
        }
    }
}

/// About how many steps led to this error, which does not tell.
fn steps_to(error: &EngineError) -> u64 {
    if error.kind == ErrorKind::OutOfFuel { FUEL_PER_PIECE } else { STEPS_PER_ERROR }
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
    leaf(scope, path).unwrap_or_else(|| walk(scope, path))
}

/// The same for what is no scalar of a context.
fn walk(scope: &Value, path: &[String]) -> Option<Value> {
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
    let mut names: Vec<String> = expression.names(true).into_iter().collect();
    names.sort_unstable();
    names.iter().map(|name| name.split('.').map(str::to_owned).collect()).collect()
}

/// The value of a name, short enough for one line.
fn shown(scope: &Value, path: &[String]) -> String {
    match look_up(scope, path) {
        None => "undefined".to_owned(),
        Some(value) if value.kind() == ValueKind::String => {
            format!("'{}'", clip(&value.to_string(), MAX_SHOWN_CHARS))
        }
        Some(value) if value.kind() == ValueKind::Bool => value.is_true().to_string(),
        Some(value) => match (json_value::to_json(&value, &mut (8 * MAX_SHOWN_CHARS)), value.len()) {
            (Err(_), Some(length)) => format!("a {} of {length}", value.kind()),
            _ => clip(&value.to_string(), MAX_SHOWN_CHARS),
        },
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
