//! The view of what runs: the hosts, the endpoints, queues and batches, and alerts.

use super::ask::{Ask, encoded};
use super::language::Language;
use super::nodes;
use super::page::{Act, badge, line, time};
use super::site::Site;
use super::trouble::Trouble;
use maud::{Markup, html};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use taskbell_core::clock;
use taskbell_core::engine::{self, EndpointState, FiringAlert, OpenWork};
use taskbell_core::spool::{AlertEvent, Counts, EndpointBacklog};

/// The most queues and batches that are shown.
const MAX_WORK: usize = 50;

const HOUR_MS: i64 = 3_600_000;

pub fn show(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let live = live(site, ask.language)?;
    Ok(html! {
        h1 .unseen { (ask.language.say("Now", "现在")) }
        div #now hx-ext="sse" sse-connect={ "/events?lang=" (ask.language.code()) } sse-swap="now" { (live) }
    })
}

/// The part that changes while somebody looks at it.
pub fn live(site: &Site, l: Language) -> Result<Markup, Trouble> {
    let now = clock::unix_ms();
    let reader = site.reader()?;
    let counts = reader.counts()?;
    let backlogs = site.backlogs(&*reader)?;
    let states = engine::endpoint_states(&*reader, now)?;
    let work = engine::work_in_progress(&*reader, MAX_WORK)?;
    let firing = engine::firing_alerts(&*reader)?;
    let events = reader.alert_events(now - HOUR_MS)?;
    let hosts = engine::living_hosts(&*reader);
    let nodes = engine::farm_nodes(&*reader)?;
    Ok(html! {
        (summary(l, hosts, &counts))
        @if !firing.is_empty() || !events.is_empty() { (alerts(l, &firing, &events, now)) }
        (endpoints(site, l, &backlogs, &states, now))
        @if !nodes.is_empty() { (nodes::table(l, &nodes)) }
        (work_table(l, &work))
    })
}

fn summary(l: Language, hosts: Option<usize>, counts: &Counts) -> Markup {
    let size = counts.bytes.div_ceil(1024);
    html! {
        ul .figures {
            li {
                @match hosts {
                    Some(0) => { (badge("bad", l.say("no host runs", "没有主机在运行"))) }
                    Some(hosts) => {
                        (badge("good", &l.count(hosts as u64, "host runs", "hosts run", "个主机在运行")))
                    }
                    None => { (badge("calm", l.say("hosts unknown", "主机状态未知"))) }
                }
            }
            li { a href="/deliveries?state=pending" { strong { (counts.pending) } " " (l.say("pending", "等待中")) } }
            li { a .bad[counts.dead > 0] href="/dead" { strong { (counts.dead) } " " (l.say("dead", "死信")) } }
            li { a href="/deliveries?state=delivered" { strong { (counts.delivered) } " " (l.say("delivered", "已送达")) } }
            li .muted { (size) " KiB" }
        }
    }
}

fn endpoints(
    site: &Site,
    l: Language,
    backlogs: &BTreeMap<String, EndpointBacklog>,
    states: &BTreeMap<String, EndpointState>,
    now: i64,
) -> Markup {
    // What needs somebody comes first.
    let mut rows: Vec<_> = backlogs.iter().map(|(name, backlog)| (name, backlog, states.get(name))).collect();
    rows.sort_by_key(|(_, backlog, state)| {
        (state.is_none(), std::cmp::Reverse(backlog.dead > 0), std::cmp::Reverse(backlog.pending))
    });
    html! {
        section {
            h2 { (l.say("Endpoints", "端点")) }
            @if rows.is_empty() { p .muted { (l.say("No delivery was made yet.", "还没有投递。")) } }
            @else {
                div .scroll { table {
                    thead { tr {
                        th { (l.say("endpoint", "端点")) }
                        th { (l.say("state", "状态")) }
                        th .number { (l.say("waiting", "等待")) }
                        th .number { (l.say("dead", "死信")) }
                        th { (l.say("last answer", "最近响应")) }
                        th { span .unseen { (l.say("actions", "操作")) } }
                    } }
                    tbody {
                        @for (name, backlog, state) in rows { (endpoint(site, l, name, backlog, state, now)) }
                    }
                } }
            }
        }
    }
}

fn endpoint(
    site: &Site,
    l: Language,
    name: &str,
    backlog: &EndpointBacklog,
    state: Option<&EndpointState>,
    now: i64,
) -> Markup {
    let can_lift = matches!(state, Some(EndpointState::Quiet { .. } | EndpointState::Probing { .. }));
    html! {
        tr {
            th scope="row" { a href={ "/deliveries?endpoint=" (encoded(name)) } { (line(name)) } }
            td {
                @match state {
                    None => { (badge("good", l.say("open", "正常"))) }
                    Some(EndpointState::Probing { next_at }) => {
                        (badge("bad", l.say("probing", "探测中")))
                        @if *next_at > now { " " span .muted { (l.say("next ", "下次 ")) (time(*next_at)) } }
                    }
                    Some(EndpointState::Quiet { until }) => {
                        (badge("warn", l.say("quiet", "静默")))
                        " " span .muted { (l.say("ends ", "结束于 ")) (time(*until)) }
                    }
                    Some(EndpointState::Gone { reason }) => {
                        (badge("bad", l.say("gone", "已失效"))) " " span .muted { (line(reason)) }
                    }
                }
            }
            td .number data-label=(l.say("waiting", "等待")) {
                (backlog.pending)
                @if let Some(oldest) = backlog.oldest_at { " " span .muted { (l.say("since ", "自 ")) (time(oldest)) } }
            }
            td .number .bad[backlog.dead > 0] data-label=(l.say("dead", "死信")) { (backlog.dead) }
            td {
                @match &backlog.last {
                    None => { span .muted { "–" } }
                    Some(last) => {
                        @let tone = if last.outcome == "delivered" { "good" } else { "bad" };
                        span class=(tone) {
                            @match (&last.error, last.status) {
                                (Some(error), _) => { (line(error)) }
                                (None, Some(status)) => { (status) }
                                (None, None) => { (line(&last.outcome)) }
                            }
                        }
                        " " span .muted { (time(last.at)) }
                    }
                }
            }
            td .acts {
                @if can_lift && !site.is_read_only() {
                    (Act {
                        action: "/do/lift",
                        label: l.say("Send now…", "立即发送…"),
                        question: &match l {
                            Language::English => format!("End the pause of {} and send what waits?", line(name)),
                            Language::Chinese => format!("结束 {} 的暂停并发送等待中的消息？", line(name)),
                        },
                        yes: l.say("Send now", "立即发送"),
                        tone: "main",
                        fields: &[("endpoint", name)],
                    }.button())
                }
            }
        }
    }
}

