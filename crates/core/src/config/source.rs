//! The text of a configuration: from a file or passed directly, and in TOML or JSON.

use super::bare_url;
use super::diagnostic::{ConfigErrors, quoted};
use super::load_context::bounded_bytes;
use std::path::{Path, PathBuf};

const MAX_CONFIG_BYTES: u64 = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceLanguage {
    Toml,
    Json,
}

#[derive(Debug)]
pub(super) struct ConfigSource {
    /// `None` when the text was passed directly.
    pub file: Option<PathBuf>,
    /// Without a byte order mark.
    pub text: String,
    pub language: SourceLanguage,
    /// Whether a URL stood in the place of a configuration.
    pub is_bare_url: bool,
}

impl ConfigSource {
    /// Distinguishes a URL, a path and text, and reads the file.
    pub fn open(given: &str) -> Result<ConfigSource, ConfigErrors> {
        let given = given.strip_prefix('\u{feff}').unwrap_or(given);
        if bare_url::is_bare_url(given) {
            let (text, language) = (bare_url::text_of(given), SourceLanguage::Json);
            return Ok(ConfigSource { file: None, text, language, is_bare_url: true });
        }
        let is_json = given.trim_start().starts_with('{');
        if is_json || given.contains('\n') {
            if given.len() as u64 > MAX_CONFIG_BYTES {
                let message = format!("this configuration is larger than {MAX_CONFIG_BYTES} bytes");
                return Err(ConfigErrors::unlocated(None, message));
            }
            let language = if is_json { SourceLanguage::Json } else { SourceLanguage::Toml };
            return Ok(ConfigSource { file: None, text: given.to_owned(), language, is_bare_url: false });
        }
        let path = Path::new(given);
        let Some(language) = language_of(path) else {
            return Err(ConfigErrors::unlocated(None, no_configuration(given)));
        };
        ConfigSource::read(path, language)
            .map_err(|message| ConfigErrors::unlocated(Some(path.to_owned()), message))
    }

    fn read(path: &Path, language: SourceLanguage) -> Result<ConfigSource, String> {
        let bytes =
            bounded_bytes(path, MAX_CONFIG_BYTES).map_err(|error| format!("this configuration {error}"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = error.utf8_error().valid_up_to();
            format!("the file is not UTF-8: the byte at offset {before} cannot be decoded")
        })?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(ConfigSource { file: Some(path.to_owned()), text, language, is_bare_url: false })
    }

    /// The absolute folder that relative paths are resolved against. Absolute, because the host may change its
    /// working directory later.
    pub fn folder(&self) -> PathBuf {
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
    }

    /// The file name without its extension; `taskbell` for text.
    pub fn name(&self) -> &str {
        self.file.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str()).unwrap_or("taskbell")
    }
}

/// By the extension of a file.
fn language_of(path: &Path) -> Option<SourceLanguage> {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref() {
        Some("toml") => Some(SourceLanguage::Toml),
        Some("json") => Some(SourceLanguage::Json),
        _ => None,
    }
}

/// Why this is no configuration. Only the beginning is quoted: it may be a URL with a secret, without its scheme.
fn no_configuration(given: &str) -> String {
    let given = given.trim();
    if given.is_empty() {
        return "the path of the configuration is empty: give a `.toml` or `.json` file".to_owned();
    }
    if given.contains("://") {
        return "this URL is broken: it has a space in it, or begins with something else than https://"
            .to_owned();
    }
    let is_path =
        given.starts_with(['/', '.', '\\']) || !given.contains(['/', '\\']) || Path::new(given).exists();
    let shown = match given.find(['/', '\\']).filter(|_| !is_path) {
        Some(end) => format!("{}…", &given[..=end]),
        None => given.to_owned(),
    };
    format!(
        "{} is neither a URL, which begins with https://, nor a file with the extension `.toml` or `.json`, nor a text, \
         which has a line break (TOML) or starts with `{{` (JSON)",
        quoted(&shown)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_paths_are_distinguished() {
        let language = |given: &str| ConfigSource::open(given).unwrap().language;
        assert_eq!(language("  {}"), SourceLanguage::Json);
        assert_eq!(language("\u{feff}{\n}"), SourceLanguage::Json);
        assert_eq!(language("[host]\n"), SourceLanguage::Toml);
        for (path, expected) in
            [("", "is empty"), ("taskbell.yaml", "extension"), ("missing.toml", "cannot be read")]
        {
            let error = ConfigSource::open(path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_url_with_a_mistake_is_not_quoted_and_what_is_expected_is_said() {
        for given in
            ["hooks.slack.com/services/T0/B0/hush", "https//a.example/hush", "https://a b.example/hush"]
        {
            let error = ConfigSource::open(given).unwrap_err().to_string();
            assert!(error.contains("https://") && !error.contains("hush"), "{error}");
        }
        let error = ConfigSource::open("/etc/taskbell.conf").unwrap_err().to_string();
        assert!(error.starts_with("`/etc/taskbell.conf` is neither"), "{error}");
    }

    #[test]
    fn a_text_of_more_than_4_mib_is_rejected() {
        let text = "# x\n".repeat((MAX_CONFIG_BYTES as usize >> 2) + 1);
        assert!(ConfigSource::open(&text).unwrap_err().to_string().contains("larger"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.toml");
        std::fs::write(&path, text).unwrap();
        assert!(ConfigSource::open(path.to_str().unwrap()).unwrap_err().to_string().contains("larger"));
    }
}
