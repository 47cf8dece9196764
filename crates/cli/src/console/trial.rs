//! The view to try an event in: which hooks fire, and every card side by side, by a copy of the configuration that can be
//! edited in the page. Nothing is sent, and no file is read, by the copy.

use super::ask::Ask;
use super::delivery::{drawn, hooks};
use super::language::Language;
use super::page::{badge, line};
use super::site::Site;
use super::trouble::Trouble;
use crate::failure::bad_event;
use crate::preview;
use crate::terminal::pretty;
use maud::{Markup, html};
use serde_json::Value as Json;
use std::fs;
use std::sync::Arc;
use taskbell_core::config::{Config, ConfigError};
use taskbell_core::engine;

/// The types that the page offers.
const TYPES: &[&str] =
    &["task.complete", "queue.end", "queue.start", "batch.end", "alert.firing", "alert.resolved", "message"];

/// The form, before anything was tried.
pub fn show(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let Some(config) = site.config() else {
        return Err(Trouble::new(
            404,
            "this console was opened with a spool, and an event is tried with a configuration",
            "start `taskbell console` with the configuration of the host",
        ));
    };
    let (copy, kind) = (copy(&config), ask.query("type").unwrap_or("task.complete"));
    Ok(html! {
        h1 { (l.say("Try an event", "试一个事件")) }
        form .try method="post" action="/try" hx-post="/try" hx-target="#result" {
            div .columns {
                section {
                    h2 { (l.say("Event", "事件")) }
                    label { span { (l.say("type", "类型")) }
                        input name="type" value=(kind) list="kinds" required;
                        datalist id="kinds" { @for kind in TYPES { option value=(kind) {} } }
                    }
                    label { span { (l.say("JSON; sample data while it is empty", "JSON；留空则使用示例数据")) }
                        textarea name="payload" rows="10" spellcheck="false" placeholder="{\"id\": \"f-1\", \"status\": \"error\"}" {}
                    }
                    button .main type="submit" { (l.say("Try", "试一下")) }
                }
                section {
                    h2 { (l.say("A copy of the configuration", "配置的副本")) }
                    @match &copy {
                        Some(copy) => {
                            p .muted {
                                (l.say(
                                    "Edit it here: the file stays as it is. Secrets are masked by x and 0.",
                                    "可在此编辑，文件不会改变。密钥以 x 和 0 遮盖。",
                                ))
                            }
                            textarea name="config" rows="16" spellcheck="false" aria-label=(l.say("configuration", "配置")) { (copy) }
                        }
                        None => {
                            p .muted { (l.say("Its file cannot be read now; the event is tried with what was read last.", "现在无法读取配置文件；使用上次读取的内容。")) }
                        }
                    }
                }
            }
        }
        @if !site.is_read_only() { (test_form(l, &config)) }
        div #result aria-live="polite" {}
    })
}

fn test_form(l: Language, config: &Config) -> Markup {
    html! {
        section {
            h2 { (l.say("Send a test message", "发送测试消息")) }
            form .filters method="post" action="/do/test" hx-post="/do/test" hx-target="#said"
                hx-confirm=(l.say("Send a test message to this endpoint?", "向此端点发送测试消息？")) {
                label { span { (l.say("endpoint", "端点")) }
                    select name="endpoint" {
                        @for endpoint in &config.endpoints { option value=(endpoint.name) { (line(&endpoint.name)) " (" (endpoint.platform.name()) ")" } }
                    }
                }
                button type="submit" { (l.say("Send…", "发送…")) }
            }
        }
    }
}

/// The text of the configuration's file without its secrets; `None` while it cannot be read, or has changed since the
/// configuration was read, so that its secrets are not known.
fn copy(config: &Config) -> Option<String> {
    let file = config.file.as_deref()?;
    let text = fs::read_to_string(file).ok()?;
    let now = Config::load(&file.to_string_lossy()).ok()?;
    (fs::read_to_string(file).ok()? == text).then(|| now.scrubber.masked(&text))
}

