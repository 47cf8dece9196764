//! A check of JSON without a parser: it allocates nothing and keeps nothing. It runs in the host's call, where a parser
//! would copy every number.

/// Lists and objects inside each other; one bit of [`Scan::in_object`] each.
const MAX_DEPTH: u32 = 64;

/// Begins the names by which serde_json tells itself what an object stands for.
const PARSERS_OWN: &[u8] = b"$serde_json";

/// Whether this is one JSON object that the parser reads for certain. `false` says nothing: it may be deep, or hold an
/// escape whose meaning depends on the next one.
pub(super) fn is_object(json: &[u8]) -> bool {
    Scan { json, at: 0, in_object: 0, depth: 0 }.object().is_some()
}

struct Scan<'a> {
    json: &'a [u8],
    at: usize,
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
                    return (self.at == self.json.len()).then_some(());
                }
            }
        }
    }

    /// Reads a value, or the beginning of one; whether another value begins then.
    fn begins_value(&mut self) -> Option<bool> {
        match self.peek()? {
            open @ (b'{' | b'[') => {
                self.depth += 1;
                self.in_object = self.in_object << 1 | u64::from(open == b'{');
                self.at += 1;
                self.blank();
                let is_empty = matches!(self.peek()?, b'}' | b']');
                if !is_empty && open == b'{' {
                    self.key()?;
                }
                return (self.depth <= MAX_DEPTH).then_some(!is_empty);
            }
            b'"' => self.string()?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(false)
    }

    /// Reads what follows a value; whether that ends the list or object around it.
    fn ends_value(&mut self) -> Option<bool> {
        self.blank();
        let in_object = self.in_object & 1 == 1;
        match self.peek()? {
            b',' => {
                self.at += 1;
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
        self.at += 1;
        self.depth -= 1;
        self.in_object >>= 1;
        Some(true)
    }

    fn key(&mut self) -> Option<()> {
        let from = self.at + 1;
        self.string()?;
        let key = self.json.get(from..self.at)?;
        if key.starts_with(PARSERS_OWN) || key.contains(&b'\\') {
            return None;
        }
        self.blank();
        self.word(b":")?;
        self.blank();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.word(b"\"")?;
        loop {
            while self.rest().first_chunk().is_some_and(|chunk| is_plain(u64::from_le_bytes(*chunk))) {
                self.at += 8;
            }
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let letter = self.peek()?;
        self.at += 1;
        match letter {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let code = *self.rest().first_chunk::<4>()?;
                let is_surrogate = matches!(code, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                self.at += 4;
                (!is_surrogate && code.iter().all(u8::is_ascii_hexdigit)).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.word(b"-");
        self.word(b"0").or_else(|| self.digits())?;
        if self.word(b".").is_some() {
            self.digits()?;
        }
        if self.word(b"e").or_else(|| self.word(b"E")).is_some() {
            let _ = self.word(b"+").or_else(|| self.word(b"-"));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.json.get(self.at..).unwrap_or_default()
    }
}

/// Whether none of these eight bytes is a quote, a backslash or a control character.
fn is_plain(bytes: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    // The lowest marked byte is right, which is enough to know whether there is one.
    let below = |bytes: u64, bound: u64| bytes.wrapping_sub(ONES * bound) & !bytes & TOPS;
    let is = |byte: u8| below(bytes ^ (ONES * u64::from(byte)), 1);
    is(b'"') | is(b'\\') | below(bytes, 0x20) == 0
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
        fn a_text_passes_as_it_is_written(text in any::<String>()) {
            let json = serde_json::json!({"text": text}).to_string();
            prop_assert!(is_object(json.as_bytes()), "{}", json);
        }
    }
}
