//! What a sender is asked to do, as words `key=value`, and the configuration and events that follow from it.

use crate::sink::AT;
use std::ffi::CString;
use std::fmt::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of an event.
pub const SIZE: usize = 512;

/// An example key of the Standard Webhooks specification.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The words of a client's command line.
pub struct Load<'a>(&'a [String]);

impl<'a> Load<'a> {
    pub fn new(words: &'a [String]) -> Load<'a> {
        Load(words)
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        let of = |word: &'a String| word.strip_prefix(key)?.strip_prefix('=');
        self.0.iter().find_map(of)
    }

    pub fn number(&self, key: &str, default: u64) -> Result<u64, String> {
        self.text(key)
            .map_or(Ok(default), |text| text.parse().map_err(|_| format!("{key}={text}: no number")))
    }

    pub fn yes(&self, key: &str) -> bool {
        self.text(key) == Some("1")
    }

    /// The configuration: `endpoints` of `in_flight` each at `url`, one hook for each; `other`, an endpoint that gets
    /// every task too; `hooks` that do not match, and `conditions` that are false. The queue is a large one, unless it is
    /// to be the usual one.
    ///
    /// With `relays` it is a `node` of a farm, which has neither.
    pub fn config(&self, folder: &Path) -> Result<String, String> {
        if let Some(relays) = self.text("relays") {
            let (spool, node) = (folder.join("bench.db"), self.text("node").unwrap_or("node"));
            return Ok(format!(
                "[spool]\npath = '{}'\nmax_bytes = '64GiB'\n[queue]\nmax_bytes = '16MiB'\n\
                 [farm]\nrelays = ['{relays}']\nsecret = '{SECRET}'\nnode = '{node}'\n",
                spool.display()
            ));
        }
        let url = self.text("url").ok_or("url= is missing")?;
        let spool =
            if self.yes("disk") { folder.join("bench.db").display().to_string() } else { ":memory:".into() };
        let in_flight = self.number("in_flight", 4)?;
        let endpoints = self.number("endpoints", 1)?;
        let mut text = format!("[spool]\npath = '{spool}'\nmax_bytes = '64GiB'\n");
        if !self.yes("usual_queue") {
            text += "[queue]\nmax_bytes = '16MiB'\n";
        }
        let signed = format!("sign = [{{ scheme = 'standard-webhooks', secrets = ['{SECRET}'] }}]\n");
        let signed = if self.yes("signed") { signed.as_str() } else { "" };
        let mut hook = |on: &str, to: &str, rest: &str| {
            let _ = writeln!(text, "[[hooks]]\non = ['{on}']\nto = ['{to}']\n{rest}");
        };
        for number in 0..endpoints {
            hook(&kind(number, endpoints), &format!("e{number}"), "");
        }
        for number in 0..self.number("hooks", 0)? {
            hook(&format!("silent.n{number}"), "e0", "");
        }
        for number in 0..self.number("conditions", 0)? {
            hook(
                "task.complete",
                "e0",
                &format!("when = \"task.kind == 'k{number}' or task.duration_s > 999\""),
            );
        }
        if self.text("other").is_some() {
            hook("task.complete", "other", "");
        }
        for number in 0..endpoints {
            let _ = writeln!(
                text,
                "[endpoints.e{number}]\nplatform = 'json'\nurl = '{url}'\nconcurrency = {in_flight}\ntimeout = '10m'\n{signed}"
            );
        }
        if let Some(other) = self.text("other") {
            let _ = writeln!(text, "[endpoints.other]\nplatform = 'json'\nurl = '{other}'\ntimeout = '10m'");
        }
        Ok(text)
    }
}

/// The type of the event that goes to the endpoint with this number: a task, unless there are several.
pub fn kind(number: u64, endpoints: u64) -> String {
    if endpoints == 1 { "task.complete".to_owned() } else { format!("bench.n{}", number % endpoints) }
}

/// A task of [`SIZE`] bytes whose number and time are filled in.
pub struct Event {
    json: Vec<u8>,
    number_at: usize,
    time_at: usize,
}

impl Event {
    pub fn new() -> Event {
        let head = r#"{"id":"a81bc81b-dead-4e5d-abff-000000000000","#;
        let mut text = format!("{head}{AT}1000000000000000000,");
        let (number_at, time_at) = (head.len() - 14, head.len() + AT.len());
        text += r#""status":"success","duration_s":12.25,"model":"sdxl-base-1.0","prompt":""#;
        let prompt = "a lighthouse at dusk, oil on canvas, ".repeat(SIZE / 32);
        text += &prompt[..SIZE - text.len() - 2];
        text += "\"}";
        // It can be handed over as a C string.
        text.push('\0');
        Event { json: text.into_bytes(), number_at, time_at }
    }

    /// The task with this number.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        digits(&mut self.json[self.number_at..self.number_at + 12], number);
        &self.json[..SIZE]
    }

    /// The same, made now.
    pub fn now(&mut self, number: u64) -> &[u8] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        digits(&mut self.json[self.time_at..self.time_at + 19], u64::try_from(now).unwrap_or_default());
        self.numbered(number)
    }

    /// It as a C string.
    pub fn c_string(&self) -> CString {
        CString::from_vec_with_nul(self.json.clone()).unwrap_or_default()
    }
}

fn digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_json_of_its_size_with_its_number_and_time() {
        let mut event = Event::new();
        let json: serde_json::Value = serde_json::from_slice(event.now(1234)).unwrap();
        assert!(json["id"].as_str().unwrap().ends_with("-000000001234"));
        assert!(json["at_ns"].as_u64().unwrap() > 1_700_000_000_000_000_000);
        assert_eq!(event.c_string().as_bytes().len(), SIZE);
    }
}
