//! Sends one message to one endpoint, from a bell of its own whose spool is in memory: the host and its spool are left
//! alone.

use super::ask::Ask;
use super::page::line;
use super::site::Site;
use super::trouble::Trouble;
use crate::failure::bad_event;
use crate::send::next_report;
use maud::{Markup, html};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;
use taskbell_core::spool::SpoolPath;

/// How long the receiver may take.
const PATIENCE: Duration = Duration::from_secs(15);

pub fn send(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let l = ask.language;
    let Some(name) = ask.form("endpoint") else {
        return Err(Trouble::new(400, "no endpoint is selected", "choose one of the configuration"));
    };
    let config = only_to(site.fresh_config()?, name)?;
    let bell = Bell::open(config).map_err(bad_event)?;
    let event = json!({
        "title": l.say("A test message", "测试消息"),
        "text": l.say("It was sent by hand from the console.", "由控制台手动发送。"),
    });
    let accepted = bell.emit("message", event.to_string().as_bytes()).map_err(bad_event)?;
    let ended = bell.wait(accepted.ticket, PATIENCE);
    let report = next_report(&bell);
    // Nothing waits any longer: a failed attempt is not repeated.
    let _ = bell.close(Duration::ZERO);
    let text = |key: &str| report.as_ref().and_then(|report| report[key].as_str()).map(line);
    Ok(html! {
        @match (ended.is_ok(), text("state").as_deref()) {
            (true, Some("delivered")) => {
                p .notice.good {
                    strong { (line(name)) } " " (l.say("has it", "已收到"))
                    @if let Some(status) = report.as_ref().and_then(|report| report["status"].as_u64()) { ": " (status) }
                }
            }
            (true, _) => {
                p .notice.bad { strong { (line(name)) } " " (l.say("did not take it: ", "未接受：")) (text("reason").unwrap_or_default()) }
            }
            (false, _) => {
                p .notice.bad {
                    strong { (line(name)) } " "
                    (l.say("did not take it within 15 s; the test message is given up", "15 秒内未接受；测试消息已放弃"))
                }
            }
        }
    })
}

/// The configuration as it is read now, with a hook for the message in place of its own.
fn only_to(mut config: Config, name: &str) -> Result<Config, Trouble> {
    let hook = json!({
        "endpoints": { name: { "platform": "json", "url": "https://example.com/" } },
        "hooks": [{ "name": "test", "on": ["message"], "to": [name] }],
    });
    let hook = Config::load(&hook.to_string())
        .map_err(|errors| Trouble::new(500, errors.to_string(), "please report it"))?;
    config.hooks = hook.hooks;
    config.alerts.clear();
    config.spool.path = SpoolPath::Memory;
    let Some(endpoint) = config.endpoints.iter_mut().find(|endpoint| &*endpoint.name == name) else {
        return Err(Trouble::new(
            404,
            format!("`{}` is not an endpoint of the configuration", name.escape_debug()),
            "choose one of the list",
        ));
    };
    // One attempt says what there is to say.
    if let Some(endpoint) = Arc::get_mut(endpoint) {
        endpoint.retry.schedule.clear();
        endpoint.fallback = None;
    }
    Ok(config)
}
