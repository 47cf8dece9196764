//! The view of figures: how many messages went out, how many arrived, how fast, and what was held back.

use super::ask::Ask;
use super::language::Language;
use super::page::line;
use super::site::Site;
use super::trouble::Trouble;
use maud::{Markup, html};
use std::collections::BTreeMap;
use taskbell_core::clock;
use taskbell_core::spool::{DeliveryState, EndedDelivery, HourCount};

const HOUR_MS: i64 = 3_600_000;
const HOURS: i64 = 24;

/// The most deliveries of each state that the times by endpoint are computed from: the newest ones.
const SAMPLED: usize = 5_000;

/// The most accounts that are read for what was held back.
const ACCOUNTS: usize = 5_000;

/// What the accounts say of each way of shaping.
const SHAPING: &[(&str, &str, &str)] = &[
    ("`cooldown` suppressed", "suppressed by a cooldown", "被冷却时间抑制"),
    ("digest", "gathered for a digest", "汇入摘要"),
    ("quiet_hours", "held through quiet hours", "在静默时段暂存"),
];

/// The figures of one endpoint.
#[derive(Debug, Default)]
struct EndpointFigures {
    delivered: u64,
    dead: u64,
    retried: u64,
    /// From the making of a delivery to its arrival, in milliseconds.
    took_ms: Vec<i64>,
}

pub fn show(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let reader = site.reader()?;
    let now = clock::unix_ms();
    let first_hour = (now / HOUR_MS - HOURS + 1) * HOUR_MS;
    let hours = reader.hours(first_hour)?;
    let ended = reader.ended_since(first_hour, SAMPLED)?;
    let is_sample = ended.len() >= SAMPLED;
    let unheard = reader.unheard_since(first_hour, ACCOUNTS)?;
    let held = held_back(&unheard.accounts);
    let without = unheard.count;
    Ok(html! {
        h1 { (l.say("Figures of the last 24 hours", "最近 24 小时的数据")) }
        section {
            h2 { (l.say("Messages per hour", "每小时消息数")) }
            (plot(l, &hours, first_hour))
        }
        section {
            h2 { (l.say("By endpoint", "按端点")) }
            (table(l, &by_endpoint(ended)))
            @if is_sample {
                p .muted { (l.say("Of the newest 5,000 deliveries in each state.", "取自各状态最新的 5,000 次投递。")) }
            }
        }
        section {
            h2 { (l.say("Held back", "未发出")) }
            ul .figures {
                @for ((_, english, chinese), count) in SHAPING.iter().zip(held) {
                    li { strong { (count) } " " (l.say(english, chinese)) }
                }
                li { strong { (without) } " " (l.say("events without any message", "未产生消息的事件")) }
            }
        }
    })
}

fn held_back(accounts: &[String]) -> [usize; 3] {
    let lines = || accounts.iter().flat_map(|said| said.lines());
    [0, 1, 2].map(|way| {
        let sign = SHAPING.get(way).map_or("", |(sign, _, _)| sign);
        lines().filter(|said| said.contains(sign)).count()
    })
}

fn by_endpoint(ended: Vec<EndedDelivery>) -> BTreeMap<String, EndpointFigures> {
    let mut found: BTreeMap<String, EndpointFigures> = BTreeMap::new();
    for delivery in ended {
        let figures = found.entry(delivery.endpoint).or_default();
        figures.retried += u64::from(delivery.attempts > 1);
        match delivery.state {
            DeliveryState::Delivered => {
                figures.delivered += 1;
                figures.took_ms.push(delivery.ended_at - delivery.created_at);
            }
            _ => figures.dead += 1,
        }
    }
    for figures in found.values_mut() {
        figures.took_ms.sort_unstable();
    }
    found
}

