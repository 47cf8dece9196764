//! Expressions that group events: `cooldown_by` and `supersede`.

use super::condition::Condition;
use super::context::Context;
use super::expr::Expression;
use super::filters;
use super::long_number::is_number;
use super::sample;
use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};
use std::fmt;

/// A longer key is cut to this many characters.
const MAX_KEY_CHARS: usize = 200;

/// A compiled key expression.
pub struct KeyExpression {
    source: String,
    expression: Expression,
    names: Condition,
}

impl KeyExpression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// The syntax error in words.
    pub fn compile(source: &str) -> Result<KeyExpression, String> {
        let expression = Expression::compile(source, true).map_err(|error| error.reason)?;
        Ok(KeyExpression { source: source.to_owned(), expression, names: Condition::compile(source)? })
    }

    /// The key of an event: a text, or a number or boolean as text. An undefined name or null gives the empty key.
    ///
    /// # Errors
    /// When it is a list or a table, or cannot be evaluated.
    pub fn of(&self, context: &Context) -> Result<String, String> {
        self.read(context.value())
    }

    /// Evaluates it on sample data of this event type, like [`Condition::check`].
    ///
    /// # Errors
    /// The problem in words.
    pub fn check(&self, kind: &str) -> Result<(), String> {
        self.names.check_names(&[])?;
        let open = sample::open_context(kind);
        match self.read(open.value()) {
            Err(reason) if !open.was_guessed() => Err(reason),
            _ => Ok(()),
        }
    }

    fn read(&self, scope: &Value) -> Result<String, String> {
        let value = match self.expression.evaluate(scope) {
            Ok((value, _)) => value,
            Err(error) if error.kind == ErrorKind::UndefinedError => Value::UNDEFINED,
            Err(error) => return Err(error.reason),
        };
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => Ok(String::new()),
            ValueKind::String | ValueKind::Bool => Ok(filters::clip(&value.to_string(), MAX_KEY_CHARS)),
            _ if is_number(&value) => Ok(filters::clip(&value.to_string(), MAX_KEY_CHARS)),
            other => Err(format!("a key must be text or a number, but `{}` is a {other}", self.source)),
        }
    }
}

impl fmt::Debug for KeyExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyExpression").field(&self.source).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_text_and_a_missing_value_is_the_empty_key() {
        let context = Context::new(json!({"task": {"name": "a", "n": 7, "list": [1]}}));
        let of = |source: &str| KeyExpression::compile(source).unwrap().of(&context);
        assert_eq!(of("task.name"), Ok("a".into()));
        assert_eq!(of("task.n"), Ok("7".into()));
        assert_eq!(of("task.name ~ '/' ~ task.n"), Ok("a/7".into()));
        assert_eq!(of("task.other"), Ok(String::new()));
        assert_eq!(of("queue.name.deep"), Ok(String::new()));
        assert!(of("task.list").unwrap_err().contains("task.list"));
        assert!(KeyExpression::compile("task.").is_err());
    }

    #[test]
    fn check_finds_an_unknown_name_and_a_list() {
        let check = |source: &str| KeyExpression::compile(source).unwrap().check("task.complete");
        assert_eq!(check("task.name"), Ok(()));
        assert_eq!(check("task.params.anything"), Ok(()));
        assert!(check("tsak.name").is_err());
        assert!(check("task.outputs").is_err());
    }
}
