//! The token that protects a console, and the session of a reader who has signed in with it.

use crate::failure::Failure;
use std::fs;
use std::path::Path;

const MIN_CHARACTERS: usize = 16;

/// The token of the file, and what a browser sends in place of it once it has signed in.
pub struct Token {
    text: String,
    session: String,
}

impl Token {
    /// Reads a token from a file that only its owner may read.
    pub fn read(path: &Path) -> Result<Token, Failure> {
        let shown = path.display();
        let unreadable = |error| {
            Failure::new(
                format!("the token file {shown} cannot be read: {error}"),
                "check `--token-file` and the permissions of the file",
            )
        };
        refuse_readable_by_others(path)?;
        let text = fs::read_to_string(path).map_err(unreadable)?.trim().to_owned();
        if text.chars().count() < MIN_CHARACTERS {
            return Err(Failure::new(
                format!("the token in {shown} has fewer than {MIN_CHARACTERS} characters"),
                "write a longer one, for instance with `openssl rand -hex 32`",
            ));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::new(
                format!("the token in {shown} has blanks, several lines or letters outside ASCII"),
                "write one word of ASCII letters, digits and signs",
            ));
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| {
            Failure::new(format!("the system gives no random bytes: {error}"), "try again")
        })?;
        let session = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Token { text, session })
    }

    pub fn is(&self, given: &str) -> bool {
        same(&self.text, given.trim())
    }

    pub fn session(&self) -> &str {
        &self.session
    }

    pub fn is_session(&self, given: &str) -> bool {
        same(&self.session, given)
    }
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).fold(0, |differences, (one, other)| differences | (one ^ other))
            == 0
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(about) = fs::metadata(path) else { return Ok(()) };
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(Failure::new(
        format!("the token file {shown} can be read by other users (its mode is {mode:o})"),
        format!("make it yours alone: `chmod 600 {shown}`; then write a new token into it"),
    ))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_path: &Path) -> Result<(), Failure> {
    Ok(())
}
