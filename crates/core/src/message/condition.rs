//! `when`: a minijinja expression in which an undefined name makes its own comparison false.
//!
//! The engine has no such rule: with strict names `queue.total >= 10 or task.failed` fails for an event without a
//! queue, and with lenient names a typo goes unnoticed. So comparisons are evaluated one by one and combined here.

use super::boolean_expr::BooleanExpr;
use super::comparison::{Comparison, MAX_SHOWN_CHARS};
use super::context::{Context, ROOTS};
use super::engine_error::EngineError;
use super::expr::{Expression, is_builtin};
use super::expr_ast::parse;
use super::filters::clip;
use super::{doubts, foreign_syntax, known_fields, never_true, sample, source_bounds, source_tokens};
use minijinja::Value;
use minijinja::machinery::parse_expr;
use std::fmt;

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
        let clause = match BooleanExpr::build(source, &parse(source), &mut 0) {
            Ok(clause) => clause,
            // A part that is not valid on its own: the whole expression is one comparison.
            Err(_) => {
                let whole = Expression::compile(source, true).map_err(fail)?;
                BooleanExpr::Comparison(Comparison::of_whole(source, whole))
            }
        };
        Ok(Condition { source: source.to_owned(), clause })
    }

    /// The same over other names than those of an event.
    ///
    /// # Errors
    /// The syntax error, or the name that is unknown, in words.
    pub fn over(source: &str, roots: &[&str]) -> Result<Condition, String> {
        let condition = Condition::compile(source)?;
        let is_known = |root: &str| roots.contains(&root) || is_builtin(root);
        let read = condition.names();
        match read.iter().filter_map(|path| path.split('.').next()).find(|root| !is_known(root)) {
            Some(root) => Err(format!("`{root}` is undefined; the known names are {}", names(roots))),
            None => Ok(condition),
        }
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
        self.clause.account(context.value(), false, &mut 0, &mut said);
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
        let mut steps = 0;
        self.clause.each_comparison(&mut |test| {
            open.forget();
            match test.decide(open.value(), &mut steps) {
                Err(reason) if !open.was_guessed() => {
                    let is_quoted = reason.contains("a number") && reason.contains("a text");
                    let advice = if is_quoted { " (a number has no quotes)" } else { "" };
                    Err(format!("{reason}{advice} in `{}`", clip(&test.source, MAX_SHOWN_CHARS)))
                }
                _ => Ok(()),
            }
        })
    }

    /// What is allowed and probably a mistake: a misspelt field, a status that no task has.
    pub fn doubts(&self) -> Vec<String> {
        let mut found = doubts::of_names(&self.names());
        found.extend(doubts::of_words(&source_tokens::of_expression(&self.source).unwrap_or_default()));
        found
    }

    /// What is never true for events of these types.
    pub(crate) fn never_true(&self, kinds: &[String]) -> Vec<String> {
        never_true::reasons(&self.clause, kinds)
    }

    /// Whether an event of this type can make it true: not where it reads a name that such an event does not have, and is
    /// false for the sample.
    pub(crate) fn can_be_about(&self, kind: &str) -> bool {
        let context = sample::context(kind);
        let has_root =
            |name: &String| name.split('.').next().is_some_and(|root| context.at(&[root]).is_some());
        let has_all = self.names().iter().all(has_root);
        has_all || self.holds(&context) != ConditionResult::False
    }

    /// The names it reads, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let _ = self.clause.each_comparison(&mut |test| {
            names.extend(test.paths.iter().map(|path| path.join(".")));
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
        if doubts::is_status(name) { format!(" A text needs quotes: `'{name}'`") } else { String::new() };
    let meant = foreign_syntax::of_name(name)
        .or_else(|| known_fields::owner(name).map(|meant| format!("did you mean `{meant}`?{quoted}")))
        .or_else(|| (!quoted.is_empty()).then(|| quoted.trim_start().to_owned()))
        .or_else(|| {
            let roots = ["task", "queue", "batch", "alert", "host"].into_iter();
            let meant = roots.filter_map(|root| known_fields::nearest(&format!("{root}.{name}"))).next();
            meant.map(|meant| format!("did you mean `{meant}`?"))
        })
        .or_else(|| ROOTS.iter().find(near).map(|root| format!("did you mean `{root}`?")));
    let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
    format!("`{name}` is undefined; the known names are {}{meant}", names(ROOTS))
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
