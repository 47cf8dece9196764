//! Arguments that are texts, files or durations.

use super::failure::Failure;
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;
use taskbell_core::event::without_mark;

const MAX_BYTES: u64 = 64 << 20;

/// Bytes from a file, or from standard input for `-`.
pub fn bytes(path: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path {
        "-" => io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes),
        path => File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
    };
    let name = if path == "-" { "standard input" } else { path };
    if let Err(error) = read {
        return Err(Failure::new(
            format!("cannot read {name}: {error}"),
            "check the path and its permissions; `-` reads standard input",
        ));
    }
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!("{name} is larger than {} MiB", MAX_BYTES >> 20);
        return Err(Failure::new(what, "give a smaller file"));
    }
    Ok(bytes)
}

/// Text given as it is, as `@file`, or as `-` for standard input.
pub fn text(given: &str) -> Result<String, Failure> {
    let path = match given.strip_prefix('@') {
        Some(path) => path,
        None if given == "-" => "-",
        None => return Ok(given.to_owned()),
    };
    let bytes = bytes(path)?;
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let found = if utf16 { "is UTF-16".to_owned() } else { format!("is not UTF-8 at byte {at}") };
        Failure::new(format!("{path} {found}"), "save it as UTF-8")
    })?;
    Ok(without_mark(&text).to_owned())
}

/// The milliseconds of a duration such as `500ms`, `30s`, `2m`, `2h` or `3d`.
pub fn millis(given: &str) -> Option<u64> {
    let (number, unit) = given.split_at(given.find(|c: char| !c.is_ascii_digit())?);
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

/// A duration with its unit, or a plain number of seconds, of up to 7 days.
pub fn timeout(given: &str) -> Result<Duration, String> {
    let millis = millis(given).or_else(|| given.parse::<u64>().ok()?.checked_mul(1_000));
    match millis {
        Some(millis) if millis <= 7 * 86_400_000 => Ok(Duration::from_millis(millis)),
        _ => Err("give a time up to 7 days, for instance `30s`, `500ms` or `2m`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_in_seconds() {
        for (text, millis) in [("30s", 30_000), ("250ms", 250), ("5", 5_000), ("2m", 120_000), ("0", 0)] {
            assert_eq!(timeout(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "s", "-1s", "1.5s", "8000h", "8d", "99999999999999999999s", "1 s"] {
            assert!(timeout(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn text_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("task.json");
        std::fs::write(&path, "{\"id\": 1}").unwrap();
        let given = format!("@{}", path.display());
        assert_eq!(text(&given).unwrap(), "{\"id\": 1}");
        assert_eq!(text("{}").unwrap(), "{}");
        std::fs::write(&path, b"\xef\xbb\xbf{\"id\": 1}").unwrap();
        assert_eq!(text(&given).unwrap(), "{\"id\": 1}", "a byte order mark is allowed");
        std::fs::write(&path, b"\xff\xfe{\0}\0").unwrap();
        let Err(Failure::Message { what, .. }) = text(&given) else { panic!("it is not UTF-8") };
        assert!(what.ends_with("is UTF-16"), "{what}");
        assert!(text("@/missing/file").is_err());
    }
}
