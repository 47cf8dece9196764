//! What is allowed in a condition or a template, and probably a mistake: a misspelt field, and a status that no task has.

use super::known_fields;
use super::source_tokens::SourceToken;
use crate::event;
use minijinja::machinery::Token;

pub(super) const STATUSES: [&str; 3] = ["success", "error", "cancelled"];

/// Whether the word is a status, as Taskbell or a host tells it.
pub(super) fn is_status(word: &str) -> bool {
    event::status_of_word(word).is_some()
}

/// The type of Taskbell's that is meant by another name.
pub(super) fn near_type(written: &str) -> Option<&'static str> {
    let family = written.split('.').next().unwrap_or_default();
    let near = |kind: &&&str| strsim::osa_distance(kind, written) <= 3;
    let same = |kind: &&&str| kind.split('.').next() == Some(family);
    let known = event::KNOWN_TYPES;
    (!known.contains(&written)).then(|| known.iter().find(near).or_else(|| known.iter().find(same)))?.copied()
}

pub(super) fn of_names<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<String> {
    let mut found: Vec<String> = names
        .into_iter()
        .filter_map(|name| {
            let meant = known_fields::nearest(name)?;
            Some(format!(
                "`{name}` is not a field of Taskbell's; did you mean `{meant}`? Ignore this if the host sends it"
            ))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Comparisons of `task.status` and `alert.direction` with a word that they never have.
pub(super) fn of_words(tokens: &[SourceToken<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for index in 0..tokens.len() {
        let name = |at: usize| match tokens.get(at).map(|token| &token.token) {
            Some(Token::Ident(name)) => *name,
            _ => "",
        };
        let is_dot = matches!(tokens.get(index + 1).map(|token| &token.token), Some(Token::Dot));
        let field = match (name(index), is_dot, name(index + 2)) {
            ("task", true, "status") => Word::Status,
            ("alert", true, "direction") => Word::Direction,
            _ => continue,
        };
        let before = index.checked_sub(2).map(|start| &tokens[start..index]);
        let words = words_after(&tokens[index + 3..]).into_iter().chain(before.and_then(word_before));
        found.extend(words.filter_map(|word| field.doubt(&word)));
    }
    found.extend(named_in_quotes(tokens));
    found.dedup();
    found
}

/// `{{ "task.name" }}` prints the words between its quotes.
fn named_in_quotes(tokens: &[SourceToken<'_>]) -> Option<String> {
    let is_begin = |at: Option<usize>| at.is_none_or(|at| matches!(tokens[at].token, Token::VariableStart));
    (0..tokens.len()).find_map(|index| {
        let name = text(&tokens[index])?;
        let ends = tokens.get(index + 1).is_none_or(|next| matches!(next.token, Token::VariableEnd));
        let is_alone = ends && is_begin(index.checked_sub(1)) && tokens.len() < 4;
        let is_name = name.contains('.') && known_fields::owner(&name).as_ref() == Some(&name);
        (is_alone && is_name)
            .then(|| format!("`{name}` is in quotes, so the words are sent; write it without quotes"))
    })
}

enum Word {
    Status,
    Direction,
}

impl Word {
    fn doubt(&self, word: &str) -> Option<String> {
        match self {
            Word::Status if STATUSES.contains(&word) => None,
            Word::Status => {
                let meant = event::status_of_word(word).map_or_else(
                    || "`success`, `error` and `cancelled` are the statuses".to_owned(),
                    |status| format!("Taskbell reports it as `{status}`"),
                );
                Some(format!("`task.status` is never `{word}`, whatever the host's word is; {meant}"))
            }
            Word::Direction if matches!(word, "above" | "below") => None,
            Word::Direction => Some(format!("`alert.direction` is never `{word}`, only `above` or `below`")),
        }
    }
}

fn text(token: &SourceToken<'_>) -> Option<String> {
    match &token.token {
        Token::Str(text) => Some((*text).to_owned()),
        Token::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The texts in `== 'a'`, `!= 'a'`, `in ['a', 'b']` and `not in ('a', 'b')`, also behind a filter such as `| lower`.
fn words_after(tokens: &[SourceToken<'_>]) -> Vec<String> {
    let mut rest = tokens;
    while let [pipe, filter, after @ ..] = rest
        && matches!((&pipe.token, &filter.token), (Token::Pipe, Token::Ident("lower" | "trim" | "string")))
    {
        rest = after;
    }
    match rest {
        [operator, word, ..] if matches!(operator.token, Token::Eq | Token::Ne) => {
            text(word).into_iter().collect()
        }
        [not, after @ ..] if not.is_word("not") => words_in(after),
        rest => words_in(rest),
    }
}

fn words_in(tokens: &[SourceToken<'_>]) -> Vec<String> {
    match tokens {
        [word, open, items @ ..]
            if word.is_word("in") && matches!(open.token, Token::BracketOpen | Token::ParenOpen) =>
        {
            let ends =
                |token: &SourceToken<'_>| matches!(token.token, Token::BracketClose | Token::ParenClose);
            items.iter().take_while(|token| !ends(token)).filter_map(text).collect()
        }
        _ => Vec::new(),
    }
}

/// The text in `'a' == `.
fn word_before(tokens: &[SourceToken<'_>]) -> Option<String> {
    match tokens {
        [word, operator] if matches!(operator.token, Token::Eq | Token::Ne) => text(word),
        _ => None,
    }
}
