//! What one reading of a configuration gathers: faults, warnings and secrets; and where texts of the
//! form `env:NAME` and `file:PATH` come from.

use super::fault::{Elsewhere, Fault, quoted};
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Looks up an environment variable.
pub(super) type Environment<'e> = dyn Fn(&str) -> Option<OsString> + 'e;

/// The most bytes of a file that the configuration names.
const MAX_NAMED_FILE: u64 = 1 << 20;

/// One reading.
pub(super) struct Reading<'e> {
    base: PathBuf,
    environment: &'e Environment<'e>,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    secrets: RefCell<Vec<String>>,
}

/// What a reading gathered.
pub(super) struct Gathered {
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
    pub secrets: Vec<String>,
}

/// A text of the configuration after `env:` and `file:` have been followed.
#[derive(Clone)]
pub(super) struct Words {
    pub text: String,
    /// Byte offset in the configuration.
    pub at: usize,
    /// How a message may speak of it: in quotes, or only by where it came from.
    pub shown: String,
}

impl<'e> Reading<'e> {
    /// Relative paths start at `base`.
    pub fn new(base: PathBuf, environment: &'e Environment<'e>) -> Self {
        Reading {
            base,
            environment,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            secrets: RefCell::default(),
        }
    }

    /// Notes a fault.
    pub fn fault(&self, at: usize, key: &str, message: impl Into<String>) {
        self.faults.borrow_mut().push(Fault::here(at, key, message));
    }

    /// Notes a fault in a file that the configuration names at `at`.
    pub fn fault_elsewhere(&self, at: usize, key: &str, place: Elsewhere, message: impl Into<String>) {
        let fault = Fault { elsewhere: Some(place), ..Fault::here(at, key, message) };
        self.faults.borrow_mut().push(fault);
    }

    /// Notes something that is allowed but hardly meant.
    pub fn warn(&self, at: usize, key: &str, message: impl Into<String>) {
        self.warnings.borrow_mut().push(Fault::here(at, key, message));
    }

    /// From now on this text is a secret.
    pub fn keep_secret(&self, text: &str) {
        self.secrets.borrow_mut().push(text.to_owned());
    }

    /// A variable of the environment; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// A path of the configuration, from its folder on.
    pub fn path(&self, written: &str) -> PathBuf {
        self.base.join(written)
    }

    /// Everything gathered.
    pub fn finish(self) -> Gathered {
        Gathered {
            faults: self.faults.into_inner(),
            warnings: self.warnings.into_inner(),
            secrets: self.secrets.into_inner(),
        }
    }

    /// Follows `env:NAME` and `file:PATH`; notes the fault otherwise. What comes from there is a
    /// secret, whatever the key.
    pub fn follow(&self, written: &str, at: usize, key: &str, secret: bool) -> Option<Words> {
        let (found, shown) = if let Some(name) = written.strip_prefix("env:") {
            (self.variable_text(name), format!("the value of the environment variable {}", quoted(name)))
        } else if let Some(path) = written.strip_prefix("file:") {
            (self.file_text(path), format!("the content of the file {}", quoted(path)))
        } else {
            let found = if written.trim().is_empty() {
                Err("this text is empty: give a value, or leave the key out".to_owned())
            } else {
                Ok(written.to_owned())
            };
            let shown = if secret { "the value".to_owned() } else { quoted(written) };
            return self.settle(found, at, key, shown, secret);
        };
        self.settle(found, at, key, shown, true)
    }

    fn settle(
        &self,
        found: Result<String, String>,
        at: usize,
        key: &str,
        shown: String,
        secret: bool,
    ) -> Option<Words> {
        match found {
            Ok(text) => {
                if secret {
                    self.keep_secret(&text);
                }
                Some(Words { text, at, shown })
            }
            Err(message) => {
                self.fault(at, key, message);
                None
            }
        }
    }

    fn variable_text(&self, name: &str) -> Result<String, String> {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(format!("{} names no environment variable: write `env:NAME`", quoted(name)));
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
            return Err("`file:` names no file: write `file:PATH`".to_owned());
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

/// The UTF-8 text of a file that the configuration names, without a byte order mark. The fault
/// names the file, never its content.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::from_utf8(read_bytes(path)?)
        .map_err(|_| format!("the file {} is not UTF-8", path.display()))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The bytes of a file that the configuration names.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    bounded_bytes(path, MAX_NAMED_FILE).map_err(|fault| format!("the file {} {fault}", path.display()))
}

/// The bytes of a regular file of at most `most` bytes; otherwise what is wrong with it, to be said
/// after its name. Pipes and devices are refused: reading them may never end.
pub(super) fn bounded_bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > most {
        return Err(format!("is larger than {most} bytes"));
    }
    Ok(bytes)
}
