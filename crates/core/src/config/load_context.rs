//! The state of one load: collects errors, warnings and secrets, and resolves `env:NAME` and `file:PATH`.

use super::diagnostic::{Diagnostic, FileLocation, quoted};
use crate::platform::{self, Described, Platform};
use crate::secret::Secret;
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use url::Url;

pub(super) type Environment<'e> = dyn Fn(&str) -> Option<OsString> + 'e;

/// The size limit of a file that the configuration names, in bytes.
const MAX_NAMED_FILE: u64 = 1 << 20;

pub(super) struct LoadContext<'e> {
    base: PathBuf,
    environment: &'e Environment<'e>,
    errors: RefCell<Vec<Diagnostic>>,
    warnings: RefCell<Vec<Diagnostic>>,
    secrets: RefCell<Vec<String>>,
    /// The platforms of the configuration's own.
    platforms: RefCell<Vec<&'static Described>>,
}

pub(super) struct Findings {
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
    pub secrets: Vec<String>,
}

/// A text of the configuration with `env:` and `file:` resolved.
#[derive(Clone)]
pub(super) struct TextValue {
    pub text: String,
    pub at: usize,
    /// How a diagnostic refers to the text: quoted, or by its source when it is secret.
    pub shown: String,
}

impl TextValue {
    pub fn into_secret(self) -> Secret {
        Secret::new(self.text)
    }
}

#[cold]
fn add(found: &RefCell<Vec<Diagnostic>>, diagnostic: Diagnostic) {
    found.borrow_mut().push(diagnostic);
}

impl<'e> LoadContext<'e> {
    /// Relative paths are resolved against `base`.
    pub fn new(base: PathBuf, environment: &'e Environment<'e>) -> Self {
        LoadContext {
            base,
            environment,
            errors: RefCell::default(),
            warnings: RefCell::default(),
            secrets: RefCell::default(),
            platforms: RefCell::default(),
        }
    }

    pub fn error(&self, at: usize, key: &str, message: impl Into<String>) {
        add(&self.errors, Diagnostic::new(at, key, message));
    }

    /// Adds an error in a file that the configuration names at `at`.
    pub fn error_in_file(&self, at: usize, key: &str, location: FileLocation, message: impl Into<String>) {
        add(&self.errors, Diagnostic { location: Some(location), ..Diagnostic::new(at, key, message) });
    }

    pub fn warn(&self, at: usize, key: &str, message: impl Into<String>) {
        add(&self.warnings, Diagnostic::new(at, key, message));
    }

    /// Adds a text to those that the scrubber removes.
    pub fn add_secret(&self, text: &str) {
        self.secrets.borrow_mut().push(text.to_owned());
    }

    /// Adds a platform that the configuration describes.
    pub fn add_platform(&self, platform: &'static Described) {
        self.platforms.borrow_mut().push(platform);
    }

    /// The platforms that the configuration describes.
    pub fn described(&self) -> Vec<&'static Described> {
        self.platforms.borrow().clone()
    }

    /// The platform of this name: one of the configuration's own, or a built-in one.
    pub fn platform(&self, name: &str) -> Option<&'static dyn Platform> {
        let is_named = |platform: &&'static dyn Platform| platform.name() == name;
        self.own_platforms().into_iter().find(is_named).or_else(|| platform::by_name(name))
    }

    /// The platform to which this URL can only belong.
    pub fn recognise(&self, url: &Url) -> Option<&'static dyn Platform> {
        let is_own = |platform: &&'static dyn Platform| platform.recognises(url);
        self.own_platforms().into_iter().find(is_own).or_else(|| platform::recognise(url))
    }

    /// The names for `platform = "…"`.
    pub fn platform_names(&self) -> Vec<&'static str> {
        let own = self.own_platforms().into_iter().map(|platform| platform.name());
        platform::names().into_iter().chain(own).collect()
    }

    /// The names of the options that the configuration's own platforms have.
    pub fn own_option_names(&self) -> Vec<&'static str> {
        let options = self.own_platforms().into_iter().flat_map(|platform| platform.description().options);
        options.map(|option| option.name).collect()
    }

    fn own_platforms(&self) -> Vec<&'static dyn Platform> {
        self.described().into_iter().map(|platform| platform as &'static dyn Platform).collect()
    }

    /// An environment variable; an empty one counts as unset.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// A path, relative to the folder of the configuration.
    pub fn path(&self, written: &str) -> PathBuf {
        self.base.join(written)
    }

    pub fn finish(self) -> Findings {
        Findings {
            errors: self.errors.into_inner(),
            warnings: self.warnings.into_inner(),
            secrets: self.secrets.into_inner(),
        }
    }

    /// Resolves `env:NAME` and `file:PATH`. Text from there is secret, whatever the key.
    pub fn resolve(&self, written: &str, at: usize, key: &str, secret: bool) -> Option<TextValue> {
        let (found, shown) = if let Some(name) = written.strip_prefix("env:") {
            (self.variable_text(name), format!("the value of the environment variable {}", quoted(name)))
        } else if let Some(path) = written.strip_prefix("file:") {
            (self.file_text(path), format!("the content of the file {}", quoted(path)))
        } else {
            let shown = if secret { "the value".to_owned() } else { quoted(written) };
            let found = if written.trim().is_empty() {
                Err("the text is empty: give a value or omit the key".to_owned())
            } else {
                Ok(written.to_owned())
            };
            (found, shown)
        };
        let secret = secret || written.starts_with("env:") || written.starts_with("file:");
        match found {
            Ok(text) => {
                if secret {
                    self.add_secret(&text);
                }
                Some(TextValue { text, at, shown })
            }
            Err(message) => {
                self.error(at, key, message);
                None
            }
        }
    }

    fn variable_text(&self, name: &str) -> Result<String, String> {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(format!(
                "{} is not the name of an environment variable: write `env:NAME`",
                quoted(name)
            ));
        }
        let value = (self.environment)(name)
            .ok_or_else(|| format!("the environment variable {} is not set", quoted(name)))?;
        let text = value
            .into_string()
            .map_err(|_| format!("the value of the environment variable {} is not UTF-8", quoted(name)))?;
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("the environment variable {} is empty", quoted(name)));
        }
        Ok(text.to_owned())
    }

    fn file_text(&self, written: &str) -> Result<String, String> {
        if written.is_empty() {
            return Err("`file:` needs a path: write `file:PATH`".to_owned());
        }
        let path = self.path(written);
        let text = read_text(&path)?;
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("the file {} is empty", path.display()));
        }
        Ok(text.to_owned())
    }
}

/// Reads a UTF-8 file without its byte order mark. The error names the file, never its content.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::from_utf8(read_bytes(path)?)
        .map_err(|_| format!("the file {} is not UTF-8", path.display()))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    bounded_bytes(path, MAX_NAMED_FILE).map_err(|error| format!("the file {} {error}", path.display()))
}

/// Reads a regular file of at most `limit` bytes; the error is a predicate that follows the file's name.
/// Rejects pipes and devices, because reading them may block forever.
pub(super) fn bounded_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > limit {
        return Err(format!("is larger than {limit} bytes"));
    }
    Ok(bytes)
}
