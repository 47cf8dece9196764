//! The card of an event or of many. A digest or a summary says what happened by its weight, each kind of event in a part
//! of its own.

use super::context::{Context, Several};
use super::failure_groups::{MAX_NAME_CHARS, MAX_NAMES, grouped};
use super::notice::{Notice, Tone};
use super::strings::fill;
use super::summary_line::{SummaryLine, SummaryPart};
use super::words::CardWords;
use super::{event_notice, filters};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap};

/// The lines of a part; further ones are counted. Every alert is named, up to a number that no card carries.
const MAX_LINES: usize = 5;
const MAX_ALERTS: usize = 20;

/// The characters of a line.
const MAX_LINE_CHARS: usize = 300;

const MAX_HOSTS: usize = 3;

const MAX_TYPES: usize = 3;

#[derive(Debug, Default)]
struct PartLines {
    count: u64,
    lines: Vec<SummaryLine>,
}

impl Notice {
    /// The notice of an event of this type, in the language of the host.
    #[inline(never)]
    pub fn from_context(kind: &str, context: &Context) -> Notice {
        let host = context.text_at(&["host", "name"]).filter(|host| !host.trim().is_empty());
        Notice::placed(kind, context, host)
    }

    /// The same, where its titles name this host, or none.
    fn placed(kind: &str, context: &Context, host: Option<&str>) -> Notice {
        let words = CardWords::of(context);
        match context.at(&["digest"]) {
            Some(_) => digest(kind, context, &words),
            None => event_notice::of_event(kind, context, &words, host),
        }
    }
}

impl SummaryLine {
    /// The line of an event, and its card without the host.
    pub fn of(kind: &str, context: &Context) -> (SummaryLine, Notice) {
        let without_host = Several { hosts: false, ..context.several() };
        let notice = Notice::placed(kind, &context.clone().among(without_host), None);
        (SummaryLine::of_notice(kind, context, &notice), notice)
    }
}

fn digest(kind: &str, context: &Context, words: &CardWords) -> Notice {
    let items = context.at(&["digest", "items"]).and_then(Json::as_array).map(Vec::as_slice);
    let items = items.unwrap_or_default().iter().filter_map(Json::as_object);
    let mut pictured = None;
    let several = context.several();
    let mut lines: Vec<SummaryLine> = items.map(|item| line_of(kind, item, several, &mut pictured)).collect();
    let folded = context.at(&["digest", "lines"]).cloned().unwrap_or_default();
    lines.extend(serde_json::from_value::<Vec<SummaryLine>>(folded).unwrap_or_default());

    let shown = lines.len() as u64;
    let total = context.at(&["digest", "count"]).and_then(Json::as_u64).unwrap_or(shown);
    let (lines, outdated) = latest_states(lines);
    let tone = worst(&lines);
    let mut hosts: Vec<String> = lines.iter().filter_map(|line| line.host.clone()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts.truncate(MAX_HOSTS);
    let mut parts: BTreeMap<(SummaryPart, String), PartLines> = BTreeMap::new();
    for line in lines {
        let part = parts.entry(key_of(&line)).or_default();
        part.count += 1;
        part.lines.push(line);
    }
    let counts = context.at(&["digest", "counts"]).and_then(Json::as_object);
    if let Some(counts) = counts.filter(|_| total > shown) {
        count_unshown(counts, &outdated, &mut parts);
    }
    let is_known = total <= shown || counts.is_some();
    let mut digest = Notice::new(tone, title(kind, (total, is_known), &parts, words));
    digest.place(&hosts, words);
    digest.time(words.since, context.at(&["digest", "since"]));
    digest.text = Some(body(&parts, words)).filter(|text| !text.is_empty());
    if let Some(pictured) = pictured {
        digest.links = pictured.links;
        digest.images = pictured.images;
    }
    digest.link_to_host(context, words);
    digest
}

/// The line of an item; `pictured` keeps the newest card with a picture.
fn line_of(
    kind: &str,
    item: &Map<String, Json>,
    several: Several,
    pictured: &mut Option<Notice>,
) -> SummaryLine {
    // Digests are not nested, so an item with a `digest` of its own is read as a single event.
    let fields = item.iter().filter(|(key, _)| *key != "digest");
    let item = Context::new(Json::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect()))
        .among(several);
    let kind = item.text_at(&["event", "type"]).unwrap_or(kind);
    let (line, notice) = SummaryLine::of(kind, &item);
    if !notice.images.is_empty() {
        *pictured = Some(notice);
    }
    line
}

