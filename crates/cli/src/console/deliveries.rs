//! The view of all deliveries, newest first, with filters. A page goes on where the one before ended, by the number of
//! its last row, so that it costs the same however many there are.

use super::ask::Ask;
use super::language::Language;
use super::page::{line, state, time};
use super::site::Site;
use super::trouble::Trouble;
use maud::{Markup, html};
use std::collections::BTreeMap;
use taskbell_core::clock;
use taskbell_core::engine::{self, InFlightDelivery};
use taskbell_core::spool::{DeliveryState, Filter, ListRow, Reader};

/// Rows of a page.
const ROWS: usize = 50;

/// How many deliveries a search for a text looks at before it shows what it has found.
const SEARCHED: i64 = 20_000;

const SPANS: &[(&str, i64, &str, &str)] = &[
    ("15m", 900_000, "last 15 minutes", "最近 15 分钟"),
    ("1h", 3_600_000, "last hour", "最近 1 小时"),
    ("24h", 86_400_000, "last day", "最近 1 天"),
    ("7d", 604_800_000, "last week", "最近 1 周"),
];

const STATES: &[DeliveryState] = &[DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead];

pub fn show(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let reader = site.reader()?;
    let list = list(&*reader, ask)?;
    if ask.is_part {
        return Ok(list);
    }
    let counts = reader.counts()?;
    Ok(html! {
        h1 { (l.say("Deliveries", "投递")) " "
            small .muted {
                (counts.pending) " " (l.say("pending", "等待中")) ", "
                (counts.delivered) " " (l.say("delivered", "已送达")) ", "
                (counts.dead) " " (l.say("dead", "死信"))
            }
        }
        (filters(site, &*reader, ask)?)
        div #list hx-get=(format!("/deliveries{}", ask.query_with("lang", None))) hx-trigger="changed from:body" { (list) }
    })
}

fn filters(site: &Site, reader: &dyn Reader, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let config = site.config();
    let mut endpoints: Vec<String> = reader.backlogs()?.into_keys().collect();
    endpoints
        .extend(config.iter().flat_map(|config| &config.endpoints).map(|endpoint| endpoint.name.to_string()));
    endpoints.sort();
    endpoints.dedup();
    let hooks: Vec<&str> =
        config.iter().flat_map(|config| config.hooks.iter()).map(|hook| &*hook.name).collect();
    let nodes = engine::farm_nodes(reader)?;
    let any = l.say("any", "全部");
    Ok(html! {
        form .filters role="search" method="get" action="/deliveries" hx-get="/deliveries" hx-target="#list"
            hx-push-url="true" hx-trigger="change, submit, input changed delay:400ms from:#text" {
            label { span { (l.say("state", "状态")) }
                select name="state" {
                    option value="" { (any) }
                    @for one in STATES {
                        option value=(one.as_str()) selected[ask.query("state") == Some(one.as_str())] { (word(l, *one)) }
                    }
                }
            }
            label { span { (l.say("endpoint", "端点")) } (choice("endpoint", any, ask, endpoints.iter().map(String::as_str))) }
            @if !hooks.is_empty() {
                label { span { (l.say("hook", "规则")) } (choice("hook", any, ask, hooks.into_iter())) }
            }
            @if !nodes.is_empty() {
                label { span { (l.say("node", "节点")) } (choice("node", any, ask, nodes.keys().map(String::as_str))) }
            }
            label { span { (l.say("type", "类型")) }
                input name="type" value=[ask.query("type")] list="types" size="14" placeholder=(any);
                datalist id="types" { @for kind in ["task.complete", "queue.start", "queue.end", "batch.end", "alert.firing"] { option value=(kind) {} } }
            }
            label { span { (l.say("accepted", "接受时间")) }
                select name="since" {
                    option value="" { (any) }
                    @for (name, _, english, chinese) in SPANS {
                        option value=(name) selected[ask.query("since") == Some(name)] { (l.say(english, chinese)) }
                    }
                }
            }
            label { span { (l.say("text", "文本")) }
                input #text type="search" name="text" value=[ask.query("text")] size="18" placeholder=(l.say("id, payload, body, reason", "编号、内容、原因"));
            }
            button type="submit" { (l.say("Filter", "筛选")) }
        }
    })
}

fn choice<'a>(name: &str, any: &str, ask: &Ask, values: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        select name=(name) {
            option value="" { (any) }
            @for value in values { option value=(value) selected[ask.query(name) == Some(value)] { (line(value)) } }
        }
    }
}

fn word(l: Language, state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => l.say("pending", "等待中"),
        DeliveryState::Delivered => l.say("delivered", "已送达"),
        DeliveryState::Dead => l.say("dead", "死信"),
    }
}

