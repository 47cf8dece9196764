//! Events: the id, and the checks of type and payload at the boundary.

mod payload;
mod payload_text;
mod quick_check;
mod work_counts;

pub use payload::{FewFields, NamedFields, Payload};
pub use taskbell_ring::EventId;
pub use work_counts::{WorkCounts, whole_number};

use serde::de::Error;
use serde_json::Value as Json;

/// The longest type name, in bytes.
pub const MAX_TYPE_BYTES: usize = 64;

/// The type of the event that starts an alert.
pub const ALERT_FIRING: &str = "alert.firing";

/// The type of the event that ends an alert.
pub const ALERT_RESOLVED: &str = "alert.resolved";

/// The type of the event that tells of a batch without progress.
pub const BATCH_STALLED: &str = "batch.stalled";

/// The types of the events that tell how far a queue or a batch has come.
pub const QUEUE_PROGRESS: &str = "queue.progress";
/// As [`QUEUE_PROGRESS`], of a batch.
pub const BATCH_PROGRESS: &str = "batch.progress";

/// The types a host may emit whose meaning Taskbell knows. Any other name that passes [`check_type`] is the
/// host's own.
pub const KNOWN_TYPES: &[&str] = &[
    "task.complete",
    "queue.start",
    QUEUE_PROGRESS,
    "queue.end",
    BATCH_PROGRESS,
    "batch.end",
    BATCH_STALLED,
    "server.start",
    "server.stop",
    ALERT_FIRING,
    ALERT_RESOLVED,
];

/// The status of a task that a host's word means: `success`, `error` or `cancelled`.
pub fn status_of_word(word: &str) -> Option<&'static str> {
    const WORDS: [(&str, &[&str]); 3] = [
        ("success", &["success", "succeeded", "ok", "done", "completed"]),
        ("error", &["error", "failed", "failure", "fail"]),
        ("cancelled", &["cancelled", "canceled", "interrupted", "aborted"]),
    ];
    let means = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    WORDS.iter().find(|(_, known)| means(known)).map(|(status, _)| *status)
}

/// Whether an output is a picture, by its `mime`, else by the name at this path of it.
pub fn is_picture(output: &serde_json::Value, path: &str) -> bool {
    match output.get("mime").and_then(serde_json::Value::as_str) {
        Some(mime) => mime.starts_with("image/"),
        None => {
            let path = path.to_ascii_lowercase();
            [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|ending| path.ends_with(ending))
        }
    }
}

/// Checks a type name against `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 64 bytes.
///
/// # Errors
/// A sentence with the reason.
pub fn check_type(name: &str) -> Result<(), String> {
    let well_formed = name
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')));
    if name.len() > MAX_TYPE_BYTES {
        Err(format!("an event type has at most {MAX_TYPE_BYTES} bytes, this one has {}", name.len()))
    } else if !well_formed {
        Err(format!(
            "`{}` is not an event type: lower-case letters, digits and `_`, in parts joined by `.`, \
             for instance `render.saved`",
            name.escape_debug()
        ))
    } else {
        Ok(())
    }
}

/// Whether `on` of a hook names events of this type: by the type itself, by a family such as `render.*`, or all by `*`.
pub fn is_named_by(on: &str, kind: &str) -> bool {
    on.strip_suffix('*').map_or(on == kind, |family| kind.starts_with(family))
}

/// Checks what `on` of a hook may name: a type, `*`, or a type with `.*` behind it.
///
/// # Errors
/// A sentence with the reason.
pub fn check_listened(on: &str) -> Result<(), String> {
    let family = on.strip_suffix(".*");
    match check_type(family.unwrap_or(on)) {
        _ if on == "*" => Ok(()),
        Err(_) if on.contains('*') => Err(format!(
            "`{}` is not a family of events: write its first parts and `.*`, for instance `render.*`, or `*` for all",
            on.escape_debug()
        )),
        checked => checked,
    }
}

/// Types that stand for all that `on` names: itself, the known types of a family, and one of a host's own where a family
/// has none.
pub fn samples_of(on: &str) -> Vec<String> {
    let Some(family) = on.strip_suffix('*') else { return vec![on.to_owned()] };
    let known = KNOWN_TYPES.iter().filter(|kind| kind.starts_with(family));
    let mut kinds: Vec<String> = known.map(|kind| (*kind).to_owned()).collect();
    if kinds.is_empty() || family.is_empty() {
        kinds.push(if family.is_empty() { "render.saved".to_owned() } else { format!("{family}saved") });
    }
    kinds
}

/// The byte order mark that some editors and shells write before a text.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A payload without its byte order mark.
pub fn without_mark(json: &str) -> &str {
    json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json)
}

/// As [`without_mark`], for bytes that may be no text.
pub fn bytes_without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(json)
}

/// Checks that the text is one JSON object that every later step can read. Allocates only for what is refused, or so odd
/// that the parser has to decide.
///
/// # Errors
/// The parser's error, with line and column.
pub fn check_object(json: &str) -> Result<(), serde_json::Error> {
    if quick_check::is_object(json.as_bytes()) {
        return Ok(());
    }
    match serde_json::from_slice(json.as_bytes())? {
        Json::Object(_) => Ok(()),
        // The parser also makes something else of an object that begins with a name of its own.
        _ => Err(Error::custom("it is a list, a text, a number or another value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_keep_to_their_pattern() {
        for good in KNOWN_TYPES.iter().chain(&["a", "render.frame_saved.v2"]) {
            assert_eq!(check_type(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "a.", "A", "a b", "täsk", &"a".repeat(65)] {
            assert!(check_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_family_has_the_types_below_its_name_and_no_other() {
        for (on, kind, is_named) in [
            ("*", "task.complete", true),
            ("*", "frame", true),
            ("render.*", "render.saved", true),
            ("render.*", "render.frame.saved", true),
            ("render.*", "render", false),
            ("render.*", "rendering.saved", false),
            ("render.frame.*", "render.saved", false),
            ("render.saved", "render.saved", true),
            ("render", "render.saved", false),
        ] {
            assert_eq!(is_named_by(on, kind), is_named, "{on} {kind}");
        }
        for on in ["*", "render.*", "queue.*", "task.complete"] {
            assert_eq!(check_listened(on), Ok(()));
            assert!(
                samples_of(on).iter().all(|kind| check_type(kind).is_ok() && is_named_by(on, kind)),
                "{on}"
            );
        }
        for bad in ["", ".*", "render*", "*.saved", "**", "render.*.saved", "render.**"] {
            assert!(check_listened(bad).is_err(), "{bad}");
        }
        assert_eq!(samples_of("*").len(), KNOWN_TYPES.len() + 1);
        assert_eq!(samples_of("server.*"), ["server.start", "server.stop"]);
        assert_eq!(samples_of("render.*"), ["render.saved"]);
    }

    #[test]
    fn only_an_object_that_can_be_read_later_passes() {
        let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        let odd = r#"{"a":[1,-2,3.5e2,null,true,"\n\ud83d\ude00"],"b":{"c":{},"\u00e9":1e999}}"#;
        for good in ["{}", odd, &deep(100)] {
            check_object(good).unwrap();
            assert!(serde_json::from_str::<Json>(good).unwrap().is_object());
        }
        let own = r#"{"$serde_json::private::Number":"1"}"#;
        for bad in [own, "", "[]", "1", "null", "{", "{}x", r#"{"a":01}"#, r#"{"a":"\ud800"}"#, &deep(200)] {
            assert!(check_object(bad).is_err(), "{bad}");
        }
    }
}