/// Only the newest state of each alert, batch and queue, and how many lines of each part that leaves out.
fn latest_states(lines: Vec<SummaryLine>) -> (Vec<SummaryLine>, HashMap<SummaryPart, u64>) {
    let mut outdated = HashMap::new();
    let mut newest: HashMap<(&'static str, String), usize> = HashMap::new();
    let mut kept: Vec<Option<SummaryLine>> = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(thing) = thing_of(&line)
            && let Some(earlier) = newest.insert(thing, kept.len())
            && let Some(earlier) = kept.get_mut(earlier)
            && let Some(earlier) = earlier.take_if(|earlier| replaces(line.part, earlier.part))
        {
            *outdated.entry(earlier.part).or_default() += 1;
        }
        kept.push(Some(line));
    }
    (kept.into_iter().flatten().collect(), outdated)
}

fn thing_of(line: &SummaryLine) -> Option<(&'static str, String)> {
    let family = ["alert", "batch", "queue"].into_iter().find(|family| line.kind.starts_with(family))?;
    Some((family, line.name.clone().unwrap_or_default()))
}

/// Whether an event says of the same thing what makes the earlier one history: two ends of a queue are two ends.
fn replaces(newer: SummaryPart, older: SummaryPart) -> bool {
    use SummaryPart::{AlertFiring, AlertResolved, BatchEnded, BatchFailed, BatchStalled, QueueStarted};
    match older {
        AlertFiring | AlertResolved => matches!(newer, AlertFiring | AlertResolved),
        BatchStalled => matches!(newer, BatchStalled | BatchEnded | BatchFailed),
        QueueStarted => true,
        _ => false,
    }
}

fn worst(lines: &[SummaryLine]) -> Tone {
    let has = |tone| lines.iter().any(|line| line.tone == tone);
    [Tone::Bad, Tone::Warn, Tone::Good].into_iter().find(|tone| has(*tone)).unwrap_or(Tone::Neutral)
}

/// Other events have a part for each type.
fn key_of(line: &SummaryLine) -> (SummaryPart, String) {
    let kind = if line.part == SummaryPart::OtherEvent { line.kind.clone() } else { String::new() };
    (line.part, kind)
}

/// Adds what a window counted and had no room to keep. Of each alert it keeps the state, whatever its number.
fn count_unshown(
    counts: &Map<String, Json>,
    outdated: &HashMap<SummaryPart, u64>,
    parts: &mut BTreeMap<(SummaryPart, String), PartLines>,
) {
    for (code, count) in counts {
        let part = serde_json::from_value(Json::String(code.clone())).unwrap_or_default();
        if matches!(part, SummaryPart::AlertFiring | SummaryPart::AlertResolved) {
            continue;
        }
        let kind = if part == SummaryPart::OtherEvent { code.clone() } else { String::new() };
        let outdated = outdated.get(&part).copied().unwrap_or(0);
        let counted = count.as_u64().unwrap_or(0).saturating_sub(outdated);
        if counted > 0 {
            let part = parts.entry((part, kind)).or_default();
            part.count = part.count.max(counted);
        }
    }
}

