//! What goes on, pushed to the page as server-sent events.

use super::ask::Ask;
use super::language::Language;
use super::now;
use super::page;
use super::site::Site;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at the spool.
const INTERVAL: Duration = Duration::from_secs(1);

/// Sends the view whenever it has changed, as long as the page is open.
pub async fn stream(
    State(site): State<Arc<Site>>,
    ask: Ask,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let language = ask.language;
    let states = unfold(None, move |last: Option<String>| {
        let site = Arc::clone(&site);
        async move {
            let text = changed(site, language, last.as_deref()).await;
            let event = Event::default().event("now").data(&text);
            Some((Ok(event), Some(text)))
        }
    });
    Sse::new(states).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Waits until the view is another one than this.
async fn changed(site: Arc<Site>, language: Language, last: Option<&str>) -> String {
    loop {
        if last.is_some() {
            tokio::time::sleep(INTERVAL).await;
        }
        let own = Arc::clone(&site);
        let look = move || match now::live(&own, language) {
            Ok(view) => view.0,
            Err(trouble) => page::trouble(language, &trouble).0,
        };
        // A carriage return would end the field of the event.
        let text = tokio::task::spawn_blocking(look).await.unwrap_or_default().replace('\r', " ");
        if last != Some(text.as_str()) {
            return text;
        }
    }
}
