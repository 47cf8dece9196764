//! A request to the console, read whole.

use super::language::Language;
use crate::serve::http::REQUEST_TIMEOUT;
use axum::extract::{FromRequest, Request};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::{HeaderMap, StatusCode};
use url::form_urlencoded;

/// A form may have an event and a whole configuration.
const MAX_FORM: usize = 8 << 20;

/// The cookie that keeps the language which a reader has chosen.
pub const LANGUAGE_COOKIE: &str = "taskbell_language";

/// What a page is asked for.
#[derive(Debug)]
pub struct Ask {
    pub path: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    pub language: Language,
    /// Whether the reader has chosen the language with this request.
    pub chose_language: bool,
    /// Whether only a part of the page is replaced.
    pub is_part: bool,
}

impl<S: Sync> FromRequest<S> for Ask {
    type Rejection = (StatusCode, &'static str);

    async fn from_request(request: Request, _: &S) -> Result<Ask, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let body = tokio::time::timeout(REQUEST_TIMEOUT, axum::body::to_bytes(body, MAX_FORM)).await;
        let body = match body {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err((StatusCode::PAYLOAD_TOO_LARGE, "the form is larger than 8 MiB")),
            Err(_) => return Err((StatusCode::REQUEST_TIMEOUT, "the request took too long")),
        };
        let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect::<Vec<_>>();
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let chosen =
            query.iter().find(|(name, _)| name == "lang").and_then(|(_, code)| Language::of_code(code));
        let kept = || cookie(&parts.headers, LANGUAGE_COOKIE).and_then(Language::of_code);
        let accepted = || {
            let header = parts.headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
            Language::accepted(header)
        };
        Ok(Ask {
            path: parts.uri.path().to_owned(),
            form: pairs(&body),
            language: chosen.or_else(kept).or_else(accepted).unwrap_or(Language::English),
            chose_language: chosen.is_some(),
            is_part: parts.headers.contains_key("hx-request"),
            query,
        })
    }
}

impl Ask {
    /// A value of the query, unless it is empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }

    /// A value of the form, unless it is empty.
    pub fn form(&self, name: &str) -> Option<&str> {
        value(&self.form, name)
    }

    /// The last part of the path.
    pub fn last(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The query with one value replaced or, for `None`, taken out; with the `?` before it.
    pub fn query_with(&self, name: &str, value: Option<&str>) -> String {
        let mut written = form_urlencoded::Serializer::new(String::from("?"));
        for (key, value) in self.query.iter().filter(|(key, value)| key != name && !value.is_empty()) {
            written.append_pair(key, value);
        }
        if let Some(value) = value {
            written.append_pair(name, value);
        }
        written.finish()
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|header| header.to_str().ok());
    cookies.flat_map(|header| header.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// A text as a value of a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
