//! One delivery: its attempts with their phases, the card as its reader sees it, the request and the answers, and what
//! became of every hook.

use super::ask::Ask;
use super::deliveries::waits;
use super::language::Language;
use super::page::{Act, badge, line, lines, state, time};
use super::site::Site;
use super::trouble::Trouble;
use crate::card_preview::{self, CardPart, CardPreview, PartKind};
use crate::show;
use crate::terminal::{Style, pretty};
use maud::{Markup, html};
use serde_json::Value as Json;
use std::sync::Arc;
use taskbell_core::clock;
use taskbell_core::config::Config;
use taskbell_core::engine::{self, InFlightDelivery};
use taskbell_core::spool::{AttemptDetail, DeliveryDetail, DeliveryState, EventDetail};
use taskbell_core::transport::Phases;

pub fn show(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let reader = site.reader()?;
    let number = ask.last().parse::<i64>().ok();
    let event = reader.show(ask.last())?;
    let event = event.zip(number).and_then(|(event, number)| {
        let delivery = event.deliveries.iter().find(|delivery| delivery.delivery == number)?.clone();
        Some((event, delivery))
    });
    let Some((event, delivery)) = event else {
        return Err(Trouble::new(
            404,
            format!("delivery {} is not in the spool", ask.last().escape_debug()),
            "go back to the deliveries; ended ones are removed after `[spool] retain`",
        ));
    };
    let config = site.config();
    let in_flight = engine::deliveries_in_flight(&*reader).unwrap_or_default();
    let in_flight = in_flight.get(&delivery.delivery);
    let quiet = engine::quiet_endpoints(&*reader, clock::unix_ms()).unwrap_or_default();
    let content = html! {
        (heading(l, &event, &delivery, in_flight, quiet.get(&delivery.endpoint)))
        @if !site.is_read_only() { (acts(l, &delivery)) }
        (attempts(l, &delivery))
        div .columns {
            section {
                h2 { (l.say("Message", "消息")) }
                (message(l, &delivery, config.as_deref()))
            }
            section {
                h2 { (l.say("Why", "原因")) }
                (account(l, &event, &delivery, config.as_ref()))
            }
        }
        (request(l, &event, &delivery, config.as_deref()))
        section {
            h2 { (l.say("Event", "事件")) }
            p .muted { (line(&event.id)) }
            pre tabindex="0" { (pretty(&event.payload)) }
        }
    };
    if ask.is_part {
        return Ok(content);
    }
    Ok(html! { div hx-get=(ask.path) hx-trigger="changed from:body" { (content) } })
}

fn heading(
    l: Language,
    event: &EventDetail,
    delivery: &DeliveryDetail,
    in_flight: Option<&InFlightDelivery>,
    quiet: Option<&i64>,
) -> Markup {
    let now = clock::unix_ms();
    let tried = delivery.attempts.last().map_or(0, |attempt| attempt.number);
    html! {
        h1 {
            (state(l, delivery.state)) " " (line(&event.kind)) " → " (line(&delivery.endpoint)) " "
            small .muted { (l.say("delivery ", "投递 ")) (delivery.delivery) }
        }
        p {
            (l.say("accepted ", "接受于 ")) (time(event.accepted_at))
            @if let Some(node) = &event.node { " · " (l.say("node ", "节点 ")) (line(node)) }
            @if let Some(ended) = delivery.ended_at { " · " (l.say("ended ", "结束于 ")) (time(ended)) }
            @if let Some(due) = delivery.due_at {
                " · " (waits(l, due, in_flight.filter(|seen| seen.attempt > tried), quiet, now))
            }
        }
        @if let Some(reason) = &delivery.reason {
            p .notice.bad { strong { (l.say("Dead because ", "死信原因：")) } (line(reason)) }
        }
        @if let Some(live) = &delivery.live { p .muted { (line(&show::life(live))) } }
    }
}