fn table(l: Language, figures: &BTreeMap<String, EndpointFigures>) -> Markup {
    if figures.is_empty() {
        return html! { p .muted { (l.say("Nothing ended in this time.", "此期间没有结束的投递。")) } };
    }
    html! {
        div .scroll { table {
            thead { tr {
                th { (l.say("endpoint", "端点")) }
                th .number { (l.say("delivered", "已送达")) }
                th .number { (l.say("dead", "死信")) }
                th .number { (l.say("success", "成功率")) }
                th .number { (l.say("retried", "重试过")) }
                th .number { (l.say("p50", "p50")) }
                th .number { (l.say("p99", "p99")) }
            } }
            tbody {
                @for (name, one) in figures {
                    tr {
                        th scope="row" { (line(name)) }
                        td .number data-label=(l.say("delivered", "已送达")) { (one.delivered) }
                        td .number .bad[one.dead > 0] data-label=(l.say("dead", "死信")) { (one.dead) }
                        td .number data-label=(l.say("success", "成功率")) { (share(one.delivered, one.dead)) }
                        td .number data-label=(l.say("retried", "重试过")) { (one.retried) }
                        td .number data-label="p50" { (rank(l, &one.took_ms, 50)) }
                        td .number data-label="p99" { (rank(l, &one.took_ms, 99)) }
                    }
                }
            }
        } }
        p .muted {
            (l.say(
                "p50 and p99: half, and 99 of 100, of the messages arrived within this time after the decision to send them.",
                "p50 与 p99：一半以及 99% 的消息在决定发送后的此时间内送达。",
            ))
        }
    }
}

/// In percent; never 100 while something is dead.
fn share(delivered: u64, dead: u64) -> String {
    if dead == 0 {
        return "100 %".to_owned();
    }
    let tenths = delivered * 1000 / (delivered + dead).max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// The value below which this part of a hundred lies, by nearest rank.
fn rank(l: Language, sorted: &[i64], percent: usize) -> String {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map_or_else(|| "–".to_owned(), |ms| l.span(*ms))
}

/// A bar for each hour: what arrived, and on top of it what is dead.
fn plot(l: Language, hours: &[HourCount], first_hour: i64) -> Markup {
    const HEIGHT: u64 = 120;
    let most = hours.iter().map(|hour| hour.delivered + hour.dead).max().unwrap_or_default();
    let scale = |count: u64| match count {
        0 => 0,
        count => (count * HEIGHT / most.max(1)).max(2),
    };
    let bars = (0..HOURS).map(|number| {
        let from = first_hour + number * HOUR_MS;
        let hour = hours
            .iter()
            .find(|hour| hour.from == from)
            .copied()
            .unwrap_or(HourCount { from, ..HourCount::default() });
        (number * 30 + 46, hour)
    });
    let word = |hour: &HourCount| {
        let at = crate::terminal::date_and_time(hour.from);
        let (delivered, dead) = (hour.delivered, hour.dead);
        match l {
            Language::English => format!("{at} UTC: {delivered} delivered, {dead} dead"),
            Language::Chinese => format!("{at} UTC：已送达 {delivered}，死信 {dead}"),
        }
    };
    html! {
        svg .plot viewBox="0 0 770 150" role="img" aria-label=(l.say("messages per hour", "每小时消息数")) {
            line x1="44" y1="125" x2="768" y2="125" {}
            text x="40" y="14" text-anchor="end" { (most) }
            text x="40" y="129" text-anchor="end" { "0" }
            @for (x, hour) in bars {
                @let (delivered, dead) = (scale(hour.delivered), scale(hour.dead));
                g {
                    title { (word(&hour)) }
                    rect .hit x=(x) y="5" width="28" height="120" {}
                    rect .delivered x=(x) y=(125 - delivered) width="24" height=(delivered) {}
                    rect .dead x=(x) y=((125 - delivered).saturating_sub(dead)) width="24" height=(dead) {}
                }
                @if hour.from / HOUR_MS % 3 == 0 {
                    text x=(x + 12) y="144" text-anchor="middle" { (format!("{:02}:00", hour.from / HOUR_MS % 24)) }
                }
            }
        }
        p .legend {
            span { span .key .delivered {} (l.say("delivered", "已送达")) }
            span { span .key .dead {} (l.say("dead", "死信")) }
            span { (l.say("hours in UTC", "时间为 UTC")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_a_value_that_was_measured() {
        let sorted: Vec<i64> = (1..=200).collect();
        let l = Language::English;
        assert_eq!((rank(l, &sorted, 50).as_str(), rank(l, &sorted, 99).as_str()), ("100 ms", "198 ms"));
        assert_eq!((rank(l, &[7], 99).as_str(), rank(l, &[], 50).as_str()), ("7 ms", "–"));
    }

    #[test]
    fn a_share_is_never_whole_while_something_is_dead() {
        assert_eq!(
            (share(5, 0), share(9_999, 1), share(0, 3)),
            ("100 %".into(), "99.9 %".into(), "0.0 %".into())
        );
    }
}
