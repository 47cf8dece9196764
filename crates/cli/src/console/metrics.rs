//! The figures for a program that gathers them, in the text form of OpenMetrics 1.0.

use super::site::Site;
use super::trouble::Trouble;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use taskbell_core::clock;
use taskbell_core::engine::{self, EndpointState, FarmNode};

pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics, each read from the spool now.
pub fn text(site: &Site) -> Result<String, Trouble> {
    let now = clock::unix_ms();
    let reader = site.reader()?;
    let counts = reader.counts()?;
    let backlogs = site.backlogs(&*reader)?;
    let states = engine::endpoint_states(&*reader, now)?;
    let mut text = String::new();
    let mut family =
        |name: &str, kind: &str, help: &str, samples: &mut dyn Iterator<Item = (String, String)>| {
            let _ = write!(text, "# TYPE {name} {kind}\n# HELP {name} {help}\n");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
    let held = [("pending", counts.pending), ("delivered", counts.delivered), ("dead", counts.dead)];
    family(
        "taskbell_deliveries",
        "gauge",
        "Deliveries that the spool holds, by state.",
        &mut held.iter().map(|(state, count)| (labels(&[("state", state)]), count.to_string())),
    );
    family(
        "taskbell_endpoint_pending",
        "gauge",
        "Deliveries that wait for an endpoint or are in flight.",
        &mut backlogs.iter().map(|(name, one)| (labels(&[("endpoint", name)]), one.pending.to_string())),
    );
    family(
        "taskbell_endpoint_dead",
        "gauge",
        "Dead letters of an endpoint that are kept.",
        &mut backlogs.iter().map(|(name, one)| (labels(&[("endpoint", name)]), one.dead.to_string())),
    );
    family(
        "taskbell_endpoint_oldest_pending_seconds",
        "gauge",
        "The age of the oldest delivery that waits for an endpoint.",
        &mut backlogs.iter().map(|(name, one)| {
            let age = one.oldest_at.map_or(0, |at| (now - at).max(0));
            (labels(&[("endpoint", name)]), format!("{}.{:03}", age / 1000, age % 1000))
        }),
    );
    family(
        "taskbell_endpoint_state",
        "stateset",
        "Whether an endpoint is open, probing, quiet or gone.",
        &mut backlogs.keys().flat_map(|name| {
            let own = state_name(states.get(name));
            ["open", "probing", "quiet", "gone"].into_iter().map(move |state| {
                let labels = labels(&[("endpoint", name), ("taskbell_endpoint_state", state)]);
                (labels, u8::from(own == state).to_string())
            })
        }),
    );
    let firing = engine::firing_alerts(&*reader)?;
    family(
        "taskbell_alerts_firing",
        "gauge",
        "Alerts that fire.",
        &mut std::iter::once((String::new(), firing.len().to_string())),
    );
    family(
        "taskbell_hosts",
        "gauge",
        "Running hosts that have the spool open.",
        &mut engine::living_hosts(&*reader).map(|hosts| (String::new(), hosts.to_string())).into_iter(),
    );
    family(
        "taskbell_spool_bytes",
        "gauge",
        "The size of the spool and its log.",
        &mut std::iter::once((String::new(), counts.bytes.to_string())),
    );
    if let Some(relay) = site.relay() {
        let leader = site.leader();
        let leads = leader.as_ref().map(|leader| leader.is_leading).or_else(|| site.leads_on_spool());
        farm(&mut family, relay, &engine::farm_nodes(&*reader)?, leads);
        family(
            "taskbell_relay_epoch",
            "gauge",
            "How often a relay began to lead on the database.",
            &mut leader.iter().map(|leader| (String::new(), leader.epoch.to_string())),
        );
    }
    text.push_str("# EOF\n");
    Ok(text)
}

/// Writes one family: its name, kind and help, and its samples as labels and values.
type WriteFamily<'a> = dyn FnMut(&str, &str, &str, &mut dyn Iterator<Item = (String, String)>) + 'a;

/// What a relay has besides: its nodes, and whether one leads.
fn farm(
    family: &mut WriteFamily<'_>,
    node_lost_ms: i64,
    nodes: &BTreeMap<String, (FarmNode, Vec<String>)>,
    leads: Option<bool>,
) {
    let heard = nodes.values().filter(|(node, _)| clock::unix_ms() - node.heard_at <= node_lost_ms).count();
    family(
        "taskbell_relay_leads",
        "gauge",
        "Whether a relay leads.",
        &mut leads.into_iter().map(|leads| (String::new(), u8::from(leads).to_string())),
    );
    family(
        "taskbell_nodes_heard",
        "gauge",
        "Nodes that posted within node_lost.",
        &mut std::iter::once((String::new(), heard.to_string())),
    );
    family(
        "taskbell_node_waiting",
        "gauge",
        "Events that wait on a node, by its last post.",
        &mut nodes.iter().map(|(name, (node, _))| (labels(&[("node", name)]), node.waiting.to_string())),
    );
    family(
        "taskbell_node_last_post_timestamp_seconds",
        "gauge",
        "When a node posted last.",
        &mut nodes.iter().map(|(name, (node, _))| {
            let (seconds, ms) = (node.heard_at / 1000, node.heard_at % 1000);
            (labels(&[("node", name)]), format!("{seconds}.{ms:03}"))
        }),
    );
}

fn state_name(state: Option<&EndpointState>) -> &'static str {
    match state {
        None => "open",
        Some(EndpointState::Probing { .. }) => "probing",
        Some(EndpointState::Quiet { .. }) => "quiet",
        Some(EndpointState::Gone { .. }) => "gone",
    }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_holds_any_name() {
        assert_eq!(labels(&[("endpoint", "a\"b\\c\nd")]), r#"{endpoint="a\"b\\c\nd"}"#);
    }
}
