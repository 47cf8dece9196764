//! Words that make a reader stop, in the documents and in what the library and the command print.

use super::names::{plain_text, raw_text};
use super::{assert_none, code, texts};

/// A word or phrase, and what to write.
const UNCLEAR: &[(&str, &str)] = &[
    ("anew", "again"),
    ("as a rule", "usually"),
    ("beside", "next to, together with, besides"),
    ("by the letter", "exactly"),
    ("hardly", "probably not"),
    ("hear", "receive"),
    ("heard", "received"),
    ("hears", "receives"),
    ("is no", "is not a"),
    ("mend", "correct, repair"),
    ("mended", "corrected, repaired"),
    ("rang", "fired"),
    ("rung", "fired"),
    ("so many", "N"),
    ("stand", "is, are, follow"),
    ("standing", "being"),
    ("stands", "is, follows"),
    ("stood", "was"),
    ("tell", "say, report, distinguish"),
    ("telling", "saying, reporting"),
    ("tells", "says, reports, distinguishes"),
    ("told", "sent, reported, notified"),
    ("was no", "was not a"),
    ("whoever", "who, a user who"),
];

/// Those that comments do without, too.
const IN_COMMENTS: &[&str] = &["`anew`", "`as a rule`", "`beside`", "`hardly`", "`mend"];

/// Sentences in which such a phrase is good English.
const FINE: &[&str] =
    &["there is no", "there was no", "is no longer", "was no longer", "is no more", "stand-alone"];

#[test]
fn no_document_and_no_message_uses_a_word_that_makes_a_reader_stop() {
    let mut faults = Vec::new();
    // The glossary lists such words.
    let documents =
        texts().into_iter().filter(|(path, _)| path.ends_with(".md") && !path.ends_with("/glossary.md"));
    for (path, text) in documents {
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if !fenced {
                faults.extend(unclear(line).map(|words| format!("{path}:{}: {words}", index + 1)));
            }
        }
    }
    for (path, text) in code() {
        let comments = text.lines().filter(|line| line.trim_start().starts_with("//"));
        for words in
            comments.flat_map(unclear).filter(|words| IN_COMMENTS.iter().any(|word| words.starts_with(word)))
        {
            faults.push(format!("{path}: {words} in a comment"));
        }
        for literal in literals(&text) {
            faults.extend(unclear(&literal).map(|words| format!("{path}: {words} in {literal}")));
        }
    }
    assert_none("words that make a reader stop", &faults);
}

/// The unclear words of a text outside its quoted code, each with a better one.
fn unclear(text: &str) -> impl Iterator<Item = String> {
    let prose: String = text.split('`').step_by(2).collect::<Vec<_>>().join(" x ").to_lowercase();
    let words = prose.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty());
    let mut prose = format!(" {} ", words.collect::<Vec<_>>().join(" "));
    for fine in FINE {
        prose = prose.replace(&format!(" {fine} "), " x ");
    }
    let found = |(word, better): &(&str, &str)| {
        prose.contains(&format!(" {word} ")).then(|| format!("`{word}`; write {better}"))
    };
    UNCLEAR.iter().filter_map(found).collect::<Vec<_>>().into_iter()
}

/// The texts of a source that hold a sentence: SQL, names and markers of formats are other things.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = raw_text(rest).or_else(|| plain_text(rest)) {
            let text = &rest[..length];
            if text.contains(' ') && !text.contains("CREATE TABLE") {
                found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            length
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

#[test]
fn unclear_words_are_found_in_prose_only() {
    let of = |text: &str| unclear(text).collect::<Vec<_>>();
    assert_eq!(of("It stands\nbeside it").len(), 2);
    assert_eq!(of("`x` is no folder"), ["`is no`; write is not a"]);
    for fine in ["there is no folder", "it is no longer there", "`ring = \"beside\"`", "strings of standards"]
    {
        assert_eq!(of(fine), Vec::<String>::new());
    }
    assert_eq!(literals("let a = \"one two\"; // \"a b\"\nlet b = \"three\";"), ["\"one two\""]);
}
