//! The keys of `[[hooks]]`.

use super::declaration::DefaultValue::{Described, None as Absent, Required, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::endpoint::silent_successes;
use super::escalation;
use super::load_context::TextValue;
use super::quiet_hours;
use super::template::TemplateSyntax;
use super::units::{self, DURATION_FORM};
use super::value_types::{
    Boolean, Choice, DurationRange, IntegerRange, List, NumberRange, SubTable, TemplateValue, Text, choice,
    duration, list, parsed_text, text, texts,
};
use crate::event::KNOWN_TYPES;
use crate::hooks::Digest;
use crate::message::{Condition, KeyExpression};
use jiff::civil::Time;
use std::time::Duration;

/// The shortest and the longest window of a digest.
const DIGEST_WINDOW: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(31 * 86_400));

/// Where the hook of a farm fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum HookPlace {
    #[default]
    Relay,
    Node,
}

config_table! {
    keys: ConfigTable::new(
        "A rule: send these events to these endpoints when all conditions hold.",
    );
    NAME: Text<TextValue> = key(
        "name", text("any text, once"), Described("`hooks[0]`, `hooks[1]`, …"), "The hook's name in logs and reports.",
    );
    AT: Choice<HookPlace> = key(
        "at", choice(&["relay", "node"], &[HookPlace::Relay, HookPlace::Node]), Toml("\"relay\""),
        "Where the hook of a [farm](farm.md) fires: at the relay for all nodes, or on a node for what happens there \
         alone. A node takes hooks with `node` only, a relay none of them.",
    );
    ON: List<Text<TextValue>> = key(
        "on",
        list("list of text", text("an event type, a family such as `render.*`, or `*` for all").with_examples(listened)),
        Required,
        "The event types that the hook matches.",
    );
    TO: List<Text<TextValue>> = key(
        "to", texts("the name of an endpoint"), Required, "The endpoints that receive the message.",
    );
    WHEN: Text<Condition> = key(
        "when", parsed_text("a condition", |text, _| compile(&text.text)), Absent,
        "Fires only when this expression over the event is true.",
    );
    MIN_TASKS: IntegerRange = key(
        "min_tasks", IntegerRange(1, 1_000_000_000), Absent,
        "Fires only for a queue or batch with at least this many tasks; for a task, its queue so far counts.",
    );
    MIN_DURATION: DurationRange = key(
        "min_duration", duration("1ms", "365d"), Absent,
        "Fires only when the task, queue or batch took at least this long.",
    );
    RELATIVE: NumberRange = key(
        "relative", NumberRange(Some((1.0, 1000.0))), Absent,
        "Fires only when the task, queue or batch took more than this many times its usual duration: `1.5` means half \
         as long again.",
    );
    ONLY_FAILURES: Boolean = key("only_failures", Boolean, Toml("false"), "Fires only when something failed.");
    SMART: Boolean = key(
        "smart", Boolean, Toml("false"), "Fires only on 10 tasks or more, 60 s or more, or any failure.",
    );
    TEMPLATE: TemplateValue = key(
        "template",
        TemplateValue("a table, or `file:NAME.json` or `file:NAME.j2`"),
        Described("the platform's own card"),
        "The body; strings in a table are templates, never `env:` or `file:`.",
    );
    MENTIONS: List<Text<TextValue>> = key(
        "mentions",
        texts("a mention in the form of the platform"),
        Described("the `mentions` of the endpoint"),
        "Whom the hook's cards mention, in the place of the endpoint's `mentions`; an empty list mentions nobody.",
    );
    SILENT: Choice<bool> = key(
        "silent",
        silent_successes(),
        Described("the `silent` of the endpoint"),
        "Whether its messages about a success make no sound, in the place of the endpoint's `silent`.",
    );
    SYNTAX: Choice<TemplateSyntax> = key(
        "syntax", choice(&["jinja", "swarmui"], &[TemplateSyntax::Jinja, TemplateSyntax::SwarmUi]), Toml("\"jinja\""),
        "The syntax of `template`; with `swarmui` it is one text with `%tag%`s, or `file:NAME.json` or `file:NAME.txt`.",
    );
    MANUAL: Boolean = key(
        "manual", Boolean, Toml("false"),
        "Fires only for tasks whose `webhook_params` request it: `manual` with the task, `manual_at_end` once at the \
         end of its batch or queue.",
    );
    COOLDOWN: DurationRange = key(
        "cooldown", duration("1s", "365d"), Absent, "How long the hook does not fire again after it fired.",
    );
    COOLDOWN_BY: Text<KeyExpression> = key(
        "cooldown_by",
        parsed_text("an expression that gives text or a number", |text, _| KeyExpression::compile(&text.text)),
        Described("one cooldown for all"),
        "Keeps a cooldown per value of this expression; requires `cooldown`.",
    );
    DIGEST: Text<Digest> = key(
        "digest", parsed_text("a duration from 1s to 31d, or `queue`", |text, _| parse_digest(text)), Absent,
        "Collects firings into one message: for this long after the first, or until the queue ends.",
    );
    SUPERSEDE: Text<KeyExpression> = key(
        "supersede",
        parsed_text("an expression that gives text or a number", |text, _| KeyExpression::compile(&text.text)),
        Absent,
        "Of the waiting messages with the same value, only the newest is sent, unless an older one was tried already.",
    );
    LIVE: Text<KeyExpression> = key(
        "live",
        parsed_text("an expression that gives text or a number", |text, _| KeyExpression::compile(&text.text)),
        Absent,
        "The messages with the same value are one: the first posts it, later ones edit it, and the end of the queue, \
         batch or alert closes it. Where the platform cannot edit, the first and the last are sent.",
    );
    TTL: DurationRange = key(
        "ttl", duration("1s", "365d"), Absent,
        "A message that is older than this when its turn comes is not sent; it becomes a dead letter (stale).",
    );
    QUIET_HOURS: Text<(Time, Time)> = key(
        "quiet_hours",
        parsed_text("two times of the day, such as `22:00-07:00`", |text, _| quiet_hours::parse_times(&text.text)),
        Absent,
        "Firings in these hours are held and sent as one digest when the hours end.",
    );
    QUIET_ZONE: Text<TextValue> = key(
        "quiet_zone",
        text("a time zone such as `Europe/Berlin`, or an offset such as `+02:00`"),
        Described("the system's time zone"),
        "The time zone of `quiet_hours`; requires it.",
    );
    QUIET_EXCEPT: Text<Condition> = key(
        "quiet_except", parsed_text("a condition", |text, _| compile(&text.text)), Absent,
        "Events that are sent even in quiet hours; requires `quiet_hours`.",
    );
    ESCALATE: SubTable = key(
        "escalate", SubTable(&escalation::keys::TABLE), Absent,
        "Additional endpoints when a message does not arrive in time.",
    );
}

