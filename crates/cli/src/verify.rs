//! `taskbell verify`: verifies the signature of one request.

use super::failure::Failure;
use super::terminal::{Style, Terminal};
use super::{input, signature};
use serde_json::{Map, Value as Json, json};
use taskbell_core::clock;
use taskbell_core::sign::{self, VerifyError};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("key").required(true).multiple(true).args(["scheme", "secret"]))]
pub struct VerifyArgs {
    #[command(flatten)]
    signature: signature::SignatureArgs,
    /// The request's headers: a JSON object, or lines `name: value`; `@FILE` reads a file
    #[arg(long, value_name = "JSON|@FILE")]
    headers: String,
    /// Check the age of the request at this time, in Unix seconds; the current time by default
    #[arg(long, value_name = "UNIX_S")]
    at: Option<i64>,
    /// The file with the raw body, or `-` for standard input
    body: String,
}

pub fn run(arguments: &VerifyArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let scheme = arguments.signature.entry()?.unwrap_or_default();
    let headers = headers(&input::text(&arguments.headers)?);
    let body = input::bytes(&arguments.body)?;
    let now = arguments.at.unwrap_or_else(|| clock::unix_ms() / 1000);
    match sign::verify(&scheme.to_string(), &headers, &body, now) {
        Ok(verified) if terminal.json() => terminal.object(&json!({
            "ok": true,
            "scheme": verified.scheme,
            "id": verified.id,
            "timestamp": verified.timestamp,
            "secret": verified.secret,
        }))?,
        Ok(verified) => {
            let verdict = terminal.paint(Style::Success, "verified");
            let id = verified.id.map(|id| format!(", id {id}")).unwrap_or_default();
            let age = verified.timestamp.map(|at| format!(", signed {} s ago", now.saturating_sub(at)));
            let which = format!("secret {}", verified.secret + 1);
            let scheme = verified.scheme;
            terminal.line(&format!("{verdict}: {scheme}, {which}{id}{}", age.unwrap_or_default()))?;
        }
        Err(error) => return Err(Failure::new(error.to_string(), advice(&error))),
    }
    Ok(())
}

fn advice(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Scheme(_) => "docs/signatures.md lists the schemes and the forms of their secrets",
        VerifyError::Headers(_) => "give `--headers '{\"name\": \"value\"}'`, or `--headers @file`",
        VerifyError::Missing(_) | VerifyError::Malformed { .. } => {
            "give all headers of the request, and the scheme the sender signs with"
        }
        VerifyError::NoMatch => "compare the secrets of both sides, and give the raw body as it arrived",
        VerifyError::Stale { .. } => "set the clocks; for a stored request, give its time with `--at`",
    }
}

fn headers(text: &str) -> String {
    if text.trim_start().starts_with('{') {
        return text.to_owned();
    }
    let mut headers: Map<String, Json> = Map::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let values = headers.entry(name.trim()).or_insert_with(|| json!([]));
        if let Json::Array(values) = values {
            values.push(json!(value.trim()));
        }
    }
    Json::Object(headers).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_may_be_lines() {
        let json: Json = serde_json::from_str(&headers("A: 1\r\nb:x:y\nA: 2\n\n")).unwrap();
        assert_eq!(json, json!({ "A": ["1", "2"], "b": ["x:y"] }));
        assert_eq!(headers(" {\"a\": \"b\"}"), " {\"a\": \"b\"}");
    }
}
