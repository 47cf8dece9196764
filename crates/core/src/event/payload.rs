//! The payload of an event as text, with the places of its members: most events are counted and sent on with a few of
//! their members read, and never as a tree.

use super::payload_text::{PayloadMember, normalized};
use serde_json::{Map, Value as Json};
use std::ops::Range;
use std::sync::OnceLock;

/// A payload. Its text is what serde_json would write of it.
#[derive(Debug, Clone)]
pub struct Payload {
    text: Vec<u8>,
    members: Vec<PayloadMember>,
    tree: OnceLock<Map<String, Json>>,
}

/// Members that are looked up by name.
pub trait NamedFields {
    /// The member of this name.
    fn get(&self, name: &str) -> Option<&Json>;
}

impl NamedFields for Map<String, Json> {
    fn get(&self, name: &str) -> Option<&Json> {
        Map::get(self, name)
    }
}

/// Some members of a payload.
pub struct FewFields<'a> {
    asked: &'a [&'static str],
    found: Vec<(&'static str, Json)>,
}

impl NamedFields for FewFields<'_> {
    fn get(&self, name: &str) -> Option<&Json> {
        debug_assert!(self.asked.contains(&name), "{name} is not among the fields that were asked for");
        self.found.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// The parser's error: it is no JSON object.
    pub fn read(bytes: &[u8]) -> Result<Payload, serde_json::Error> {
        match normalized(bytes) {
            Some((text, members)) => Ok(Payload { text, members, tree: OnceLock::new() }),
            None => serde_json::from_slice::<Map<String, Json>>(bytes).map(Payload::from),
        }
    }

    /// The payload as JSON, without blanks.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The payload as a tree, which is made when it is first asked for.
    pub fn tree(&self) -> &Map<String, Json> {
        self.tree.get_or_init(|| serde_json::from_slice(&self.text).unwrap_or_default())
    }

    /// The members in their order: the name as it is written in JSON without its quotes, and where the value stands in the
    /// text.
    pub fn places(&self) -> impl Iterator<Item = (&[u8], Range<usize>)> {
        let name = |member: &PayloadMember| self.text.get(member.name.clone()).unwrap_or_default();
        self.members.iter().map(move |member| (name(member), member.value.clone()))
    }

    /// The members in their order: the name as it is written in JSON without its quotes, and the value in JSON.
    pub fn members(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let part = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default();
        self.members.iter().map(move |member| (part(&member.name), part(&member.value)))
    }

    /// The value of the member of this name, in JSON. The name needs no escapes.
    pub fn value_text(&self, name: &str) -> Option<&[u8]> {
        self.members().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
    }

    /// The value of the member of this name, which needs no escapes.
    pub fn value(&self, name: &str) -> Option<Json> {
        self.value_text(name).map(value_of)
    }

    /// The members with these names, which need no escapes.
    pub fn fields<'a>(&self, names: &'a [&'static str]) -> FewFields<'a> {
        // The first bytes tell most names apart, without a call.
        let is = |known: &str, name: &[u8]| {
            known.len() == name.len() && known.as_bytes().first() == name.first() && known.as_bytes() == name
        };
        let named = |name: &[u8]| names.iter().find(|known| is(known, name));
        let found = self.members().filter_map(|(name, value)| Some((*named(name)?, value_of(value))));
        FewFields { asked: names, found: found.collect() }
    }
}

impl Default for Payload {
    fn default() -> Payload {
        Payload::from(Map::new())
    }
}

impl From<Map<String, Json>> for Payload {
    fn from(tree: Map<String, Json>) -> Payload {
        let (mut text, mut members) = (Vec::new(), Vec::with_capacity(tree.len()));
        let mut put = |before: u8, value: &Json| {
            text.push(before);
            let from = text.len();
            text.extend(crate::json::bytes(value));
            from..text.len()
        };
        for (name, value) in &tree {
            let before = if members.is_empty() { b'{' } else { b',' };
            let name = put(before, &Json::String(name.clone()));
            members.push(PayloadMember { name: name.start + 1..name.end - 1, value: put(b':', value) });
        }
        text.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
        Payload { text, members, tree: tree.into() }
    }
}

/// A value of a text that was checked.
fn value_of(text: &[u8]) -> Json {
    match text {
        [b'"', plain @ .., b'"'] if !plain.contains(&b'\\') => {
            Json::String(str::from_utf8(plain).unwrap_or_default().to_owned())
        }
        [b'-' | b'0'..=b'9', ..] => {
            let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            number.map_or(Json::Null, Json::Number)
        }
        _ => serde_json::from_slice(text).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::cases;
    use proptest::prelude::*;

    fn payload(text: &str) -> Payload {
        Payload::read(text.as_bytes()).unwrap()
    }

    /// What is read without a tree is what the tree says.
    fn assert_same(text: &str) {
        let tree = match serde_json::from_str::<Map<String, Json>>(text) {
            Ok(tree) => tree,
            Err(_) => return assert!(Payload::read(text.as_bytes()).is_err(), "{text}"),
        };
        for read in [payload(text), Payload::from(tree.clone())] {
            assert_eq!(
                String::from_utf8_lossy(read.text()),
                Json::Object(tree.clone()).to_string(),
                "{text}"
            );
            assert_eq!(read.tree(), &tree, "{text}");
            let members: Vec<(String, Json)> = read
                .members()
                .map(|(name, value)| {
                    let name = [b"\"", name, b"\""].concat();
                    (serde_json::from_slice(&name).unwrap(), serde_json::from_slice(value).unwrap())
                })
                .collect();
            assert_eq!(members, tree.clone().into_iter().collect::<Vec<_>>(), "{text}");
            for (name, value) in &tree {
                if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    assert_eq!(read.value(name).as_ref(), Some(value), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_payload_has_the_text_that_its_tree_has_however_it_is_written() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(120), "]".repeat(120));
        let wide: Vec<String> = (0..100).map(|n| format!("\"k{n}\": {n}")).collect();
        let wide = format!("{{{}}}", wide.join(" , "));
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#"{ "a" : [ 1 , 2.50 , -0 , 1E5, 1e-5, 1e+5, 1.5e7 ] , "b" : { } }"#,
            "{\"a\":\n\t[true,false,null]\r\n}",
            r#"{"a":"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u0001\u001F\u007f"}"#,
            r#"{"\u0061":1,"a":2,"b":3}"#,
            r#"{"a":{"x":1,"y":2,"x":3},"a":4}"#,
            r#"{"a":1,"b":2,"a":{"c":[]}}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"{"a":{"$serde_json::private::Number":"7"}}"#,
            r#"{"a":"é😀","ключ":"значение"}"#,
            r#"{"a":123456789012345678901234567890.10}"#,
            r#"{"a\"b":1,"\n":2}"#,
            // None of these is an object.
            "",
            "[]",
            "{",
            "{}x",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":.5}"#,
            r#"{"a":1e}"#,
            r#"{"a":-}"#,
            r#"{"a":tru}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\x"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"x}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1 2]}"#,
            r#"{a:1}"#,
            r#"{"a":"\"#,
            "\u{feff}{}",
            &deep,
            &wide,
        ] {
            assert_same(text);
        }
        assert!(Payload::read(b"{\"a\":\"\xff\"}").is_err());
    }

    fn texts() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"b\":",
            "\"a\":",
            " ",
            "\n",
            "1",
            "-2.5e3",
            "0",
            "\\n",
            "\\u00e9",
            "\\/",
            "true",
            "null",
            "é",
            "x",
            "{}",
            "[]",
            "\"\\ud83d\\ude00\"",
            "\"long enough to be read in one step\"",
        ]);
        prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(cases(1024))]

        #[test]
        fn a_payload_of_any_text_is_what_the_parser_makes_of_it(text in texts()) {
            assert_same(&text);
            assert_same(&format!("{{\"a\":{text}}}"));
            assert_same(&format!("{{ \"a\" : \"{text}\", \"c\":[{text}] }}"));
        }
    }

    #[test]
    fn few_fields_are_found_as_in_the_tree() {
        let payload = payload(r#"{"id": 7, "name": "a\nb", "x": {"id": 8}, "status": "ok"}"#);
        let fields = payload.fields(&["status", "name", "id", "queue"]);
        for name in ["status", "name", "id", "queue"] {
            assert_eq!(fields.get(name), payload.tree().get(name), "{name}");
        }
        assert_eq!(payload.value_text("x"), Some(&br#"{"id":8}"#[..]));
    }
}
