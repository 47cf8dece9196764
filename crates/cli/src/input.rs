//! Arguments that are texts, files or durations.

use super::failure::Failure;
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

/// Bytes that are read from a file or from standard input at most.
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
    String::from_utf8(bytes(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(format!("{path} is not UTF-8 at byte {at}"), "save it as UTF-8")
    })
}

/// A duration such as `30s`, `500ms`, `2m`, or a plain number of seconds.
pub fn span(given: &str) -> Result<Duration, String> {
    let digits = given.find(|c: char| !c.is_ascii_digit()).unwrap_or(given.len());
    let (number, unit) = given.split_at(digits);
    let scale = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    match millis {
        Some(millis) if scale > 0 && millis <= 7 * 86_400_000 => Ok(Duration::from_millis(millis)),
        _ => Err("give a time up to 7 days, for instance `30s`, `500ms` or `2m`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_in_seconds() {
        for (text, millis) in [("30s", 30_000), ("250ms", 250), ("5", 5_000), ("2m", 120_000), ("0", 0)] {
            assert_eq!(span(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "s", "-1s", "1.5s", "8000h", "99999999999999999999s", "1 s"] {
            assert!(span(bad).is_err(), "{bad}");
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
        std::fs::write(&path, b"\xff").unwrap();
        assert!(text(&given).is_err());
        assert!(text("@/missing/file").is_err());
    }
}
