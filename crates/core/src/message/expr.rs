//! The template engine (minijinja) with Taskbell's filters and limits: compiles and evaluates expressions and inline
//! templates. The engine counts steps, because users write templates and these run in the host's process: an endless
//! loop or a huge text must end with an error.

use super::engine_error::{EngineError, FUEL_PER_PIECE};
use super::source_tokens::{self, SourceToken};
use super::{
    as_given, defaulted_paths, doubts, evaluation, filters, foreign_syntax, json_text, literals, marks,
    source_bounds, time_filters,
};
use crate::hash::stable_hash;
use minijinja::machinery::Token;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use once_cell::sync::Lazy;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io;

/// The name of the only template in an environment.
const PIECE: &str = "piece";

/// The key under which an expression stores its value in the engine's state.
const RESULT: &str = "taskbell.result";

static ENGINE: Lazy<Environment<'static>> = Lazy::new(|| {
    let mut engine = Environment::new();
    // Otherwise an error does not name the undefined name.
    engine.set_debug(true);
    engine.set_fuel(Some(FUEL_PER_PIECE));
    engine.set_recursion_limit(64);
    // Building fails for invalid delimiters only; these are the default ones.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        engine.set_syntax(syntax);
    }
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // `debug()` would print the whole context into a message.
    engine.remove_global("debug");
    filters::install(&mut engine);
    time_filters::install(&mut engine);
    defaulted_paths::install(&mut engine);
    marks::install_untouched(&mut engine);
    json_text::install(&mut engine);
    as_given::install(&mut engine);
    engine
});

/// The engine of a platform that reads markup: it marks what comes from the event. What `{% set %}` captures is marked
/// already, and so safe.
static MARKING_ENGINE: Lazy<Environment<'static>> = Lazy::new(|| {
    let mut engine = ENGINE.clone();
    engine.set_auto_escape_callback(|_| minijinja::AutoEscape::Custom("marks".into()));
    marks::install_in_text(&mut engine);
    engine
});

/// A new environment with Taskbell's filters and limits, for one template.
pub(super) fn engine() -> Environment<'static> {
    ENGINE.clone()
}

/// Whether the engine defines this name, such as `range`.
pub(super) fn is_builtin(name: &str) -> bool {
    ENGINE.globals().any(|(builtin, _)| builtin == name)
}

pub(super) struct Expression {
    engine: Box<Environment<'static>>,
    source: Box<str>,
    /// Its number in every process.
    piece: u64,
    /// The names it reads, with their attributes.
    names: HashSet<String>,
}

impl Expression {
    /// Compiles an expression. With `lenient` an undefined name may be tested for truth.
    pub(super) fn compile(source: &str, lenient: bool) -> Result<Expression, EngineError> {
        source_bounds::check_expression(source)?;
        // Compiled alone first, so that the source cannot close the braces that are added below.
        let names = ENGINE.compile_expression_owned(source.to_owned())?.undeclared_variables(true);
        let written = source;
        let optional = defaulted_paths::of_expression(source);
        let source = if lenient { Cow::Borrowed(&*optional) } else { as_given::of_expression(&optional) };
        let mut engine = Box::new(engine());
        if lenient {
            // Undefined names are normal in a condition, so they are not traced.
            engine.set_debug(false);
            engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        }
        engine.set_formatter(keep_value);
        engine.add_template_owned(PIECE, format!("{{{{ {source} }}}}"))?;
        Ok(Expression { engine, source: written.into(), piece: stable_hash(written), names })
    }

    /// The same expression for a platform that reads markup.
    pub(super) fn compile_marking(source: &str) -> Result<Expression, EngineError> {
        let names = ENGINE.compile_expression_owned(source.to_owned())?.undeclared_variables(true);
        let optional = defaulted_paths::of_expression(source);
        let optional = as_given::of_expression(&optional);
        let marked = literals::marked_expression(&optional);
        let mut engine = Box::new(MARKING_ENGINE.clone());
        engine.set_formatter(keep_value);
        engine.add_template_owned(PIECE, format!("{{{{ {} }}}}", marked.as_deref().unwrap_or(&optional)))?;
        Ok(Expression { engine, source: source.into(), piece: stable_hash(source), names })
    }

    /// The value, and the steps it took.
    pub(super) fn evaluate(&self, scope: &Value) -> Result<(Value, u64), EngineError> {
        evaluation::watched(self.piece, &self.source, || self.evaluate_here(scope))
    }

    fn evaluate_here(&self, scope: &Value) -> Result<(Value, u64), EngineError> {
        let captured = self.engine.get_template(PIECE)?.render_captured_to(scope.clone(), io::sink())?;
        let steps = captured.state().fuel_levels().map_or(0, |(used, _)| used);
        Ok((captured.state().get_temp(RESULT).unwrap_or(Value::UNDEFINED), steps))
    }

    /// The names it reads from the scope; `nested` adds their attributes, as in `task.metrics.loss`.
    pub(super) fn names(&self, nested: bool) -> HashSet<String> {
        names(&self.names, nested)
    }

