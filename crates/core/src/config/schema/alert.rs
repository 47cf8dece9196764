//! The keys of `[[alerts]]`.

use super::super::kind::Kind::{Duration, Number, Text};
use super::super::kind::LeftOut::{Nothing, Required, Value, Words};
use super::{Table, key};

pub(super) const ALERT: Table = Table {
    pattern: "alerts[]",
    about: "A metric that makes the events `alert.firing` and `alert.resolved`; hooks listen to them. \
            `docs/alerts.md` tells the rules.",
    keys: &[
        key("name", Text("any text, once"), Required, "The alert's name in events and messages."),
        key(
            "metric",
            Text("a name the host feeds, or a built-in one such as `cpu.percent`"),
            Required,
            "What is watched.",
        ),
        key("above", Number, Nothing, "Fires when the value is above this; either this or `below`."),
        key("below", Number, Nothing, "Fires when the value is below this; either this or `above`."),
        key(
            "clear",
            Number,
            Words("the threshold"),
            "Resolved once the value is here or beyond, away from the threshold.",
        ),
        key(
            "for",
            Duration("0s", "30d"),
            Value("\"0s\""),
            "How long the value has to stay on the bad side before it fires.",
        ),
        key("every", Duration("1s", "365d"), Nothing, "Fires again after this time while not resolved."),
        key("sample", Duration("1s", "1d"), Value("\"10s\""), "How often a built-in metric is measured."),
    ],
};
