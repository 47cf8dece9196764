//! Which path shows what.

use super::ask::{Ask, LANGUAGE_COOKIE};
use super::page::{self, View};
use super::security::{SESSION_COOKIE, guard};
use super::site::Site;
use super::trouble::Trouble;
use super::{
    actions, assets, dead, deliveries, delivery, events, figures, metrics, now, test_message, trial,
};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use maud::{Markup, html};
use std::sync::Arc;

/// What a view shows of a site.
type Show = fn(&Site, &Ask) -> Result<Markup, Trouble>;

pub fn of(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", shown(View::Now, now::show))
        .route("/deliveries", shown(View::Deliveries, deliveries::show))
        .route("/deliveries/{number}", shown(View::Deliveries, delivery::show))
        .route("/dead", shown(View::Dead, dead::show))
        .route("/try", shown(View::Try, trial::show).post(tried))
        .route("/figures", shown(View::Figures, figures::show))
        .route("/metrics", get(gathered))
        .route("/do/test", done(test_message::send))
        .route("/do/replay", done(actions::replay))
        .route("/do/drop", done(actions::drop))
        .route("/do/lift", done(actions::lift))
        .route("/events", get(events::stream))
        .route("/healthz", get(healthz))
        .route("/sign-in", get(ask_token).post(sign_in))
        .route("/assets/{name}", get(|Path(name): Path<String>| async move { assets::file(&name) }))
        .fallback(async || (StatusCode::NOT_FOUND, "there is no such page; the console begins at /\n"))
        .layer(from_fn_with_state(Arc::clone(&site.access), guard))
        .with_state(site)
}

fn shown(view: View, show: Show) -> MethodRouter<Arc<Site>> {
    get(move |State(site): State<Arc<Site>>, ask: Ask| answer(site, ask, Some(view), show))
}

/// What an event would do: nothing is changed by it.
async fn tried(State(site): State<Arc<Site>>, ask: Ask) -> Response {
    answer(site, ask, Some(View::Try), trial::result).await
}

async fn gathered(State(site): State<Arc<Site>>) -> Response {
    match tokio::task::spawn_blocking(move || metrics::text(&site)).await {
        Ok(Ok(text)) => ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the spool cannot be read\n").into_response(),
    }
}

/// An action, whose answer says what happened.
fn done(act: Show) -> MethodRouter<Arc<Site>> {
    post(move |State(site): State<Arc<Site>>, ask: Ask| async move {
        let mut response = answer(site, ask, None, act).await;
        // The views that show what was changed read it again.
        response.headers_mut().insert("hx-trigger", HeaderValue::from_static("changed"));
        response
    })
}

/// Reads on a thread that may wait for the disk.
async fn answer(site: Arc<Site>, ask: Ask, view: Option<View>, show: Show) -> Response {
    let work = move || {
        let (status, content) = match show(&site, &ask) {
            Ok(content) => (200, content),
            Err(trouble) => (trouble.status, page::trouble(ask.language, &trouble)),
        };
        let whole = if ask.is_part { content } else { page::frame(&site, &ask, view, &content) };
        // htmx shows no answer with the status of an error.
        let status = if ask.is_part { 200 } else { status };
        let mut response = page_of(status, &whole);
        if ask.chose_language {
            let kept = format!(
                "{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Strict",
                ask.language.code()
            );
            response.headers_mut().extend(HeaderValue::from_str(&kept).ok().map(|kept| (SET_COOKIE, kept)));
        }
        response
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(response) => response,
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "a defect of Taskbell occurred; please report it\n")
            .into_response(),
    }
}

fn page_of(status: u16, markup: &Markup) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], markup.0.clone()).into_response()
}

async fn healthz(State(site): State<Arc<Site>>) -> Response {
    let look = move || site.reader().map(drop);
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok(())) => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the spool cannot be read\n").into_response(),
    }
}

async fn ask_token(State(site): State<Arc<Site>>, ask: Ask) -> Response {
    page_of(200, &token_form(&site, &ask, false))
}

fn token_form(site: &Site, ask: &Ask, is_wrong: bool) -> Markup {
    let l = ask.language;
    let content = html! {
        h1 { (l.say("Sign in", "登录")) }
        @if is_wrong {
            p .notice.bad role="alert" {
                (l.say("This is not the token of this console.", "令牌不正确。"))
            }
        }
        form .stack method="post" action="/sign-in" {
            label for="token" { (l.say("The token in the console's token file", "控制台令牌文件中的令牌")) }
            input #token type="password" name="token" autocomplete="current-password" autofocus required;
            button .main type="submit" { (l.say("Sign in", "登录")) }
        }
    };
    page::frame(site, ask, None, &content)
}

async fn sign_in(State(site): State<Arc<Site>>, ask: Ask) -> Response {
    match &site.access.token {
        Some(token) if !ask.form("token").is_some_and(|given| token.is(given)) => {
            page_of(401, &token_form(&site, &ask, true))
        }
        Some(token) => {
            let kept = format!("{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", token.session());
            (StatusCode::SEE_OTHER, [(SET_COOKIE, kept), (LOCATION, "/".to_owned())]).into_response()
        }
        None => (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response(),
    }
}