fn work_table(l: Language, work: &[OpenWork]) -> Markup {
    html! {
        section {
            h2 { (l.say("Queues and batches", "队列与批次")) }
            @if work.is_empty() {
                p .muted { (l.say("No queue or batch is open.", "没有进行中的队列或批次。")) }
            } @else {
                div .scroll { table {
                    thead { tr {
                        th { (l.say("name", "名称")) }
                        th { (l.say("progress", "进度")) }
                        th .number { (l.say("failed", "失败")) }
                        th .number { (l.say("per minute", "每分钟")) }
                        th { (l.say("left", "剩余")) }
                        th { (l.say("last task", "最近任务")) }
                    } }
                    tbody { @for one in work { (work_row(l, one)) } }
                } }
            }
        }
    }
}

fn work_row(l: Language, one: &OpenWork) -> Markup {
    html! {
        tr {
            th scope="row" {
                (line(&one.name)) " "
                span .muted { @if one.is_batch { (l.say("batch", "批次")) } @else { (l.say("queue", "队列")) } }
                @if one.stalled { " " (badge("bad", l.say("stalled", "停滞"))) }
                @if !one.is_alive { " " (badge("bad", l.say("its host is dead", "主机已停止"))) }
            }
            td .progress {
                @if let Some(total) = one.total {
                    progress max=(total.max(1)) value=(one.done) { (one.done) "/" (total) }
                    " " (one.done) " / " (total)
                } @else { (one.done) }
            }
            td .number .bad[one.failed > 0] data-label=(l.say("failed", "失败")) { (one.failed) }
            td .number data-label=(l.say("per minute", "每分钟")) { @if let Some(rate) = one.per_minute { (rate) } @else { span .muted { "–" } } }
            td data-label=(l.say("left", "剩余")) {
                @if let Some(left) = one.left_s { (l.span(i64::try_from(left).unwrap_or(i64::MAX).saturating_mul(1000))) }
                @else { span .muted { "–" } }
            }
            td data-label=(l.say("last task", "最近任务")) { @if one.moved_at > 0 { (time(one.moved_at)) } @else { span .muted { "–" } } }
        }
    }
}

/// Each alert with a line of the last hour: where it fired.
fn alerts(l: Language, firing: &[FiringAlert], events: &[AlertEvent], now: i64) -> Markup {
    let mut stretches: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for alert in firing {
        stretches.entry(alert.name.clone()).or_default().push((alert.since, now));
    }
    for event in events.iter().filter(|event| event.kind == "alert.resolved") {
        let payload: Json = serde_json::from_str(&event.payload).unwrap_or_default();
        let since = payload["since"].as_str().and_then(clock::parse_rfc3339).unwrap_or(event.at);
        let name = payload["name"].as_str().unwrap_or_default();
        stretches.entry(name.to_owned()).or_default().push((since, event.at));
    }
    html! {
        section {
            h2 { (l.say("Alerts of the last hour", "最近一小时的告警")) }
            div .scroll { table { tbody {
                @for (name, stretches) in &stretches {
                    @let now_firing = firing.iter().find(|alert| alert.name == *name);
                    tr {
                        th scope="row" { (line(name)) }
                        td {
                            @match now_firing {
                                Some(alert) => {
                                    (badge("bad", l.say("firing", "触发中"))) " "
                                    (line(&alert.metric)) " = " (alert.value) " "
                                    span .muted { (l.say("since ", "自 ")) (time(alert.since)) }
                                }
                                None => { (badge("good", l.say("resolved", "已恢复"))) }
                            }
                        }
                        td { (hour_line(l, stretches, now)) }
                    }
                }
            } } }
        }
    }
}

fn hour_line(l: Language, stretches: &[(i64, i64)], now: i64) -> Markup {
    const WIDTH: i64 = 240;
    // In steps of a minute, so that it does not change with every look.
    let at = |time: i64| ((time - (now - HOUR_MS)) / 60_000 * WIDTH / 60).clamp(0, WIDTH);
    html! {
        svg .hour viewBox="0 0 240 12" width="240" height="12" role="img"
            aria-label=(l.say("when it fired within the last hour", "最近一小时内的触发时段")) {
            rect .rail x="0" y="5" width="240" height="2" {}
            @for (from, to) in stretches {
                rect .fired x=(at(*from)) y="1" width=((at(*to) - at(*from)).max(3)) height="10" {}
            }
        }
    }
}