/// What an editor offers for `on`.
fn listened() -> Vec<&'static str> {
    KNOWN_TYPES.iter().copied().chain(["*"]).collect()
}

fn parse_digest(text: &TextValue) -> Result<Digest, String> {
    if text.text == "queue" {
        return Ok(Digest::Queue);
    }
    let (min, max) = DIGEST_WINDOW;
    match units::parse_duration(&text.text) {
        None => Err(format!("{} is neither `queue` nor {DURATION_FORM}", text.shown)),
        Some(window) if window < min || window > max => {
            Err(format!("{} is out of range: 1s to 31d", text.shown))
        }
        Some(window) => Ok(Digest::Window(window)),
    }
}

/// Compiles a condition; the error names the most common slip of the pen.
fn compile(source: &str) -> Result<Condition, String> {
    Condition::compile(source).map_err(|error| match has_single_equals(source) {
        true => format!("{error}; `=` does not compare: write `==`"),
        false => error,
    })
}

/// Whether a `=` outside of quotes belongs to no comparison.
fn has_single_equals(source: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    let mut characters = source.chars().peekable();
    while let Some(c) = characters.next() {
        match quote {
            Some(_) if before == '\\' => {}
            Some(mark) if c == mark => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if c == '=' && !"=!<>".contains(before) && characters.peek() != Some(&'=') => return true,
            _ => {}
        }
        before = c;
    }
    false
}