/// What happened, by number: `149 tasks failed, 1 alert`.
fn title(
    kind: &str,
    (total, is_known): (u64, bool),
    parts: &BTreeMap<(SummaryPart, String), PartLines>,
    words: &CardWords,
) -> String {
    let whole = |number: u64| words.number(number);
    let of = |part: SummaryPart| parts.get(&(part, String::new())).map_or(0, |part| part.count);
    let (done, failed) = (of(SummaryPart::TaskDone), of(SummaryPart::TaskFailed));
    let total_text = whole(total);
    if !is_known || parts.is_empty() {
        let pattern = if kind == "task.complete" { words.digest_tasks } else { words.digest };
        let values = [("count", total_text.as_str()), ("counted", &words.counted(total)), ("type", kind)];
        return fill(pattern, &values);
    }
    if done > 0 && failed > 0 && parts.len() == 2 {
        let (all, done, failed) = (words.counted(done + failed), whole(done), whole(failed));
        let values = [("counted", all.as_str()), ("succeeded", &done), ("failed", &failed)];
        return fill(words.digest_tasks_counted, &values);
    }
    let mut named: Vec<String> = Vec::new();
    let mut others = 0;
    let mut further = 0;
    for ((part, kind), found) in parts {
        if *part == SummaryPart::OtherEvent {
            others += 1;
            if others > MAX_TYPES {
                further += found.count;
                continue;
            }
        }
        named.push(heading(*part, kind, found.count, words));
    }
    if further > 0 {
        named.push(words.more(further as usize));
    }
    named.join(words.comma)
}

/// `3 queues finished`.
fn heading(part: SummaryPart, kind: &str, count: u64, words: &CardWords) -> String {
    let (one, many) = words.parts[part as usize];
    let values =
        [("count", words.number(count)), ("counted", words.counted(count)), ("type", kind.to_owned())];
    fill(if count == 1 { one } else { many }, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// A part for each kind of event, below its heading where there are several.
fn body(parts: &BTreeMap<(SummaryPart, String), PartLines>, words: &CardWords) -> String {
    let mut text: Vec<String> = Vec::new();
    for ((part, kind), found) in parts {
        let lines = part_lines(*part, found, words);
        if parts.len() > 1 && !lines.is_empty() {
            text.push(heading(*part, kind, found.count, words));
        }
        let flat = |line: &String| line.replace(['\n', '\r'], " ");
        text.extend(lines.iter().map(|line| format!("• {}", filters::clip(&flat(line), MAX_LINE_CHARS))));
    }
    text.join("\n")
}

fn part_lines(part: SummaryPart, found: &PartLines, words: &CardWords) -> Vec<String> {
    match part {
        SummaryPart::TaskFailed => failed_tasks(found, words),
        SummaryPart::TaskDone | SummaryPart::TaskCancelled => {
            names(&found.lines, found.count, words).into_iter().collect()
        }
        SummaryPart::OtherEvent => {
            let titled = found.lines.iter().filter(|line| line.text != line.kind || line.reason.is_some());
            listed(titled.map(|line| line.sentence(words)).collect(), MAX_LINES, None, words)
        }
        _ => {
            let most = if part == SummaryPart::AlertFiring { MAX_ALERTS } else { MAX_LINES };
            let sentences = found.lines.iter().map(|line| line.sentence(words)).collect();
            listed(sentences, most, Some(found.count), words)
        }
    }
}

/// The first lines, and how many more there are.
fn listed(mut lines: Vec<String>, most: usize, count: Option<u64>, words: &CardWords) -> Vec<String> {
    let count = count.map_or(lines.len(), |count| count as usize).max(lines.len());
    if lines.is_empty() {
        return lines;
    }
    lines.truncate(most);
    if count > lines.len() {
        lines.push(words.more(count - lines.len()));
    }
    lines
}

fn failed_tasks(found: &PartLines, words: &CardWords) -> Vec<String> {
    let failed = words.say(words.task_failed, &[]);
    let failures = found
        .lines
        .iter()
        .map(|line| (line.name.as_deref(), Some(line.reason.as_deref().unwrap_or(&failed))));
    grouped(failures, found.count, words).iter().map(|group| group.line(words)).collect()
}

/// `frame 1, frame 2 and 147 more`; `None` when none has a name.
fn names<'a>(
    lines: impl IntoIterator<Item = &'a SummaryLine>,
    count: u64,
    words: &CardWords,
) -> Option<String> {
    let named = lines.into_iter().filter_map(|line| line.name.as_deref());
    let first: Vec<String> = named.take(MAX_NAMES).map(|name| filters::clip(name, MAX_NAME_CHARS)).collect();
    if first.is_empty() {
        return None;
    }
    let further = (count as usize).saturating_sub(first.len());
    let first = first.join(words.list);
    Some(if further == 0 { first } else { format!("{first} {}", words.more(further)) })
}
