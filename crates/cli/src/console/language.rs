//! The language of the page: each text is written in both, next to each other.

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// The language of this code, such as `zh-CN`.
    pub fn of_code(code: &str) -> Option<Language> {
        match code.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            _ => None,
        }
    }

    /// The first language of an `accept-language` header that the page has.
    pub fn accepted(header: &str) -> Option<Language> {
        header.split(',').find_map(Language::of_code)
    }

    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// The text in this language.
    pub fn say<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    /// A number with its word.
    pub fn count(self, number: u64, one: &str, many: &str, chinese: &str) -> String {
        match self {
            Language::Chinese => format!("{number} {chinese}"),
            Language::English if number == 1 => format!("1 {one}"),
            Language::English => format!("{number} {many}"),
        }
    }

    /// A duration: `850 ms`, `12 s`, `5 min`, `3.5 h`.
    pub fn span(self, millis: i64) -> String {
        let text = crate::terminal::span(millis);
        match self {
            Language::English => text,
            Language::Chinese => text
                .replace(" ms", " 毫秒")
                .replace(" s", " 秒")
                .replace(" min", " 分钟")
                .replace(" h", " 小时")
                .replace(" d", " 天"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_the_page_has_is_taken() {
        for (header, found) in [
            ("de-DE,zh-CN;q=0.9,en;q=0.8", Some(Language::Chinese)),
            ("en-GB", Some(Language::English)),
            ("fr, *;q=0.5", None),
            ("", None),
            ("中", None),
        ] {
            assert_eq!(Language::accepted(header), found, "{header}");
        }
        assert_eq!(Language::Chinese.span(90_000), "90 秒");
    }
}
