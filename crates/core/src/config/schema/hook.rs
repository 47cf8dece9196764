//! The keys of `[[hooks]]`.

use super::super::kind::Kind::{self, Boolean, Duration, Integer, Number, Text, Texts};
use super::super::kind::LeftOut::{Nothing, Required, Value, Words};
use super::{Table, key};

pub(super) const HOOK: Table = Table {
    pattern: "hooks[]",
    about: "One rule: these events, under these conditions, ring at these endpoints. All conditions have to hold.",
    keys: &[
        key(
            "name",
            Text("any text, once"),
            Words("`hooks[0]`, `hooks[1]`, …"),
            "The hook's name in logs and reports.",
        ),
        key("on", Texts("event types"), Required, "The event types it listens to."),
        key("to", Texts("names of endpoints"), Required, "The endpoints it rings at."),
        key("when", Text("a condition"), Nothing, "Fires only when this expression over the event is true."),
        key(
            "min_tasks",
            Integer(1, 1_000_000_000),
            Nothing,
            "Fires only for a queue or batch with at least so many tasks; a task counts its queue so far.",
        ),
        key(
            "min_duration",
            Duration("1ms", "365d"),
            Nothing,
            "Fires only when the task, queue or batch took at least so long.",
        ),
        key(
            "relative",
            Number,
            Nothing,
            "Fires only when the task, queue or batch took more than so many times as long as is usual; from 1.",
        ),
        key("only_failures", Boolean, Value("false"), "Fires only when something failed."),
        key(
            "smart",
            Boolean,
            Value("false"),
            "Fires only on 10 tasks or more, 60 s or more, or any failure.",
        ),
        key(
            "template",
            Kind::Template("a table, or `file:NAME.json` or `file:NAME.j2`"),
            Words("the platform's own card"),
            "The body; strings inside a table are templates, never `env:` or `file:`.",
        ),
        key(
            "syntax",
            Text("`jinja` or `swarmui`"),
            Value("\"jinja\""),
            "How `template` is written; with `swarmui` it is one text with `%tag%`s, or `file:NAME.json` or \
             `file:NAME.txt`.",
        ),
        key(
            "manual",
            Boolean,
            Value("false"),
            "Fires only for tasks whose `webhook_params` ask for it: `manual` with the task, `manual_at_end` \
             once at the end of its batch or queue.",
        ),
        key("cooldown", Duration("1s", "365d"), Nothing, "How long it stays silent after it fired."),
        key(
            "cooldown_by",
            Text("an expression that gives text or a number"),
            Words("everything is one thing"),
            "The thing that the cooldown is kept for; only together with `cooldown`.",
        ),
        key(
            "digest",
            Text("a duration from 1s to 31d, or `queue`"),
            Nothing,
            "Gathers what fires into one message: for so long after the first, or until the end of the queue.",
        ),
        key(
            "supersede",
            Text("an expression that gives text or a number"),
            Nothing,
            "Of the messages with this key only the newest waits; an older one that was not tried yet is not sent.",
        ),
        key(
            "ttl",
            Duration("1s", "365d"),
            Nothing,
            "A message that is older when its turn comes is not sent: it is a dead letter as stale.",
        ),
        key(
            "quiet_hours",
            Text("two times of the day, such as `22:00-07:00`"),
            Nothing,
            "What fires in these hours is held, and sent as one digest when they end.",
        ),
        key(
            "quiet_zone",
            Text("a time zone such as `Europe/Berlin`, or an offset such as `+02:00`"),
            Words("the system's time zone"),
            "Where the hours are read off; only together with `quiet_hours`.",
        ),
        key(
            "quiet_except",
            Text("a condition"),
            Nothing,
            "What is said even in the quiet hours; only together with `quiet_hours`.",
        ),
        key("escalate", Kind::Table, Nothing, "Who else is told when a message does not arrive in time."),
    ],
};