    /// What is allowed and probably a mistake.
    pub(super) fn doubts(&self) -> Vec<String> {
        doubts_of(&self.names, source_tokens::of_expression(&self.source))
    }
}

pub(super) struct InlineTemplate {
    engine: Box<Environment<'static>>,
    source: Box<str>,
    /// Its number in every process.
    piece: u64,
    /// The names it reads, with their attributes.
    names: HashSet<String>,
}

impl InlineTemplate {
    pub(super) fn compile(source: &str) -> Result<InlineTemplate, EngineError> {
        source_bounds::check_text(source)?;
        let mut engine = Box::new(engine());
        engine.set_formatter(print_value);
        // As written first, for the names and the lines of errors.
        engine.add_template_owned(PIECE, source.to_owned())?;
        let names = engine.get_template(PIECE)?.undeclared_variables(true);
        let optional = defaulted_paths::of_text(source);
        let rewritten = as_given::of_text(&optional);
        if rewritten != source {
            engine.add_template_owned(PIECE, rewritten.into_owned())?;
        }
        Ok(InlineTemplate { engine, source: source.into(), piece: stable_hash(source), names })
    }

    /// The same text for a platform that reads markup.
    pub(super) fn compile_marking(source: &str) -> Result<InlineTemplate, EngineError> {
        let mut engine = Box::new(MARKING_ENGINE.clone());
        engine.set_formatter(marks::print_marked);
        let optional = defaulted_paths::of_text(source);
        let given = as_given::of_text(&optional);
        let marked = literals::marked_text(&given).unwrap_or_else(|| given.into_owned());
        engine.add_template_owned(PIECE, marked)?;
        let names = engine.get_template(PIECE)?.undeclared_variables(true);
        Ok(InlineTemplate { engine, source: source.into(), piece: stable_hash(source), names })
    }

    /// The text of at most `room` bytes, and the steps it took.
    pub(super) fn print(&self, scope: &Value, room: usize) -> Result<(String, u64), EngineError> {
        evaluation::watched(self.piece, &self.source, || self.print_here(scope, room))
    }

    fn print_here(&self, scope: &Value, room: usize) -> Result<(String, u64), EngineError> {
        let mut page = BoundedWriter { text: Vec::new(), room };
        let captured = self.engine.get_template(PIECE)?.render_captured_to(scope.clone(), &mut page);
        match captured {
            Ok(captured) => {
                let steps = captured.state().fuel_levels().map_or(0, |(used, _)| used);
                Ok((String::from_utf8_lossy(&page.text).into_owned(), steps))
            }
            Err(error) if error.kind() == ErrorKind::WriteFailure => Err(EngineError {
                kind: ErrorKind::WriteFailure,
                line: error.line(),
                reason: super::template_error::too_large(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// The names it reads from the scope; `nested` adds their attributes.
    pub(super) fn names(&self, nested: bool) -> HashSet<String> {
        names(&self.names, nested)
    }

    /// What is allowed and probably a mistake.
    pub(super) fn doubts(&self) -> Vec<String> {
        text_doubts(&self.source, &self.names, false)
    }
}

/// What is allowed and probably a mistake in a text with `{{ … }}`; `in_json` as in [`foreign_syntax::placeholder`].
pub(super) fn text_doubts(source: &str, names: &HashSet<String>, in_json: bool) -> Vec<String> {
    let tokens = source_tokens::of_text(source);
    let data = tokens.iter().flatten().filter_map(|token| match token.token {
        Token::TemplateData(text) => foreign_syntax::placeholder(text, in_json),
        _ => None,
    });
    let mut found: Vec<String> = data.take(1).collect();
    found.extend(doubts_of(names, tokens));
    found
}

/// What is allowed and probably a mistake in a text or an expression with these names.
fn doubts_of(names: &HashSet<String>, tokens: Result<Vec<SourceToken<'_>>, Error>) -> Vec<String> {
    let mut found = doubts::of_names(names);
    found.extend(doubts::of_words(&tokens.unwrap_or_default()));
    found
}

fn names(nested_names: &HashSet<String>, nested: bool) -> HashSet<String> {
    let root = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
    if nested { nested_names.clone() } else { nested_names.iter().map(root).collect() }
}

/// The formatter of an expression: stores the value instead of printing it.
fn keep_value(_: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    state.set_temp(RESULT, value.clone());
    Ok(())
}

/// The formatter of a text: strings as they are, null as nothing, anything else as JSON.
fn print_value(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let printed = match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(()),
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            out.write_str(&json_text::converted(value)?.to_string())
        }
        _ => write!(out, "{value}"),
    };
    printed.map_err(Error::from)
}

/// Fails when the text outgrows `room`.
struct BoundedWriter {
    text: Vec<u8>,
    room: usize,
}

impl io::Write for BoundedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.room {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the text is too large"));
        }
        self.room -= bytes.len();
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
