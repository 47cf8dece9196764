//! What a source must keep before the engine compiles it. The engine counts steps, but compiling recurses once per
//! operator, and values that hold each other recurse without end when they are printed. Both would overflow the stack,
//! which ends the host's process.

use super::context::ROOTS;
use super::engine_error::EngineError;
use super::repetition::{gives_scalar, is_list, is_list_of_lists, parts, repeated_list};
use super::source_tokens::{self, SourceToken};
use minijinja::ErrorKind;
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};
use minijinja::machinery::{Token, parse, parse_expr};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use std::collections::{HashMap, HashSet};

pub(super) const MAX_SOURCE_BYTES: usize = 256 * 1024;

/// The most operators in one `{{ … }}`, `{% … %}` or comparison.
pub(super) const MAX_OPERATORS: usize = 1000;

/// The most operators in a condition, whose parts between `and` and `or` are compiled one by one.
pub(super) const MAX_CONDITION_OPERATORS: usize = 20_000;

/// The most operators in all `{% … %}` of a text, which hand their values to each other.
const MAX_CARRIED: usize = 2000;

/// The most values that a value may repeat.
const MAX_WEIGHT: u64 = 300;

pub(super) fn check_expression(source: &str) -> Result<(), EngineError> {
    check_operators(source, source_tokens::of_expression(source), MAX_OPERATORS)?;
    parse_expr(source).map_or(Ok(()), |value| StatementCheck::default().value(&value))
}

pub(super) fn check_condition(source: &str) -> Result<(), EngineError> {
    check_operators(source, source_tokens::of_expression(source), MAX_CONDITION_OPERATORS)
}

pub(super) fn check_text(source: &str) -> Result<(), EngineError> {
    check_operators(source, source_tokens::of_text(source), MAX_OPERATORS)?;
    // The engine's own error says more about what cannot be parsed.
    match parse(source, "", SyntaxConfig::default()) {
        Ok(Stmt::Template(whole)) => StatementCheck::default().all(&whole.children),
        _ => Ok(()),
    }
}

fn refused(line: Option<usize>, reason: impl Into<String>) -> EngineError {
    EngineError { kind: ErrorKind::SyntaxError, line, reason: reason.into() }
}

/// Counts the operators between the ends of a block. Every level of nesting needs at least one.
fn check_operators(
    source: &str,
    tokens: Result<Vec<SourceToken<'_>>, minijinja::Error>,
    most: usize,
) -> Result<(), EngineError> {
    if source.len() > MAX_SOURCE_BYTES {
        let kib = MAX_SOURCE_BYTES / 1024;
        return Err(refused(None, format!("it is longer than {kib} KiB; shorten it")));
    }
    // What cannot be read is refused by the engine.
    let Ok(tokens) = tokens else { return Ok(()) };
    let (mut count, mut carried) = (0, 0);
    let mut is_statement = false;
    for token in &tokens {
        match token.token {
            Token::VariableStart | Token::BlockStart => {
                count = 0;
                is_statement = matches!(token.token, Token::BlockStart);
            }
            _ if is_operator(token) => count += 1,
            _ => continue,
        }
        // A statement may hand its value to the next one, so the nesting of these adds up.
        carried += usize::from(is_statement);
        if count > most || carried > MAX_CARRIED {
            let line = 1 + source.get(..token.at.start).map_or(0, |before| before.matches('\n').count());
            return Err(refused(Some(line), format!("more than {most} operators; shorten it or split it")));
        }
    }
    Ok(())
}

fn is_operator(token: &SourceToken<'_>) -> bool {
    match token.token {
        Token::Ident(word) => matches!(word, "and" | "or" | "not" | "if" | "in" | "is"),
        Token::TemplateData(_)
        | Token::Str(_)
        | Token::String(_)
        | Token::Int(_)
        | Token::Int128(_)
        | Token::Float(_)
        | Token::Comma
        | Token::Colon
        | Token::BracketClose
        | Token::ParenClose
        | Token::BraceClose
        | Token::VariableEnd
        | Token::BlockEnd => false,
        _ => true,
    }
}