/// What an event does by the copy of the configuration.
pub fn result(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let kind = ask.form("type").unwrap_or("task.complete").trim();
    let payload = ask.form("payload").map(str::trim).filter(|payload| !payload.is_empty());
    let edited = ask.form("config").map(|text| text.replace("\r\n", "\n"));
    let mut findings = Vec::new();
    let config = match &edited {
        Some(text) => {
            // A text without a line break would be taken for a path.
            let text = format!("{}\n", text.trim_end());
            let report = engine::check(&text);
            findings.extend(report.errors.iter().map(|found| ("bad", found.clone())));
            findings.extend(report.warnings.iter().map(|found| ("warn", found.clone())));
            Config::load(&text).ok().map(|mut config| {
                config.files.roots.clear();
                Arc::new(config)
            })
        }
        None => site.config(),
    };
    let found = html! {
        @if !findings.is_empty() { (found(l, &findings, edited.as_deref().unwrap_or_default())) }
    };
    let Some(config) = config else { return Ok(found) };
    let refused = |error| Trouble::from(bad_event(error));
    let account = engine::explain(&config, kind, payload).map_err(refused)?;
    let preview = engine::preview(&config, kind, payload).map_err(refused)?;
    let requests = preview["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let content = html! {
        (found)
        section {
            h2 { (line(kind)) @if payload.is_none() { " " span .muted { (l.say("with sample data", "使用示例数据")) } } }
            (hooks(l, &account))
        }
        @if requests.is_empty() {
            p .notice.warn { (l.say("No hook fires: nothing would be sent.", "没有规则触发：不会发送任何消息。")) }
        }
        div .columns { @for request in requests { (request_of(l, request)) } }
    };
    Ok(if ask.is_part {
        content
    } else {
        html! { h1 { (l.say("Try an event", "试一个事件")) } (content) p { a href="/try" { (l.say("Again", "再试")) } } }
    })
}

fn request_of(l: Language, request: &Json) -> Markup {
    let text = |key: &str| line(request[key].as_str().unwrap_or_default());
    html! {
        section {
            h2 { (text("endpoint")) " " small .muted { (text("platform")) " · " (text("hook")) } }
            @if let Some(error) = request["error"].as_str() {
                p .notice.bad { (l.say("No message: ", "没有消息：")) (line(error)) }
            }
            @if let Some(card) = preview::card(request) { (drawn(&card)) }
            @if request["error"].is_null() {
                details { summary { (l.say("Request", "请求")) " " span .muted { (text("method")) " " (text("url")) } }
                    @let body = if request["form"].is_null() { &request["body"] } else { &request["form"] };
                    pre tabindex="0" { (pretty(&body.as_str().map_or_else(|| body.to_string(), str::to_owned))) }
                }
            }
        }
    }
}

/// What `check` finds, each with the line it is in.
fn found(l: Language, findings: &[(&str, ConfigError)], text: &str) -> Markup {
    html! {
        section role="alert" {
            h2 { (l.say("What `check` says of the copy", "`check` 对副本的结果")) }
            @for (tone, finding) in findings {
                div .finding {
                    p {
                        @if *tone == "bad" { (badge("bad", l.say("error", "错误"))) } @else { (badge("warn", l.say("warning", "警告"))) }
                        " "
                        @if finding.line > 0 { strong { (l.say("line ", "第 ")) (finding.line) (l.say("", " 行")) } " " }
                        @if !finding.key.is_empty() { code { (line(&finding.key)) } " " }
                        (line(&finding.message))
                    }
                    @if let Some(source) = finding.line.checked_sub(1).and_then(|number| text.lines().nth(number)) {
                        pre { (excerpt(source, finding)) }
                    }
                }
            }
        }
    }
}

/// A line with a sign below the place.
fn excerpt(source: &str, finding: &ConfigError) -> String {
    let number = finding.line.to_string();
    let before: String = source.chars().take(finding.column.saturating_sub(1)).collect();
    let gap = " ".repeat(number.len() + 2 + unicode_width::UnicodeWidthStr::width(before.as_str()));
    format!("{number}  {}\n{gap}^", line(source))
}
