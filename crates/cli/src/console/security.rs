//! Who may ask the console for what. A page of another site can neither read it (DNS rebinding) nor press its buttons
//! (CSRF), and nothing on it loads or runs what is not its own.

use super::ask::cookie;
use super::token::Token;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, LOCATION, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// The cookie of a reader who has signed in.
pub const SESSION_COOKIE: &str = "taskbell_console";

const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // With `no-referrer`, browsers send the forms of the page itself without an origin.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Who may ask for the pages of a server.
#[derive(Default)]
pub struct Access {
    pub token: Option<Token>,
    /// Further names by which the page is reached.
    pub names: Vec<String>,
    /// Whether everything is shown and nothing changed.
    pub read_only: bool,
}

/// Refuses what nobody who may use the page sends, and gives every answer its headers.
pub async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = match refusal(&access, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !is_asset {
        headers.insert("cache-control", HeaderValue::from_static("no-store"));
    }
    response
}

fn refusal(access: &Access, request: &Request) -> Option<Response> {
    let refuse = |status: StatusCode, why: &'static str| Some((status, why).into_response());
    let headers = request.headers();
    let Some(host) = only(headers, HOST).filter(|host| is_own(host, &access.names)) else {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "this name is not one of the console's: use its address, localhost, or a name given with --name\n",
        );
    };
    let path = request.uri().path();
    let changes = request.method() == Method::POST;
    if changes && !only(headers, ORIGIN).is_some_and(|origin| is_same(origin, host)) {
        return refuse(StatusCode::FORBIDDEN, "a form of another page may not change anything here\n");
    }
    if changes && access.read_only && path.starts_with("/do/") {
        return refuse(StatusCode::FORBIDDEN, "this console is read-only: it was started with --read-only\n");
    }
    let is_free = path.starts_with("/assets/") || matches!(path, "/healthz" | "/sign-in");
    match &access.token {
        Some(token) if !is_free && !is_signed_in(token, headers) => {
            let is_page = request.method() == Method::GET && !headers.contains_key("hx-request");
            if is_page && !matches!(path, "/metrics" | "/events") {
                return Some((StatusCode::SEE_OTHER, [(LOCATION, "/sign-in")]).into_response());
            }
            refuse(StatusCode::UNAUTHORIZED, "sign in at /sign-in, or send the token as a bearer token\n")
        }
        _ => None,
    }
}

/// The value of a header that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// An address cannot be rebound by the owner of a domain, and neither can `localhost`.
fn is_own(host: &str, names: &[String]) -> bool {
    let name = without_port(host);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok()
        || names.iter().any(|own| own.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

fn is_same(origin: &str, host: &str) -> bool {
    let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    own.is_some_and(|own| own.eq_ignore_ascii_case(host))
}

fn is_signed_in(token: &Token, headers: &HeaderMap) -> bool {
    let bearer = only(headers, AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    bearer.is_some_and(|given| token.is(given))
        || cookie(headers, SESSION_COOKIE).is_some_and(|given| token.is_session(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_localhost_and_given_names_are_the_consoles_own() {
        let names = ["bell.example.com".to_owned()];
        for own in
            ["127.0.0.1:8931", "127.0.0.1", "[::1]:8931", "localhost:1", "LOCALHOST", "Bell.example.com:443"]
        {
            assert!(is_own(own, &names), "{own}");
        }
        for other in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8931", "", ":8931"] {
            assert!(!is_own(other, &names), "{other}");
        }
    }

    #[test]
    fn an_origin_is_the_consoles_own_when_its_host_and_port_are() {
        assert!(is_same("http://127.0.0.1:8931", "127.0.0.1:8931"));
        assert!(is_same("https://bell.example.com", "bell.example.com"));
        for other in ["null", "http://127.0.0.1:8932", "http://localhost:8931", "127.0.0.1:8931"] {
            assert!(!is_same(other, "127.0.0.1:8931"), "{other}");
        }
    }
}
