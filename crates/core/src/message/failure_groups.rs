//! Failures by their reason: what a list of 149 names does not say.

use super::filters;
use super::notice::{FailureGroup, MAX_FACT_CHARS};
use super::words::CardWords;

const MAX_GROUPS: usize = 5;

/// The names behind a reason.
pub(super) const MAX_NAMES: usize = 5;

pub(super) const MAX_NAME_CHARS: usize = 60;

/// The groups of these failures, each a name and a reason, the most frequent first; then how many of `total` are in
/// none.
pub(super) fn grouped<'a>(
    failures: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
    total: u64,
    words: &CardWords,
) -> Vec<FailureGroup> {
    let mut groups: Vec<(String, FailureGroup)> = Vec::new();
    let mut found = 0;
    for (name, reason) in failures {
        found += 1;
        let key = reason.map(without_numbers).unwrap_or_default();
        let at = groups.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            let reason = reason.map(|reason| filters::clip(reason, MAX_FACT_CHARS));
            groups.push((key, FailureGroup { reason, ..FailureGroup::default() }));
            groups.len() - 1
        });
        let Some((_, group)) = groups.get_mut(at) else { continue };
        group.count += 1;
        let name = name.filter(|_| group.names.len() < MAX_NAMES);
        group.names.extend(name.map(|name| filters::clip(name, MAX_NAME_CHARS)));
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    let mut groups: Vec<FailureGroup> = groups.into_iter().take(MAX_GROUPS).map(|(_, group)| group).collect();
    for group in groups.iter_mut().filter(|group| group.names.is_empty()) {
        group.reason = group.reason.take().or_else(|| Some(words.say(words.task_failed, &[])));
    }
    let further = total.max(found) - groups.iter().map(|group| group.count).sum::<u64>();
    if !groups.is_empty() && further > 0 {
        groups.push(FailureGroup { count: further, ..FailureGroup::default() });
    }
    groups
}

/// Two reasons that differ in their numbers alone are one: also decimal and hexadecimal ones, addresses and hashes.
fn without_numbers(reason: &str) -> String {
    let mut plain = String::with_capacity(reason.len());
    for word in reason.split_inclusive(|character: char| !character.is_alphanumeric()) {
        let is_end = |character: char| !character.is_alphanumeric();
        let (word, end) = match word.chars().last().filter(|last| is_end(*last)) {
            Some(last) => (word.trim_end_matches(is_end), Some(last)),
            None => (word, None),
        };
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let has_digit = word.chars().any(|character| character.is_ascii_digit());
        let is_number = has_digit && digits.chars().all(|character| character.is_ascii_hexdigit());
        if !is_number {
            plain.extend(word.chars().filter(|character| !character.is_ascii_digit()));
        }
        // `2.5` and `3` are one number each.
        plain.extend(end.filter(|end| !(is_number && matches!(end, '.' | ',' | '-'))));
    }
    plain
}
