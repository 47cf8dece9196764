//! The view of dead letters, grouped by the reason: what one cause has stopped is sent again at once.

use super::ask::{Ask, encoded};
use super::language::Language;
use super::page::{Act, line, time};
use super::site::Site;
use super::trouble::Trouble;
use maud::{Markup, html};
use taskbell_core::spool::DeadGroup;

/// The most groups that are shown.
const MAX_GROUPS: usize = 100;

pub fn show(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let groups = site.reader()?.dead_groups(MAX_GROUPS)?;
    let content = html! {
        @if groups.is_empty() {
            p .notice.good { (l.say("There are no dead letters.", "没有死信。")) }
        }
        @for group in &groups { (card(site, l, group)) }
        @if groups.len() == MAX_GROUPS {
            p .muted { (l.say("Older groups are not shown.", "更早的分组未显示。")) }
        }
    };
    if ask.is_part {
        return Ok(content);
    }
    Ok(html! {
        h1 { (l.say("Dead letters", "死信")) " "
            small .muted { (groups.iter().map(DeadGroup::count).sum::<u64>()) }
        }
        div #dead hx-get="/dead" hx-trigger="changed from:body" { (content) }
    })
}

fn card(site: &Site, l: Language, group: &DeadGroup) -> Markup {
    let count = group.count();
    let (one, many, chinese) = ("dead letter", "dead letters", "封死信");
    let counted = l.count(count, one, many, chinese);
    let ask = |english: &str, chinese: &str| match l {
        Language::English => format!("{english} {counted} with this reason?"),
        Language::Chinese => format!("{chinese} {counted}（同一原因）？"),
    };
    html! {
        section .group {
            h2 .bad { (line(&group.reason)) }
            p {
                strong { (counted) }
                " · " (l.say("first ", "最早 ")) (time(group.first_at)) " · " (l.say("last ", "最近 ")) (time(group.last_at))
            }
            p .chips {
                @for (endpoint, count) in &group.endpoints {
                    a .chip href=(format!("/deliveries?state=dead&endpoint={}", encoded(endpoint))) { (line(endpoint)) " " strong { (count) } }
                }
                " " a href={ "/deliveries/" (group.newest) } { (l.say("The newest one", "最新一封")) }
            }
            @if !site.is_read_only() {
                div .acts {
                    (Act {
                        action: "/do/replay",
                        label: l.say("Replay all…", "全部重发…"),
                        question: &ask("Send again", "重新发送"),
                        yes: l.say("Replay", "重发"),
                        tone: "main",
                        fields: &[("reason", &group.reason)],
                    }.button())
                    (Act {
                        action: "/do/drop",
                        label: l.say("Drop all…", "全部删除…"),
                        question: &ask("Remove for good", "永久删除"),
                        yes: l.say("Drop", "删除"),
                        tone: "danger",
                        fields: &[("reason", &group.reason)],
                    }.button())
                }
            }
        }
    }
}
