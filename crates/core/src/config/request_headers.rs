//! `headers` of an endpoint.

use super::declaration::ConfigKey;
use super::node::join;
use super::table_reader::TableReader;
use super::value_types::SecretMap;
use crate::secret::Secret;

const MAX_HEADERS: usize = 64;

/// Headers that the transport or the delivery writes itself.
const RESERVED_HEADERS: &str = "accept-encoding connection content-length expect keep-alive proxy-authorization \
                                proxy-connection taskbell-attempt te trailer transfer-encoding upgrade webhook-id \
                                webhook-signature webhook-timestamp";

pub(super) fn read(table: &TableReader<'_>, key: &ConfigKey<SecretMap>) -> Vec<(String, Secret)> {
    let mut headers: Vec<(String, Secret)> = Vec::new();
    let given = table.read(key).unwrap_or_default();
    if given.len() > MAX_HEADERS {
        table.error(key, format!("at most {MAX_HEADERS} headers are allowed, found {}", given.len()));
        return headers;
    }
    for (written, at, value) in given {
        let name = written.to_ascii_lowercase();
        let duplicate = headers.iter().any(|(other, _)| *other == name);
        let problem = name_problem(&name, duplicate).map(|problem| (at, problem));
        if let Some((at, problem)) = problem.or_else(|| Some((value.at, value_problem(&value.text)?))) {
            table.context.error(at, &join(&table.path_of(key), &written), problem);
            continue;
        }
        // `Bearer TOKEN`: a receiver may echo the token without its scheme.
        if let Some((_, token)) = value.text.split_once(' ') {
            table.context.add_secret(token.trim());
        }
        headers.push((name, value.into_secret()));
    }
    headers
}

fn name_problem(name: &str, duplicate: bool) -> Option<&'static str> {
    if !is_header_name(name) {
        Some("this is not a header name: use letters, digits and `-`")
    } else if name == "webhook-signature" {
        Some("this header is written by `sign`")
    } else if RESERVED_HEADERS.split(' ').any(|reserved| reserved == name) {
        Some("Taskbell writes this header itself")
    } else if duplicate {
        Some("duplicate header; names are not case-sensitive")
    } else {
        None
    }
}

fn value_problem(value: &str) -> Option<&'static str> {
    let printable = value.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    (!printable).then_some("a header value must be one line of printable ASCII")
}

/// A token as in RFC 9110, section 5.6.2.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
