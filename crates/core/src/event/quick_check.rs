//! A check of JSON without a parser: it allocates nothing and keeps nothing. It runs in the host's call, where a parser
//! would copy every number. Strings, most of an event, are passed over eight bytes at a time, and long ones 64.

/// Lists and objects inside each other; one bit of [`Scan::in_object`] each.
const MAX_DEPTH: u32 = 64;

/// Begins the names by which serde_json tells itself what an object stands for.
const PARSERS_OWN: &[u8] = b"$serde_json";

/// Whether this is one JSON object that the parser reads for certain. `false` says nothing: it may be deep, or hold an
/// escape whose meaning depends on the next one.
pub(super) fn is_object(json: &[u8]) -> bool {
    Scan { rest: json, in_object: 0, depth: 0 }.object().is_some()
}

struct Scan<'a> {
    rest: &'a [u8],
    /// Whether what is open is an object; the last bit is the innermost.
    in_object: u64,
    depth: u32,
}

impl Scan<'_> {
    fn object(mut self) -> Option<()> {
        self.blank();
        if self.peek()? != b'{' {
            return None;
        }
        loop {
            if self.begins_value()? {
                continue;
            }
            while self.ends_value()? {
                if self.depth == 0 {
                    self.blank();
                    return self.rest.is_empty().then_some(());
                }
            }
        }
    }

    /// Reads a value, or the beginning of one; whether another value begins then.
    #[inline]
    fn begins_value(&mut self) -> Option<bool> {
        match self.peek()? {
            b'"' => drop(self.string()?),
            open @ (b'{' | b'[') => {
                self.depth += 1;
                self.in_object = self.in_object << 1 | u64::from(open == b'{');
                self.take()?;
                self.blank();
                let is_empty = matches!(self.peek()?, b'}' | b']');
                if !is_empty && open == b'{' {
                    self.key()?;
                }
                return (self.depth <= MAX_DEPTH).then_some(!is_empty);
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(false)
    }

    /// Reads what follows a value; whether that ends the list or object around it.
    #[inline]
    fn ends_value(&mut self) -> Option<bool> {
        self.blank();
        let in_object = self.in_object & 1 == 1;
        match self.take()? {
            b',' => {
                self.blank();
                if in_object {
                    self.key()?;
                }
                return Some(false);
            }
            b'}' if in_object => {}
            b']' if !in_object => {}
            _ => return None,
        }
        self.depth -= 1;
        self.in_object >>= 1;
        Some(true)
    }

    #[inline]
    fn key(&mut self) -> Option<()> {
        let is_parsers_own = self.rest.get(1) == Some(&b'$') && self.rest.get(1..)?.starts_with(PARSERS_OWN);
        let has_escapes = self.string()?;
        self.blank();
        self.byte(b':')?;
        self.blank();
        (!is_parsers_own && !has_escapes).then_some(())
    }

    /// Reads a string; whether it has escapes.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        self.byte(b'"')?;
        let mut has_escapes = false;
        loop {
            self.rest = after_plain(self.rest);
            match self.take()? {
                b'"' => return Some(has_escapes),
                b'\\' => self.escape()?,
                _ => return None,
            }
            has_escapes = true;
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.take()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let (code, rest) = self.rest.split_first_chunk::<4>()?;
                let is_surrogate = matches!(code, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                self.rest = rest;
                (!is_surrogate && code.iter().all(u8::is_ascii_hexdigit)).then_some(())
            }
            _ => None,
        }
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        let _ = self.byte(b'-');
        self.byte(b'0').or_else(|| self.digits())?;
        if self.byte(b'.').is_some() {
            self.digits()?;
        }
        if self.byte(b'e').or_else(|| self.byte(b'E')).is_some() {
            let _ = self.byte(b'+').or_else(|| self.byte(b'-'));
            self.digits()?;
        }
        Some(())
    }

    #[inline]
    fn digits(&mut self) -> Option<()> {
        let before = self.rest.len();
        while let Some((b'0'..=b'9', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        (self.rest.len() < before).then_some(())
    }

    /// Passes over this byte: in a call of its own, as [`Scan::word`] compares, it would take several times as long.
    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        (*first == byte).then(|| self.rest = rest)
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest.strip_prefix(word).map(|rest| self.rest = rest)
    }

    #[inline]
    fn blank(&mut self) {
        while let Some((b' ' | b'\n' | b'\r' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

/// The text from its first quote, backslash or control character on.
#[inline]
pub(super) fn after_plain(mut text: &[u8]) -> &[u8] {
    loop {
        // Most strings are short.
        for _ in 0..4 {
            let Some((chunk, rest)) = text.split_first_chunk::<8>() else {
                let end = text.iter().position(|byte| is_special(*byte)).unwrap_or(text.len());
                return text.get(end..).unwrap_or_default();
            };
            let marks = special_bytes(u64::from_le_bytes(*chunk));
            if marks != 0 {
                return text.get(marks.trailing_zeros() as usize / 8..).unwrap_or_default();
            }
            text = rest;
        }
        // Without a branch for each byte, the compiler compares many at once.
        while let Some((chunk, rest)) = text.split_first_chunk::<64>()
            && !chunk.iter().fold(false, |any, byte| any | is_special(*byte))
        {
            text = rest;
        }
    }
}

/// Whether this byte is a quote, a backslash or a control character.
#[inline]
fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// As [`is_special`] for eight bytes: marks the top bit of those that are. Marks above the lowest one may be wrong.
#[inline]
fn special_bytes(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    // A byte whose top bit is clear gets it by a subtraction when it is smaller than what is subtracted.
    let is_quote = (bytes ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let is_backslash = (bytes ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let is_control = bytes.wrapping_sub(ONES * 0x20);
    (is_quote | is_backslash | is_control) & !bytes & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json};

    fn is_read(json: &str) -> bool {
        serde_json::from_str::<Map<String, Json>>(json).is_ok()
    }

    #[test]
    fn what_hosts_send_passes() {
        for good in [
            "{}",
            " { \"a\" : [ ] , \"b\" : { } , \"c\" : [ 1 , [ ] , { \"d\" : null } ] } \n",
            r#"{"id":1,"x":[-0,0.5,-1.25e-400,1E+9,123456789012345678901234567890],"t":[true,false]}"#,
            r#"{"prompt":"a \"cat\" \\ / \u00e9\n, und eine lange Zeile mit Ümlauten 汉字😀","":""}"#,
        ] {
            assert!(is_object(good.as_bytes()) && is_read(good), "{good}");
        }
        let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(is_object(deep(63).as_bytes()) && !is_object(deep(64).as_bytes()));
    }

    /// Pieces from which a parser's every turn can be put together.
    const PIECES: [&str; 42] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"a\":", "{\"a\":", "\\u", "\\ud8", "d83d",
        "\\udc00", "\\n", "00", "0", "1", "-", "+", ".", "e", "E", "true", "false", "null", "nul", " ", "\n",
        "\u{1}", "\u{7f}", "é", "12345678", "\"1\"", "{}", "[]", "\u{feff}", "'", "/", "\u{0}", "\u{c}",
    ];
    const LONG_PIECES: [&str; 2] = ["\"$serde_json::private::Number\":", "\"12345678\""];

    fn almost_json() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select([&PIECES[..], &LONG_PIECES].concat()), 0..12)
            .prop_map(|pieces| format!("{{\"a\":{}}}", pieces.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_passes_is_read(json in almost_json(), cut in 0..100_usize) {
            let cut = json.char_indices().nth(cut).map_or(json.len(), |(at, _)| at);
            for json in [&json[..], &json[..cut], &json[5..]] {
                prop_assert!(!is_object(json.as_bytes()) || is_read(json), "{:?}", json);
            }
        }

        #[test]
        fn of_eight_bytes_the_first_special_one_is_found(bytes in any::<[u8; 8]>()) {
            let marks = special_bytes(u64::from_le_bytes(bytes));
            let first = (marks != 0).then(|| marks.trailing_zeros() as usize / 8);
            prop_assert_eq!(first, bytes.iter().position(|byte| is_special(*byte)), "{:x?}", bytes);
        }

        #[test]
        fn what_is_wrong_anywhere_in_a_long_string_is_seen(
            pieces in 0..100_usize, at in any::<prop::sample::Index>(), wrong in 0_u8..0x20,
        ) {
            let json = serde_json::json!({"text": "é a ".repeat(pieces)}).to_string();
            prop_assert!(is_object(json.as_bytes()), "{}", json);
            let mut json = json.into_bytes();
            json.insert(9 + at.index(json.len() - 10), wrong);
            prop_assert!(!is_object(&json), "{:?}", json);
        }

        #[test]
        fn a_text_passes_as_it_is_written(text in any::<String>()) {
            let json = serde_json::json!({"text": text}).to_string();
            prop_assert!(is_object(json.as_bytes()), "{}", json);
        }
    }
}
