//! Text templates (`.j2` files): minijinja with JSON auto-escape; the result must be JSON.

use super::condition::unknown_root;
use super::context::ROOTS;
use super::engine_error::EngineError;
use super::expr::{self, engine, is_builtin};
use super::render_budget::RenderBudget;
use super::template_error::{MAX_BODY_BYTES, RenderError, TemplateError, too_large};
use super::{
    as_given, defaulted_paths, evaluation, filters, foreign_syntax, json_text, literals, marks, source_bounds,
};
use crate::hash::stable_hash;
use minijinja::{AutoEscape, Environment, OutputSpan, OutputSpanKind, Value};
use serde_json::Value as Json;
use std::collections::HashSet;

const TEXT: &str = "text";

pub(super) struct TextTemplate {
    origin: String,
    engine: Environment<'static>,
    /// For a platform that reads markup.
    marking: Environment<'static>,
    source: Box<str>,
    piece: u64,
    /// The names it reads, with their attributes.
    names: HashSet<String>,
}

impl TextTemplate {
    pub(super) fn compile(origin: &str, text: &str) -> Result<TextTemplate, TemplateError> {
        source_bounds::check_text(text)
            .map_err(|error| TemplateError::at(origin, error.line, error.reason))?;
        let mut engine = engine();
        engine.set_auto_escape_callback(|_| AutoEscape::Json);
        engine.set_formatter(json_text::print_json);
        let fail = |error: minijinja::Error| {
            let error = EngineError::from(error);
            let why = foreign_syntax::why_not_compiled(text).filter(|_| error.is_of_syntax());
            TemplateError::at(origin, error.line, why.unwrap_or(error.reason))
        };
        engine.add_template_owned(TEXT, text.to_owned()).map_err(fail)?;
        let names = engine.get_template(TEXT).map_err(fail)?.undeclared_variables(true);
        let optional = defaulted_paths::of_text(text);
        let given = as_given::of_text(&optional);
        if given != text {
            engine.add_template_owned(TEXT, given.clone().into_owned()).map_err(fail)?;
        }
        let mut marking = engine.clone();
        marking.set_formatter(marks::print_marked_json);
        marks::install(&mut marking);
        let marked = literals::marked_text(&given).unwrap_or_else(|| given.into_owned());
        marking.add_template_owned(TEXT, marked).map_err(fail)?;
        let piece = stable_hash(text);
        Ok(TextTemplate { origin: origin.to_owned(), engine, marking, source: text.into(), piece, names })
    }

    /// What is allowed and probably a mistake.
    pub(super) fn doubts(&self) -> Vec<RenderError> {
        let doubts = expr::text_doubts(&self.source, &self.names, true);
        doubts.into_iter().map(|doubt| RenderError::at(&self.origin, None, doubt)).collect()
    }

    pub(super) fn names(&self) -> &HashSet<String> {
        &self.names
    }

    pub(super) fn check_names(&self) -> Result<(), RenderError> {
        let roots = self.names.iter().filter_map(|name| name.split('.').next());
        match roots.filter(|name| !ROOTS.contains(name) && !is_builtin(name)).min() {
            Some(name) => Err(RenderError::at(&self.origin, None, unknown_root(name))),
            None => Ok(()),
        }
    }

    /// Renders the author's text with the values; the result is a JSON object or list.
    pub(super) fn render(&self, scope: &Value, run: &mut RenderBudget<'_>) -> Result<Vec<u8>, RenderError> {
        run.begin();
        let engine = if run.marks { &self.marking } else { &self.engine };
        let done = evaluation::watched(self.piece, &self.source, || {
            Ok(engine.get_template(TEXT)?.render_with_spans(scope.clone())?)
        });
        let (output, spans) = match done {
            Ok(done) => done,
            Err(error) if run.excuses(&error) => return Ok(b"{}".to_vec()),
            Err(error) => return Err(RenderError::at(&self.origin, error.line, error.reason)),
        };
        if output.len() > MAX_BODY_BYTES {
            return Err(RenderError::at(&self.origin, None, too_large()));
        }
        if let Some(line) = value_in_quotes(&output, &spans) {
            return Err(RenderError::at(&self.origin, Some(line), QUOTED));
        }
        match serde_json::from_slice::<Json>(output.as_bytes()) {
            Ok(Json::Object(_) | Json::Array(_)) => Ok(output.into_bytes()),
            Ok(_) => {
                Err(RenderError::at(&self.origin, None, "the result is neither a JSON object nor a list"))
            }
            Err(error) => Err(self.not_json(&output, &spans, &error)),
        }
    }

    fn not_json(&self, output: &str, spans: &[OutputSpan], error: &serde_json::Error) -> RenderError {
        let at = offset(output, error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        let line_text = output.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
        let reason = format!("the result is not JSON: {what}, near `{}`", filters::clip(line_text, 80));
        RenderError::at(&self.origin, template_line(output, spans, at), reason)
    }
}

const QUOTED: &str = "a `{{ … }}` inside quotes: in a .j2 file it prints a whole JSON value with its own quotes. \
                      Write {{ task.name }} without quotes around it, or {{ \"Task \" ~ task.name }} for a longer text";

/// The template's line of the first expression inside a JSON string. Quotes are counted in the author's text only, so a
/// quote in a value cannot hide one.
fn value_in_quotes(output: &str, spans: &[OutputSpan]) -> Option<usize> {
    let mut in_string = false;
    for span in spans {
        match span.kind() {
            OutputSpanKind::Expression if in_string => return Some(span.line()),
            OutputSpanKind::Raw => in_string = ends_in_string(output.get(span.output_range())?, in_string),
            _ => {}
        }
    }
    None
}

/// Whether a JSON text that goes on in or outside of a string ends in one.
pub(super) fn ends_in_string(text: &str, mut in_string: bool) -> bool {
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    in_string
}

/// The offset of serde_json's line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// The line of the template that printed this byte of the result.
fn template_line(output: &str, spans: &[OutputSpan], at: usize) -> Option<usize> {
    let span = spans.iter().rev().find(|span| span.output_range().start <= at)?;
    let line = span.line();
    if span.kind() != OutputSpanKind::Raw {
        return Some(line);
    }
    let printed = output.as_bytes().get(span.output_range().start..at).unwrap_or_default();
    Some(line + printed.iter().filter(|byte| **byte == b'\n').count())
}