fn list(reader: &dyn Reader, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let now = clock::unix_ms();
    let owned = |name: &str| ask.query(name).map(str::to_owned);
    let since = ask.query("since").and_then(|name| SPANS.iter().find(|span| span.0 == name));
    let before = ask.query("before").and_then(|number| number.parse::<i64>().ok());
    let mut filter = Filter {
        state: ask.query("state").and_then(|name| STATES.iter().copied().find(|one| one.as_str() == name)),
        endpoint: owned("endpoint"),
        kind: owned("type"),
        node: owned("node"),
        hook: owned("hook"),
        text: owned("text"),
        since_ms: since.map(|span| now - span.1),
        before,
        from: None,
        limit: ROWS + 1,
    };
    if filter.text.is_some() {
        let newest = match before {
            Some(before) => before,
            None => {
                let newest = reader.list(&Filter { limit: 1, ..Filter::default() })?;
                newest.first().map_or(0, |row| row.delivery + 1)
            }
        };
        filter.from = Some(newest - SEARCHED).filter(|from| *from > 1);
    }
    let mut rows = reader.list(&filter)?;
    let has_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let older = match (has_more, filter.from) {
        (true, _) => rows.last().map(|row| row.delivery),
        (false, from) => from,
    };
    let in_flight = engine::deliveries_in_flight(reader)?;
    let quiet = engine::quiet_endpoints(reader, now)?;
    let is_farm = rows.iter().any(|row| row.node.is_some());
    Ok(html! {
        @if rows.is_empty() {
            p .muted { (l.say("No delivery fits.", "没有符合条件的投递。")) }
        } @else {
            div .scroll { table .rows {
                thead { tr {
                    th { (l.say("no", "编号")) }
                    th { (l.say("state", "状态")) }
                    th { (l.say("accepted", "接受时间")) }
                    th { (l.say("type", "类型")) }
                    @if is_farm { th { (l.say("node", "节点")) } }
                    th { (l.say("endpoint", "端点")) }
                    th { (l.say("hook", "规则")) }
                    th .number { (l.say("tries", "次数")) }
                    th { (l.say("last answer", "最近响应")) }
                } }
                tbody { @for row in &rows { (table_row(l, row, is_farm, in_flight.get(&row.delivery), &quiet, now)) } }
            } }
        }
        nav .pages aria-label=(l.say("Pages", "分页")) {
            @if before.is_some() { a href={ "/deliveries" (ask.query_with("before", None)) } { (l.say("Newest", "最新")) } }
            @if let Some(older) = older {
                a rel="next" href={ "/deliveries" (ask.query_with("before", Some(&older.to_string()))) } {
                    @if has_more { (l.say("Older", "更早")) }
                    @else { (l.say("Search older ones", "继续搜索更早的")) }
                }
            }
        }
    })
}

fn table_row(
    l: Language,
    row: &ListRow,
    is_farm: bool,
    in_flight: Option<&InFlightDelivery>,
    quiet: &BTreeMap<String, i64>,
    now: i64,
) -> Markup {
    let in_flight = in_flight.filter(|seen| seen.attempt > row.attempts);
    html! {
        tr {
            th scope="row" { a href={ "/deliveries/" (row.delivery) } { (row.delivery) } }
            td { (state(l, row.state)) }
            td { (time(row.accepted_at)) }
            td { (line(&row.kind)) }
            @if is_farm { td { (line(row.node.as_deref().unwrap_or_default())) } }
            td { (line(&row.endpoint)) }
            td .muted { (line(&row.hook)) }
            td .number data-label=(l.say("tries", "次数")) { (row.attempts) }
            td .answer {
                @match (&row.reason, &row.last_error, row.last_status) {
                    (Some(reason), _, _) => { span .bad { (line(reason)) } }
                    (None, Some(error), _) => { (line(error)) }
                    (None, None, Some(status)) => { (status) }
                    (None, None, None) => { span .muted { (l.say("not tried yet", "尚未尝试")) } }
                }
                @if let Some(due) = row.due_at { " " span .muted { (waits(l, due, in_flight, quiet.get(&row.endpoint), now)) } }
            }
        }
    }
}

/// What a pending delivery waits for.
pub fn waits(
    l: Language,
    due: i64,
    in_flight: Option<&InFlightDelivery>,
    quiet: Option<&i64>,
    now: i64,
) -> Markup {
    html! {
        @match (in_flight, quiet) {
            (Some(seen), _) => { (l.say("being sent since ", "正在发送，自 ")) (time(seen.since)) }
            (None, Some(until)) if *until > now && *until >= due => {
                (l.say("quiet, as the receiver asked; it ends ", "应接收方要求静默，结束于 ")) (time(*until))
            }
            _ if due > now => { (l.say("next attempt ", "下次尝试 ")) (time(due)) }
            _ => { (l.say("due now", "现在到期")) }
        }
    }
}
