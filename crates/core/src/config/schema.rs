//! Every key of the configuration, once: what it holds, its default, its range and its meaning. The
//! reader refuses what is not here, and the reference for people is made from it.

mod alert;
mod hook;

use super::kind::Kind::{
    self, Duration, Durations, Integer, ListOfTables, NamedTables, Rates, Secret, SecretTable, Secrets, Size,
    Text, Texts,
};
use super::kind::LeftOut::{self, Nothing, Required, Value, Words};
use crate::platform;
use alert::ALERT;
use hook::HOOK;

/// A table of the configuration.
#[derive(Debug)]
pub(super) struct Table {
    /// The dotted path; `*` stands for a free name, `[]` for each member of a list.
    pub pattern: &'static str,
    /// What the table is for, for the reference.
    pub about: &'static str,
    /// The keys it may hold.
    pub keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub default: LeftOut,
    /// One sentence.
    pub meaning: &'static str,
}

const fn key(name: &'static str, kind: Kind, default: LeftOut, meaning: &'static str) -> Key {
    Key { name, kind, default, meaning }
}

/// The whole schema, in the order of the reference.
pub(super) static TABLES: &[Table] = &[
    Table {
        pattern: "",
        about: "The tables of a configuration. Each of them may be left out.",
        keys: &[
            key("host", Kind::Table, Nothing, "The machine, as templates see it."),
            key("spool", Kind::Table, Nothing, "The database that keeps what was accepted."),
            key("queue", Kind::Table, Nothing, "What waits between the host's call and the spool."),
            key("files", Kind::Table, Nothing, "The files a message may carry."),
            key("network", Kind::Table, Nothing, "Where tasks may have messages sent."),
            key("endpoints", NamedTables, Nothing, "Who can hear, by name."),
            key("hooks", ListOfTables, Nothing, "Which events ring at which endpoints."),
            key("alerts", ListOfTables, Nothing, "Which metrics make events when they cross a threshold."),
        ],
    },
    Table {
        pattern: "host",
        about: "What templates see as `host`.",
        keys: &[
            key("name", Text("any text"), Words("the system's host name"), "The machine's name for people."),
            key(
                "base_url",
                Text("an `http` or `https` URL without query"),
                Nothing,
                "Prefix of output URLs that are relative.",
            ),
            key(
                "language",
                Text("`en` or `zh`"),
                Value("\"en\""),
                "The language of the platforms' own cards.",
            ),
        ],
    },
    Table {
        pattern: "spool",
        about: "The SQLite database that keeps events, deliveries and attempts until they have ended.",
        keys: &[
            key(
                "path",
                Text("a path, or `:memory:`"),
                Words("`<state dir>/taskbell/<config name>.db`"),
                "The database file; with `:memory:` nothing survives the process.",
            ),
            key(
                "retain",
                Duration("0s", "3650d"),
                Value("\"7d\""),
                "How long ended deliveries stay for the log.",
            ),
            key(
                "max_bytes",
                Size("1MiB", "1024GiB"),
                Value("\"1GiB\""),
                "The size of the database from which on the oldest delivered messages go before their time, then the oldest dead letters; what waits stays, and new events are refused while nothing else is left.",
            ),
        ],
    },
    Table {
        pattern: "queue",
        about: "Bounds of what the host hands over, and the end of a queue.",
        keys: &[
            key(
                "max_event_bytes",
                Size("1KiB", "16MiB"),
                Value("\"1MiB\""),
                "The largest payload of one event; a larger one is refused.",
            ),
            key(
                "max_bytes",
                Size("64KiB", "1GiB"),
                Value("\"2MiB\""),
                "The most bytes that wait for the spool; at least twice `max_event_bytes`.",
            ),
            key(
                "end_delay",
                Duration("0s", "1h"),
                Value("\"1s\""),
                "How long a queue must stay empty before its end is believed.",
            ),
            key(
                "idle_end",
                Duration("1s", "7d"),
                Nothing,
                "Ends a queue of which the host has not spoken for so long after a task; longer than any task.",
            ),
            key(
                "batch_stall",
                Duration("1s", "30d"),
                Nothing,
                "How long a batch may stand still before `batch.stalled` tells of it.",
            ),
            key(
                "ring",
                Text("`auto` or `beside`"),
                Value("\"auto\""),
                "Where events wait for the spool: in a memory-backed file where the system has one, else beside the spool; or always beside the spool.",
            ),
        ],
    },
    Table {
        pattern: "files",
        about: "Files are read only where this table allows it.",
        keys: &[key(
            "roots",
            Texts("paths of folders"),
            Value("[]"),
            "The folders below which files named in `outputs[].path` may be read: the picture of a task, else its \
             first file, then goes with its message, for platforms that take one.",
        )],
    },
    Table {
        pattern: "network",
        about: "What a task may ask for in its `webhook_params`, which a user of the host may have written.",
        keys: &[key(
            "task_urls",
            Texts("`http` or `https` URLs without query"),
            Value("[]"),
            "A task's `url` must begin with one of these, by scheme, host, port and whole parts of the path, \
             and be public.",
        )],
    },
    ENDPOINT,
    Table {
        pattern: "endpoints.*.retry",
        about: "When a failed delivery is tried again. Jitter only ever adds to a wait.",
        keys: &[
            key(
                "schedule",
                Durations("1ms", "30d"),
                Value(r#"["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"]"#),
                "The waits after the first, second, … failed attempt; an empty list means one attempt only.",
            ),
            key(
                "max_age",
                Duration("1s", "365d"),
                Value("\"4d\""),
                "The age at which a delivery is dead, whatever the schedule says.",
            ),
        ],
    },
    SIGNATURE,
    HOOK,
    Table {
        pattern: "hooks[].escalate",
        about: "When a message of the hook has not arrived after this time, or an alert still fires, others are told, once.",
        keys: &[
            key("after", Duration("1s", "30d"), Required, "How long to wait for the message to arrive."),
            key(
                "to",
                Texts("names of endpoints"),
                Required,
                "Who is told; none that the hook rings at itself.",
            ),
        ],
    },
    ALERT,
];

const ENDPOINT: Table = Table {
    pattern: "endpoints.*",
    about: "Somebody who can hear. The name has 1 to 64 letters, digits, `-` or `_`; hooks use it in `to`.",
    keys: &[
        key(
            "platform",
            Text("a platform's name, such as `json` or `slack`"),
            Words("read off a well-known URL, else `json`"),
            "What the receiver is: it decides the card, the pace and what an answer means.",
        ),
        key(
            "url",
            Secret("an `http` or `https` URL without fragment; with credentials for `json` only"),
            Words("required, unless the platform has one of its own"),
            "Where the receiver listens.",
        ),
        key(
            "headers",
            SecretTable("at most 64 header names with values of printable ASCII"),
            Nothing,
            "Further request headers.",
        ),
        key("sign", ListOfTables, Nothing, "The signatures put on each attempt."),
        key(
            "timeout",
            Duration("100ms", "10m"),
            Value("\"15s\""),
            "One deadline for DNS, connect, TLS, sending, headers and body together.",
        ),
        key(
            "connect_timeout",
            Duration("1ms", "10m"),
            Words("`5s`, or `timeout` when that is shorter"),
            "The part of `timeout` that DNS, connect and TLS may take; at most `timeout`.",
        ),
        key("retry", Kind::Table, Nothing, "When to try again, and when to give up."),
        key(
            "rate",
            Rates("1 to 1000000 messages per 1ms to 7d"),
            Words("by platform"),
            "So many messages in any such time at most, one rate or several at once; an empty list for no limit.",
        ),
        key(
            "overflow",
            Text("`fold` or `queue`"),
            Words("`fold` for chat platforms, `queue` for the others"),
            "When more waits than the rate can carry in a minute: one summary of it, or each in its turn.",
        ),
        key(
            "concurrency",
            Integer(1, 64),
            Words("by platform"),
            "The most attempts in flight at once. `1`, where it is written, keeps the order: a delivery that waits for its next attempt holds back those after it.",
        ),
        key(
            "ca_file",
            Text("a path, or PEM text"),
            Nothing,
            "Certificates trusted beside the platform's own roots.",
        ),
        key(
            "client_cert",
            Text("a path, or PEM text"),
            Nothing,
            "The certificate chain Taskbell shows; only together with `client_key`.",
        ),
        key(
            "client_key",
            Text("a path, or PEM text"),
            Nothing,
            "The private key of `client_cert`; only together with it.",
        ),
        key(
            "proxy",
            Secret("`env`, or an `http` URL"),
            Words("dial directly"),
            "The way out; `env` follows `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.",
        ),
        key(
            "mentions",
            Texts("names or ids as the platform writes them"),
            Value("[]"),
            "Whom a chat message pings.",
        ),
        key(
            "fallback",
            Text("the name of another endpoint"),
            Nothing,
            "Who gets a message that is a dead letter here, or whose endpoint is gone; no circles.",
        ),
    ],
};

const SIGNATURE: Table = Table {
    pattern: "endpoints.*.sign[]",
    about: "One signature scheme with its live secrets. Several secrets sign side by side, for rotation. \
            The keys after `secrets` belong to the scheme `hmac`.",
    keys: &[
        key(
            "scheme",
            Text("`standard-webhooks`, `github`, `stripe`, `slack` or `hmac`"),
            Required,
            "How the signature is made and where it stands.",
        ),
        key(
            "secrets",
            Secrets("in the form the scheme asks for"),
            Required,
            "The secrets that sign, the newest first.",
        ),
        key(
            "key",
            Text("`utf8`, `base64` or `hex`"),
            Words("by scheme"),
            "How a secret is turned into key bytes.",
        ),
        key(
            "content",
            Text("text with `{id}`, `{timestamp}` and `{body}`"),
            Words("by scheme"),
            "What is signed.",
        ),
        key("hash", Text("`sha1`, `sha256` or `sha512`"), Words("by scheme"), "The hash below the HMAC."),
        key("encoding", Text("`hex` or `base64`"), Words("by scheme"), "How the signature is written."),
        key("header", Text("a header name"), Words("by scheme"), "The header that carries the signature."),
        key(
            "value",
            Text("a template of the header's value"),
            Words("by scheme"),
            "How the header's value is built.",
        ),
        key("id_header", Text("a header name"), Words("by scheme"), "The header that carries the event id."),
        key(
            "timestamp_header",
            Text("a header name"),
            Words("by scheme"),
            "The header that carries the time of the attempt.",
        ),
        key(
            "joiner",
            Text("text"),
            Words("no joiner: the first secret signs"),
            "What stands between the signatures of several secrets.",
        ),
    ],
};

/// The table of this pattern.
pub(super) fn table(pattern: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.pattern == pattern)
}

