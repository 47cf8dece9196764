//! The tokens of a source, as the template engine reads them. Nothing here reads a source in its own way: where two
//! readings differ, a part of a condition is lost without a word.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use std::ops::Range;

/// A token with the bytes of the source it covers.
pub(super) struct SourceToken<'s> {
    pub token: Token<'s>,
    pub at: Range<usize>,
}

impl SourceToken<'_> {
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self.token, Token::Ident(name) if name == word)
    }
}

/// The tokens of an expression; an error when the engine cannot read them.
pub(super) fn of_expression(source: &str) -> Result<Vec<SourceToken<'_>>, minijinja::Error> {
    read(source, true)
}

/// The tokens of a text with `{{ … }}` and `{% … %}`; an error when the engine cannot read them.
pub(super) fn of_text(source: &str) -> Result<Vec<SourceToken<'_>>, minijinja::Error> {
    read(source, false)
}

fn read(source: &str, in_expression: bool) -> Result<Vec<SourceToken<'_>>, minijinja::Error> {
    tokenize(source, in_expression, SyntaxConfig::default())
        .map(|read| {
            read.map(|(token, span)| SourceToken {
                token,
                at: span.start_offset as usize..span.end_offset as usize,
            })
        })
        .collect()
}