fn acts(l: Language, delivery: &DeliveryDetail) -> Markup {
    let number = delivery.delivery.to_string();
    let fields: [(&'static str, &str); 1] = [("delivery", &number)];
    let replay = Act {
        action: "/do/replay",
        label: l.say("Replay…", "重发…"),
        question: l.say("Send this dead letter again?", "重新发送这封死信？"),
        yes: l.say("Replay", "重发"),
        tone: "main",
        fields: &fields,
    };
    let send_now = Act {
        action: "/do/replay",
        label: l.say("Send now…", "立即发送…"),
        question: l.say("Send this without waiting for its time?", "不再等待，立即发送？"),
        yes: l.say("Send now", "立即发送"),
        tone: "main",
        fields: &fields,
    };
    let drop = |question| Act {
        action: "/do/drop",
        label: l.say("Drop…", "放弃…"),
        question,
        yes: l.say("Drop", "放弃"),
        tone: "danger",
        fields: &fields,
    };
    html! {
        div .acts {
            @match delivery.state {
                DeliveryState::Dead => {
                    (replay.button())
                    (drop(l.say("Remove this dead letter for good?", "永久删除这封死信？")).button())
                }
                DeliveryState::Pending => {
                    (send_now.button())
                    (drop(l.say("Give up this delivery? It becomes a dead letter.", "放弃此投递？它将成为死信。")).button())
                }
                DeliveryState::Delivered => {}
            }
        }
    }
}

fn attempts(l: Language, delivery: &DeliveryDetail) -> Markup {
    let longest = delivery.attempts.iter().map(|attempt| attempt.phases.total_us).max().unwrap_or_default();
    html! {
        section {
            h2 { (l.say("Attempts", "尝试")) }
            @if delivery.attempts.is_empty() { p .muted { (l.say("There was none yet.", "尚无尝试。")) } }
            ol .attempts {
                @for attempt in &delivery.attempts { (attempt_of(l, attempt, longest)) }
            }
        }
    }
}

fn attempt_of(l: Language, attempt: &AttemptDetail, longest: u32) -> Markup {
    let good = attempt.outcome == "delivered";
    html! {
        li {
            p {
                strong { (l.say("Attempt ", "第 ")) (attempt.number) (l.say("", " 次")) } " "
                @match attempt.status {
                    Some(status) => { (badge(if good { "good" } else { "bad" }, &status.to_string())) }
                    None => { (badge("bad", l.say("no answer", "无响应"))) }
                }
                " "
                @if let Some(error) = &attempt.error { span .bad { (line(error)) } " " }
                span .muted { (time(attempt.started_at)) }
                @if let Some(next) = attempt.next_at {
                    span .muted { " · " (l.say("next ", "下次在 ")) (l.span(next - attempt.started_at)) (l.say(" later", " 后")) }
                }
            }
            (phases(l, &attempt.phases, longest))
            @if let Some(response) = attempt.response.as_deref().filter(|text| !text.trim().is_empty()) {
                details { summary { (l.say("Answer", "响应内容")) } pre tabindex="0" { (pretty(response)) } }
            }
        }
    }
}

/// The phases of an attempt, on the scale of the longest one of the delivery.
fn phases(l: Language, phases: &Phases, longest: u32) -> Markup {
    let known = phases.resolve_us.saturating_add(phases.connect_us).saturating_add(phases.tls_us);
    // The first byte is counted from the start of the request.
    let waiting = phases.first_byte_us.min(phases.total_us.saturating_sub(known));
    let rest = phases.total_us.saturating_sub(known.saturating_add(waiting));
    let parts = [
        ("dns", "DNS", phases.resolve_us),
        ("connect", l.say("connect", "连接"), phases.connect_us),
        ("tls", "TLS", phases.tls_us),
        ("wait", l.say("wait", "等待"), waiting),
        ("rest", l.say("rest", "其余"), rest),
    ];
    let scale = |us: u32| f64::from(us) / f64::from(longest.max(1)) * 600.0;
    let mut at = 0;
    let bars = parts.map(|(class, _, us)| {
        let from = at;
        at += us;
        (class, format!("{:.1}", scale(from)), format!("{:.1}", scale(us)), us)
    });
    html! {
        svg .phases viewBox="0 0 600 10" preserveAspectRatio="none" role="img" aria-label=(l.say("how long each phase took", "各阶段用时")) {
            @for (class, x, width, us) in &bars {
                @if *us > 0 { rect class=(class) x=(x) y="0" width=(width) height="10" {} }
            }
        }
        p .legend {
            strong { (milliseconds(phases.total_us)) }
            @for (class, name, us) in &parts {
                @if *us > 0 { span { span class={ "key " (class) } {} (name) " " (milliseconds(*us)) } }
            }
        }
    }
}

fn milliseconds(us: u32) -> String {
    format!("{:.1} ms", f64::from(us) / 1000.0)
}

fn message(l: Language, delivery: &DeliveryDetail, config: Option<&Config>) -> Markup {
    let platform = config
        .and_then(|config| config.endpoint(&delivery.endpoint))
        .map(|endpoint| endpoint.platform.name());
    let body = serde_json::from_str(&delivery.body).unwrap_or_else(|_| Json::String(delivery.body.clone()));
    let card = card_preview::read(platform.unwrap_or("json"), &body);
    html! {
        @match card {
            Some(card) => {
                (drawn(&card))
                p .muted { (l.say("as its reader sees it", "接收者看到的样子")) @if let Some(name) = platform { " · " (name) } }
            }
            None if delivery.body.is_empty() => { p .muted { (l.say("It could not be rendered.", "消息无法生成。")) } }
            None => {}
        }
        @if !delivery.body.is_empty() {
            details { summary { (l.say("Body", "正文")) " " span .muted { (line(&delivery.content_type)) } }
                pre tabindex="0" { (pretty(&delivery.body)) }
            }
        }
    }
}

/// A card as its platform shows it. Links and pictures are text: nothing is loaded from elsewhere.
pub fn drawn(card: &CardPreview) -> Markup {
    let tone = match card.style {
        Some(Style::Success) => "good",
        Some(Style::Error) => "bad",
        Some(Style::Warning) => "warn",
        _ => "calm",
    };
    html! {
        article class={ "card " (tone) } {
            @for CardPart { kind, label, text } in &card.parts {
                @match kind {
                    PartKind::Title => { h3 { (line(text)) } }
                    PartKind::Heading => { h4 { (line(text)) } }
                    PartKind::Ping => { p .warn { (line(text)) } }
                    PartKind::Text => { p .text { (lines(text)) } }
                    PartKind::Item => { p .item { (line(text)) } }
                    PartKind::Fact => { p .fact { span .muted { (line(label)) } span { (line(text)) } } }
                    PartKind::Link => { p { (line(label)) " " span .url { (line(text)) } } }
                    PartKind::Picture => { p .url { "🖼 " (line(text)) } }
                    PartKind::Foot => { p .muted { (line(text)) } }
                }
            }
        }
    }
}

fn request(l: Language, event: &EventDetail, delivery: &DeliveryDetail, config: Option<&Config>) -> Markup {
    if delivery.body.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { (l.say("Request", "请求")) }
            p .muted {
                (l.say(
                    "As a command; a variable is in place of each secret, and the shell says what to set it to.",
                    "以命令形式显示；每个密钥由变量代替，shell 会提示应设置的内容。",
                ))
            }
            pre tabindex="0" { (lines(&show::curl(event, delivery, config))) }
        }
    }
}