impl Table {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether the keys of platforms stand here too.
    pub fn takes_platform_options(&self) -> bool {
        self.pattern == ENDPOINT.pattern
    }

    /// Whether a key of this name may stand here.
    pub fn knows(&self, name: &str) -> bool {
        self.key(name).is_some() || self.takes_platform_options() && platform::is_platform_option(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{quantity, toml_text};

    #[test]
    fn the_table_is_sound() {
        for table in TABLES {
            for key in table.keys {
                assert!(key.meaning.ends_with('.'), "{} is not a sentence", key.meaning);
                assert_eq!(
                    table.keys.iter().filter(|other| other.name == key.name).count(),
                    1,
                    "{}",
                    key.name
                );
                if let Value(text) = key.default {
                    assert!(toml_text::parse_value(text).is_some(), "{text} is not TOML");
                }
                match key.kind {
                    Duration(least, most) | Durations(least, most) => {
                        assert!(
                            quantity::parse_duration(least).unwrap()
                                < quantity::parse_duration(most).unwrap()
                        );
                    }
                    Size(least, most) => {
                        assert!(quantity::parse_size(least).unwrap() < quantity::parse_size(most).unwrap());
                    }
                    Kind::Table => assert!(super::table(&below(table, key, "")).is_some(), "{}", key.name),
                    NamedTables => assert!(super::table(&below(table, key, ".*")).is_some(), "{}", key.name),
                    ListOfTables => assert!(super::table(&below(table, key, "[]")).is_some(), "{}", key.name),
                    _ => {}
                }
            }
        }
    }

    fn below(table: &Table, key: &Key, suffix: &str) -> String {
        format!("{}{suffix}", crate::config::node::join(table.pattern, key.name))
    }
}
