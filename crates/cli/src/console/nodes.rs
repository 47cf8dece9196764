//! The nodes of a farm, in the view of what runs.

use super::ask::encoded;
use super::language::Language;
use super::page::{line, time};
use maud::{Markup, html};
use std::collections::BTreeMap;
use taskbell_core::engine::FarmNode;

/// The most nodes that are shown.
const MAX_NODES: usize = 200;

/// Those that posted last come first.
pub fn table(l: Language, nodes: &BTreeMap<String, (FarmNode, Vec<String>)>) -> Markup {
    let mut rows: Vec<_> = nodes.iter().collect();
    rows.sort_by_key(|(_, (node, _))| std::cmp::Reverse(node.heard_at));
    let more = rows.len().saturating_sub(MAX_NODES);
    rows.truncate(MAX_NODES);
    html! {
        section {
            h2 { (l.say("Nodes", "节点")) " " small .muted { (nodes.len()) } }
            div .scroll { table {
                thead { tr {
                    th { (l.say("node", "节点")) }
                    th { (l.say("host", "主机")) }
                    th { (l.say("version", "版本")) }
                    th { (l.say("last post", "最近上报")) }
                    th .number { (l.say("waiting", "等待")) }
                    th { (l.say("works on", "队列")) }
                } }
                tbody {
                    @for (name, (node, queues)) in rows {
                        tr {
                            th scope="row" { a href={ "/deliveries?node=" (encoded(name)) } { (line(name)) } }
                            td { (line(&node.host)) }
                            td .muted { (line(&node.version)) }
                            td { (time(node.heard_at)) }
                            td .number data-label=(l.say("waiting", "等待")) { (node.waiting) }
                            td { (line(&queues.join(", "))) }
                        }
                    }
                }
            } }
            @if more > 0 { p .muted { (l.say("more: ", "其余：")) (more) } }
        }
    }
}