/// Follows the statements of a text in order, and refuses what would let a value hold itself, grow with each turn of a
/// loop, or double with each statement.
struct StatementCheck {
    /// The names whose values come from the event alone.
    of_event: HashSet<String>,
    /// How many values of the event a value may repeat; 1 for a name that is not here.
    weights: HashMap<String, u64>,
    /// The names that hold a list or an object that the text makes.
    lists: HashSet<String>,
}

impl Default for StatementCheck {
    fn default() -> Self {
        let of_event = ROOTS.iter().map(|root| (*root).to_owned()).collect();
        StatementCheck { of_event, weights: HashMap::new(), lists: HashSet::new() }
    }
}

impl StatementCheck {
    fn all(&mut self, statements: &[Stmt<'_>]) -> Result<(), EngineError> {
        statements.iter().try_for_each(|statement| self.one(statement))
    }

    fn one(&mut self, statement: &Stmt<'_>) -> Result<(), EngineError> {
        match statement {
            Stmt::ForLoop(each) => {
                if each.recursive {
                    let line = usize::from(each.span().start_line);
                    return Err(refused(Some(line), "`recursive` loops are not available; nest plain loops"));
                }
                each.filter_expr.as_ref().map_or(Ok(()), |filter| self.value(filter))?;
                self.assign(&each.target, &each.iter, is_list_of_lists(&each.iter, &self.lists))?;
                self.all(&each.body)?;
                self.all(&each.else_body)
            }
            Stmt::EmitExpr(print) => self.value(&print.expr),
            Stmt::IfCond(branch) => {
                self.value(&branch.expr)?;
                self.all(&branch.true_body)?;
                self.all(&branch.false_body)
            }
            Stmt::WithBlock(with) => {
                for (target, value) in &with.assignments {
                    self.assign(target, value, is_list(value, &self.lists))?;
                }
                self.all(&with.body)
            }
            Stmt::Set(set) => {
                if let Expr::GetAttr(field) = &set.target
                    && !self.is_of_event(&set.expr)
                {
                    return Err(refused(
                        Some(usize::from(set.span().start_line)),
                        format!(
                            "the field `{}` of a namespace may hold a number, a text, true or false, or a value of the \
                             event, so that no value holds itself; write `| int`, `| float` or `| string` behind it",
                            field.name
                        ),
                    ));
                }
                self.assign(&set.target, &set.expr, is_list(&set.expr, &self.lists))
            }
            Stmt::SetBlock(set) => {
                self.bind(&set.target, set.filter.is_none(), 1, false);
                self.all(&set.body)
            }
            Stmt::AutoEscape(block) => self.all(&block.body),
            Stmt::FilterBlock(block) => {
                self.value(&block.filter)?;
                self.all(&block.body)
            }
            _ => Ok(()),
        }
    }

    fn assign(&mut self, target: &Expr<'_>, value: &Expr<'_>, as_list: bool) -> Result<(), EngineError> {
        self.value(value)?;
        self.bind(target, self.is_of_event(value), self.weight(value), as_list);
        Ok(())
    }

    /// Refuses a value that repeats others too often.
    fn value(&self, value: &Expr<'_>) -> Result<(), EngineError> {
        if let Some(line) = repeated_list(value, &self.lists) {
            return Err(refused(Some(line), "a list cannot be repeated with `*`; write a loop"));
        }
        if self.is_too_heavy(value) {
            let line = Some(usize::from(value.span().start_line));
            return Err(refused(
                line,
                "this value repeats the values before it too often; build it in one step",
            ));
        }
        Ok(())
    }

    fn is_too_heavy(&self, value: &Expr<'_>) -> bool {
        // What stands inside a scalar has its own weight.
        self.weight(value) > MAX_WEIGHT
            || is_scalar(value) && parts(value).into_iter().any(|part| self.is_too_heavy(part))
    }

    fn bind(&mut self, target: &Expr<'_>, from_event: bool, weight: u64, as_list: bool) {
        match target {
            Expr::Var(name) => {
                for (names, is_one) in [(&mut self.of_event, from_event), (&mut self.lists, as_list)] {
                    names.remove(name.id);
                    names.extend(is_one.then(|| name.id.to_owned()));
                }
                self.weights.insert(name.id.to_owned(), weight);
            }
            Expr::List(_) | Expr::Tuple(_) => {
                parts(target).into_iter().for_each(|name| self.bind(name, from_event, weight, as_list));
            }
            _ => {}
        }
    }

    /// How many values of the event this may repeat. A list or an object that the text makes counts at least 2.
    fn weight(&self, value: &Expr<'_>) -> u64 {
        let all = || parts(value).into_iter().fold(0, |sum: u64, part| sum.saturating_add(self.weight(part)));
        match value {
            Expr::Const(_) => 0,
            scalar if is_scalar(scalar) => 1,
            Expr::Var(name) => self.weights.get(name.id).copied().unwrap_or(1),
            Expr::Slice(slice) => self.weight(&slice.expr),
            Expr::GetAttr(field) => self.weight(&field.expr),
            Expr::GetItem(item) => self.weight(&item.expr),
            Expr::IfExpr(choice) => {
                let other = choice.false_expr.as_ref().map_or(1, |other| self.weight(other));
                self.weight(&choice.true_expr).max(other)
            }
            Expr::Filter(filter) => all().saturating_add(u64::from(filter.expr.is_none())),
            Expr::BinOp(_) | Expr::Call(_) => all(),
            Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => all().max(2),
            _ => 1,
        }
    }

    /// Whether the value holds no list or object that the text itself makes.
    fn is_of_event(&self, value: &Expr<'_>) -> bool {
        match value {
            Expr::Var(name) => self.of_event.contains(name.id),
            Expr::GetAttr(field) => match &field.expr {
                Expr::Var(name) if name.id == "loop" => true,
                inner => self.is_of_event(inner),
            },
            Expr::GetItem(item) => self.is_of_event(&item.expr),
            Expr::IfExpr(choice) => {
                self.is_of_event(&choice.true_expr)
                    && choice.false_expr.as_ref().is_none_or(|other| self.is_of_event(other))
            }
            Expr::BinOp(pair) if matches!(pair.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
                self.is_of_event(&pair.left) && self.is_of_event(&pair.right)
            }
            Expr::Filter(filter) if matches!(filter.name, "default" | "d") => {
                filter.expr.as_ref().is_none_or(|inner| self.is_of_event(inner))
                    && filter.args.iter().all(|argument| match argument {
                        CallArg::Pos(other) | CallArg::Kwarg(_, other) => self.is_of_event(other),
                        _ => false,
                    })
            }
            scalar => is_scalar(scalar),
        }
    }
}

/// Whether the value is a number, a text, true or false for certain.
fn is_scalar(value: &Expr<'_>) -> bool {
    match value {
        Expr::Const(constant) => !matches!(
            constant.value.kind(),
            ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::Plain
        ),
        Expr::Compare(_) | Expr::Test(_) | Expr::UnaryOp(_) => true,
        Expr::BinOp(pair) => match pair.op {
            BinOpKind::ScAnd | BinOpKind::ScOr | BinOpKind::Mul => {
                is_scalar(&pair.left) && is_scalar(&pair.right)
            }
            // Lists can be added to lists only.
            BinOpKind::Add => is_scalar(&pair.left) || is_scalar(&pair.right),
            _ => true,
        },
        Expr::IfExpr(choice) => {
            is_scalar(&choice.true_expr) && choice.false_expr.as_ref().is_none_or(is_scalar)
        }
        Expr::Filter(filter) => gives_scalar(filter.name),
        _ => false,
    }
}
