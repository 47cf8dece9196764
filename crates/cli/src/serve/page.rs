//! The page of `taskbell serve`: what arrives, the newest first, with its card as a reader would see it.

use super::receiver::{Arrival, Verdict};
use crate::console::ask::Ask;
use crate::console::assets;
use crate::console::delivery::drawn;
use crate::console::language::Language;
use crate::console::page::{badge, document, line, time};
use crate::console::security::{Access, guard};
use crate::serve::http::Server;
use crate::terminal::pretty;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use maud::{Markup, html};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The most requests that the page shows.
const SHOWN: usize = 100;

/// What has arrived, for the page.
pub struct ArrivalLog {
    arrivals: Mutex<VecDeque<Arrival>>,
    /// Counts what has arrived.
    changed: watch::Sender<u64>,
    platform: String,
}

impl ArrivalLog {
    /// A log of what arrives for this platform.
    pub fn new(platform: &str) -> Arc<ArrivalLog> {
        let (changed, _) = watch::channel(0);
        Arc::new(ArrivalLog { arrivals: Mutex::default(), changed, platform: platform.to_owned() })
    }

    pub fn add(&self, arrival: Arrival) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.push_front(arrival);
        arrivals.truncate(SHOWN);
        self.changed.send_modify(|count| *count += 1);
    }

    fn list(&self, l: Language) -> Markup {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        html! {
            @if arrivals.is_empty() { p .muted { (l.say("Nothing has arrived yet.", "还没有收到任何请求。")) } }
            @for arrival in arrivals.iter() { (request(l, arrival, &self.platform)) }
        }
    }
}

/// Serves the page on a free port of the loopback address, until the server is dropped.
pub fn start(log: Arc<ArrivalLog>) -> io::Result<Server> {
    let routes = Router::new()
        .route("/", get(show))
        .route("/events", get(stream))
        .route("/assets/{name}", get(|Path(name): Path<String>| async move { assets::file(&name) }))
        .layer(from_fn_with_state(Arc::new(Access::default()), guard))
        .with_state(log);
    Server::pages(TcpListener::bind(("127.0.0.1", 0))?, routes)
}

async fn show(State(log): State<Arc<ArrivalLog>>, ask: Ask) -> Response {
    let l = ask.language;
    let title = l.say("What arrives", "收到的请求");
    let bar = html! { span .where { (log.platform) } };
    let content = html! {
        h1 { (title) }
        div #now hx-ext="sse" sse-connect={ "/events?lang=" (l.code()) } sse-swap="now" { (log.list(l)) }
    };
    let page = document(&ask, title, &bar, &content);
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], page.0).into_response()
}

async fn stream(
    State(log): State<Arc<ArrivalLog>>,
    ask: Ask,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let arrived = log.changed.subscribe();
    let language = ask.language;
    let states = unfold((log, arrived), move |(log, mut arrived)| async move {
        arrived.changed().await.ok()?;
        // A carriage return would end the field of the event.
        let event = Event::default().event("now").data(log.list(language).0.replace('\r', " "));
        Some((Ok(event), (log, arrived)))
    });
    Sse::new(states).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn request(l: Language, arrival: &Arrival, platform: &str) -> Markup {
    let kind = arrival.kind().unwrap_or_else(|| arrival.request.target.clone());
    let tone = if arrival.status < 300 { "good" } else { "warn" };
    html! {
        section {
            h2 {
                (badge(tone, &arrival.status.to_string())) " " (line(&kind)) " "
                small .muted {
                    (time(arrival.at))
                    @if let Some(attempt) = arrival.attempt() { " · " (l.say("attempt ", "尝试 ")) (attempt) }
                    @if let Some(id) = arrival.id() { " · " (line(id)) }
                    @if let Some(name) = arrival.reply { " · " (name) }
                }
            }
            @match &arrival.verdict {
                Verdict::Verified(scheme) => { p .good { (l.say("verified", "签名有效")) " (" (scheme) ")" } }
                Verdict::Refused(reason) => { p .bad { (l.say("invalid signature: ", "签名无效：")) (line(reason)) } }
                Verdict::Unchecked => {}
            }
            @if let Some(card) = arrival.card(platform) { (drawn(&card)) }
            details {
                summary { (l.say("Request", "请求")) " " span .muted { (arrival.request.method) " " (line(&arrival.request.target)) } }
                pre tabindex="0" { (pretty(&body(arrival))) }
            }
        }
    }
}

fn body(arrival: &Arrival) -> String {
    let bytes = &arrival.request.body;
    let text = || std::str::from_utf8(bytes).map_or_else(|_| format!("{} bytes", bytes.len()), str::to_owned);
    arrival.form().map_or_else(text, |form| form.to_string())
}
