//! The frame of every page, and the words and times that the views share.

use super::ask::Ask;
use super::language::Language;
use super::site::Site;
use super::trouble::Trouble;
use crate::terminal::{date_and_time, harmless, one_line};
use maud::{DOCTYPE, Markup, html};
use taskbell_core::clock;
use taskbell_core::spool::DeliveryState;

/// A view of the console, as the navigation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Now,
    Deliveries,
    Dead,
    Try,
    Figures,
}

pub const VIEWS: &[View] = &[View::Now, View::Deliveries, View::Dead, View::Try, View::Figures];

impl View {
    pub fn path(self) -> &'static str {
        match self {
            View::Now => "/",
            View::Deliveries => "/deliveries",
            View::Dead => "/dead",
            View::Try => "/try",
            View::Figures => "/figures",
        }
    }

    pub fn title(self, language: Language) -> &'static str {
        match self {
            View::Now => language.say("Now", "现在"),
            View::Deliveries => language.say("Deliveries", "投递"),
            View::Dead => language.say("Dead letters", "死信"),
            View::Try => language.say("Try", "试用"),
            View::Figures => language.say("Figures", "数据"),
        }
    }
}

/// htmx as it is used here: nothing is evaluated, no style is written into the page, nobody else is asked.
const HTMX: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"selfRequestsOnly":true,"historyCacheSize":0,"historyRestoreAsHxRequest":false}"#;

/// A whole page of the console around its content.
pub fn frame(site: &Site, ask: &Ask, here: Option<View>, content: &Markup) -> Markup {
    let l = ask.language;
    let title = here.map_or("Taskbell", |view| view.title(l));
    let bar = html! {
        nav aria-label=(l.say("Views", "视图")) {
            @for (number, view) in (1..).zip(VIEWS) {
                a href=(view.path()) data-key=(number) aria-current=[(here == Some(*view)).then_some("page")] {
                    (view.title(l))
                }
            }
        }
        span .where title=(site.spool.display()) {
            (site.spool.file_name().unwrap_or_default().to_string_lossy())
            @if site.is_read_only() { " · " (l.say("read-only", "只读")) }
        }
    };
    document(ask, title, &bar, content)
}

/// A page with this bar at its top.
pub fn document(ask: &Ask, title: &str, bar: &Markup, content: &Markup) -> Markup {
    let l = ask.language;
    let other = l.say("zh", "en");
    html! {
        (DOCTYPE)
        html lang=(l.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " · Taskbell" }
                link rel="icon" href="/assets/bell.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/console.css";
                script src="/assets/htmx.min.js" defer {}
                script src="/assets/htmx-ext-sse.min.js" defer {}
                script src="/assets/console.js" defer {}
            }
            body {
                a .skip href="#main" { (l.say("Skip to the content", "跳到内容")) }
                header {
                    a .brand href="/" { img src="/assets/bell.svg" alt="" width="20" height="20"; "Taskbell" }
                    (bar)
                    a .language href=(ask.query_with("lang", Some(other))) lang=(other) hreflang=(other) {
                        (l.say("中文", "English"))
                    }
                }
                p #lost role="status" hidden {
                    (l.say("The connection to the page is lost. Trying again.", "与页面的连接已断开，正在重试。"))
                }
                main #main tabindex="-1" {
                    div #said role="status" aria-live="polite" {}
                    (content)
                }
            }
        }
    }
}

/// What is shown in place of a view.
pub fn trouble(language: Language, trouble: &Trouble) -> Markup {
    html! {
        div .notice.bad role="alert" {
            p { strong { (sentence(&trouble.what)) } }
            p { (language.say("What to do: ", "怎么办：")) (trouble.next) }
        }
    }
}

fn sentence(text: &str) -> String {
    let text = one_line(text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A time. The script of the page makes it relative; the full one is in its title.
pub fn time(unix_ms: i64) -> Markup {
    let full = date_and_time(unix_ms);
    html! { time datetime=(clock::rfc3339(unix_ms)) title={ (full) " UTC" } { (full) } }
}

/// A short text in a colour that says the same.
pub fn badge(tone: &str, word: &str) -> Markup {
    html! { span class={ "badge " (tone) } { (word) } }
}

pub fn state(language: Language, state: DeliveryState) -> Markup {
    match state {
        DeliveryState::Pending => badge("warn", language.say("pending", "等待中")),
        DeliveryState::Delivered => badge("good", language.say("delivered", "已送达")),
        DeliveryState::Dead => badge("bad", language.say("dead", "死信")),
    }
}

/// Foreign text on one line.
pub fn line(text: &str) -> String {
    one_line(text)
}

/// Foreign text with its lines.
pub fn lines(text: &str) -> String {
    harmless(text)
}

/// A button that asks once before it acts. `fields` go with the form.
pub struct Act<'a> {
    pub action: &'static str,
    pub label: &'a str,
    pub question: &'a str,
    pub yes: &'a str,
    pub tone: &'static str,
    pub fields: &'a [(&'static str, &'a str)],
}

impl Act<'_> {
    pub fn button(&self) -> Markup {
        html! {
            details .act {
                summary { (self.label) }
                form method="post" action=(self.action) hx-post=(self.action) hx-target="#said" {
                    p { (self.question) }
                    @for (name, value) in self.fields {
                        input type="hidden" name=(name) value=(value);
                    }
                    button type="submit" class=(self.tone) { (self.yes) }
                }
            }
        }
    }
}
