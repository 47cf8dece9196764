//! Where the text of a configuration comes from, and in which language it is.

use super::fault::ConfigErrors;
use super::reading::bounded_bytes;
use std::path::{Path, PathBuf};

/// The largest configuration, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// The language of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Toml,
    Json,
}

/// A configuration before it is parsed.
#[derive(Debug)]
pub(super) struct Source {
    /// `None` when the text itself was given.
    pub file: Option<PathBuf>,
    /// Without a byte order mark.
    pub text: String,
    pub language: Language,
}

impl Source {
    /// Tells a path from a text, and reads the file.
    pub fn open(given: &str) -> Result<Source, ConfigErrors> {
        let given = given.strip_prefix('\u{feff}').unwrap_or(given);
        let is_json = given.trim_start().starts_with('{');
        if is_json || given.contains('\n') {
            if given.len() as u64 > MAX_TEXT {
                let message = format!("this configuration is larger than {MAX_TEXT} bytes");
                return Err(ConfigErrors::without_place(None, message));
            }
            let language = if is_json { Language::Json } else { Language::Toml };
            return Ok(Source { file: None, text: given.to_owned(), language });
        }
        let path = Path::new(given);
        Source::read(path).map_err(|message| ConfigErrors::without_place(Some(path.to_owned()), message))
    }

    fn read(path: &Path) -> Result<Source, String> {
        if path.as_os_str().is_empty() {
            return Err("the path of a configuration is empty: give a `.toml` or `.json` file".to_owned());
        }
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let language = match extension.as_deref() {
            Some("toml") => Language::Toml,
            Some("json") => Language::Json,
            _ => {
                return Err("the name of a configuration file ends in `.toml` or `.json`; \
                            TOML text itself has at least one line break, JSON text starts with `{`"
                    .to_owned());
            }
        };
        let bytes = bounded_bytes(path, MAX_TEXT).map_err(|fault| format!("this configuration {fault}"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = error.utf8_error().valid_up_to();
            format!("the file is not UTF-8: the byte at offset {before} cannot be decoded")
        })?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(Source { file: Some(path.to_owned()), text, language })
    }

    /// The folder that relative paths start at.
    pub fn folder(&self) -> PathBuf {
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        super::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    }

    /// The name of the configuration: the file's without its extension.
    pub fn name(&self) -> &str {
        self.file.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str()).unwrap_or("taskbell")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_from_a_path() {
        let language = |given: &str| Source::open(given).unwrap().language;
        assert_eq!(language("  {}"), Language::Json);
        assert_eq!(language("\u{feff}{\n}"), Language::Json);
        assert_eq!(language("[host]\n"), Language::Toml);
        for (path, expected) in
            [("", "is empty"), ("taskbell.yaml", "ends in"), ("missing.toml", "cannot be read")]
        {
            let error = Source::open(path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_text_of_more_than_4_mib_is_refused() {
        let text = "# x\n".repeat((MAX_TEXT as usize >> 2) + 1);
        assert!(Source::open(&text).unwrap_err().to_string().contains("larger"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.toml");
        std::fs::write(&path, text).unwrap();
        assert!(Source::open(path.to_str().unwrap()).unwrap_err().to_string().contains("larger"));
    }
}