/// Why its hook fired, and why others did not: as it was recorded, and as the configuration decides now.
fn account(
    l: Language,
    event: &EventDetail,
    delivery: &DeliveryDetail,
    config: Option<&Arc<Config>>,
) -> Markup {
    let now = config.and_then(|config| engine::explain(config, &event.kind, Some(&event.payload)).ok());
    html! {
        ul .account {
            @for one in &event.deliveries {
                li {
                    (badge("good", l.say("fired", "已触发"))) " " strong { (line(&one.hook)) } " → "
                    @if one.delivery == delivery.delivery { (line(&one.endpoint)) }
                    @else { a href={ "/deliveries/" (one.delivery) } { (line(&one.endpoint)) } " " (state(l, one.state)) }
                    @if let Some(why) = &one.why { p .muted { (line(why)) } }
                }
            }
            @for said in event.said.iter().flat_map(|said| said.lines()) { li { (line(said)) } }
        }
        @if let Some(account) = &now {
            details open[event.said.is_none() && event.deliveries.len() < 2] {
                summary { (l.say("As the configuration decides now, with only this event counted", "按当前配置、仅计此事件的判定")) }
                (hooks(l, account))
            }
        }
    }
}

/// Which hooks of an account fire, and why.
pub fn hooks(l: Language, account: &Json) -> Markup {
    let text = |hook: &Json, key: &str| line(hook[key].as_str().unwrap_or_default());
    html! {
        ul .account {
            @for hook in account["hooks"].as_array().into_iter().flatten() {
                li {
                    @if hook["fires"] == true { (badge("good", l.say("fires", "触发"))) }
                    @else { (badge("calm", l.say("does not fire", "不触发"))) }
                    " " strong { (text(hook, "hook")) }
                    @for (number, to) in (0..).zip(hook["to"].as_array().into_iter().flatten()) {
                        @if number == 0 { " → " } @else { ", " }
                        (line(to.as_str().unwrap_or_default()))
                    }
                    p .muted { (text(hook, "why")) }
                }
            }
        }
        @for remark in account["remarks"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            p .muted { (line(remark)) }
        }
    }
}
