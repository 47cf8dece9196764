//! The files of the page, which are parts of the program: it works offline, and nothing is built.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// Name, media type and content.
const FILES: &[(&str, &str, &str)] = &[
    ("console.css", "text/css; charset=utf-8", include_str!("../../assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("../../assets/console.js")),
    ("htmx.min.js", "text/javascript; charset=utf-8", include_str!("../../assets/htmx.min.js")),
    (
        "htmx-ext-sse.min.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/htmx-ext-sse.min.js"),
    ),
    ("bell.svg", "image/svg+xml", include_str!("../../assets/bell.svg")),
];

/// The file of this name.
pub fn file(name: &str) -> Response {
    match FILES.iter().find(|(own, _, _)| *own == name) {
        Some((_, kind, content)) => {
            // A newer program has other files under the same names.
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *content).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}
