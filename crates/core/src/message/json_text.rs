//! Values as JSON text, in the filter `tojson` and in `.j2` files. As the engine writes them, but with numbers of any
//! length.

use super::json_value::to_json;
use super::template_error::MAX_BODY_BYTES;
use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, Value, escape_formatter};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io;

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter(
        "tojson",
        |state: &State, value: Value, indent: Option<Value>, options: Kwargs| -> Result<Value, Error> {
            let indent = match indent {
                Some(indent) => Some(indent),
                None => options.get("indent")?,
            };
            options.assert_all_used()?;
            let json = converted(&value)?;
            let text = match indent.map(|indent| width(&indent)).transpose()?.flatten() {
                None => written(&json, Spaced),
                Some(width) => written(&json, PrettyFormatter::with_indent(" ".repeat(width).as_bytes())),
            };
            state.consume_fuel(text.len() as u64 / 64)?;
            // These stand in strings only.
            let escaped = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\'', "\\u0027")];
            let text = escaped.into_iter().fold(text, |text, (given, escape)| match text.contains(given) {
                true => text.replace(given, escape),
                false => text,
            });
            Ok(Value::from_safe_string(text))
        },
    );
}

pub(super) fn converted(value: &Value) -> Result<Json, Error> {
    let mut room = MAX_BODY_BYTES;
    to_json(value, &mut room).map_err(|reason| Error::new(ErrorKind::BadSerialization, reason))
}

/// The formatter of a `.j2` file: a whole JSON value.
pub(super) fn print_json(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        // The engine's own error names the value.
        return value.get_attr("").map(|_| ());
    }
    if value.is_safe() || *state.auto_escape() != AutoEscape::Json {
        return escape_formatter(out, state, value);
    }
    out.write_str(&converted(value)?.to_string()).map_err(Error::from)
}

/// The blanks of `indent=true` or `indent=4`.
fn width(indent: &Value) -> Result<Option<usize>, Error> {
    const MOST: usize = 16;
    match bool::try_from(indent.clone()) {
        Ok(is_indented) => Ok(is_indented.then_some(2)),
        Err(_) => usize::try_from(indent.clone()).map(|width| Some(width.min(MOST))),
    }
}

fn written(json: &Json, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    // Writing JSON to memory cannot fail.
    let _ = json.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    String::from_utf8(bytes).unwrap_or_default()
}

/// One line, with a blank after each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::json_value::from_json;
    use super::*;
    use serde_json::json;

    #[test]
    fn tojson_writes_as_the_engine_does() {
        let json =
            json!({"a": [1, -2.5, 1e300, null, "<b> & 'c' \"ü\"\n"], "": {}, "b": [], "c": {"d": true}});
        let (mut own, mut engines) = (Environment::empty(), Environment::empty());
        install(&mut own);
        engines.add_filter("tojson", minijinja::filters::tojson);
        for call in ["tojson", "tojson(true)", "tojson(indent=4)", "tojson(indent=false)", "tojson(0)"] {
            let written = |engine: &Environment| {
                engine
                    .render_str(&format!("{{{{ x|{call} }}}}"), minijinja::context! { x => from_json(&json) })
            };
            assert_eq!(written(&own).unwrap(), written(&engines).unwrap(), "{call}");
        }
    }
}
