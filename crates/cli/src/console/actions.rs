//! What an operator does from the page: the same as `taskbell replay` and `taskbell drop`, said in the same sentences.

use super::ask::Ask;
use super::site::Site;
use super::trouble::Trouble;
use crate::{drop_command, replay};
use maud::{Markup, html};
use taskbell_core::clock;
use taskbell_core::spool::{DeliverySelection, DeliveryState};

/// Sends one delivery now, dead or waiting, or all dead letters with a reason.
pub fn replay(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let mut operator = site.operator()?;
    let done = operator.replay(&selection(ask)?, clock::unix_ms())?;
    let hosts = if done.due + done.hurried + done.lifted > 0 { site.call_hosts() } else { 0 };
    Ok(said(ask, &replay::said(&done, hosts)))
}

/// Gives up a pending delivery, or removes dead letters.
pub fn drop(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let mut operator = site.operator()?;
    let (ended, removed) = operator.drop_deliveries(&selection(ask)?, clock::unix_ms())?;
    if ended > 0 {
        site.call_hosts();
    }
    Ok(said(ask, &drop_command::said(ended, removed, &site.source)))
}

/// Ends the pause of an endpoint, so that what waits for it is sent now.
pub fn lift(site: &Site, ask: &Ask) -> Result<Markup, Trouble> {
    let Some(endpoint) = ask.form("endpoint") else { return Err(nothing_selected()) };
    let mut operator = site.operator()?;
    // No delivery has this number: only the endpoint is meant.
    let choice = DeliverySelection {
        id: Some("0".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        ..DeliverySelection::default()
    };
    let done = operator.replay(&choice, clock::unix_ms())?;
    site.call_hosts();
    Ok(said(ask, &replay::said(&done, 0)))
}

/// One delivery by its number, or the dead letters with a reason. Never everything.
fn selection(ask: &Ask) -> Result<DeliverySelection, Trouble> {
    let number = ask.form("delivery").filter(|number| number.parse::<i64>().is_ok());
    match (number, ask.form("reason")) {
        (Some(number), _) => {
            Ok(DeliverySelection { id: Some(number.to_owned()), ..DeliverySelection::default() })
        }
        (None, Some(reason)) => Ok(DeliverySelection {
            state: Some(DeliveryState::Dead),
            reason: Some(reason.to_owned()),
            ..DeliverySelection::default()
        }),
        (None, None) => Err(nothing_selected()),
    }
}

fn nothing_selected() -> Trouble {
    Trouble::new(400, "nothing is selected", "press a button of the page")
}

fn said(ask: &Ask, lines: &[String]) -> Markup {
    let l = ask.language;
    html! {
        div .notice.good {
            @for line in lines { p { (line) } }
            @if lines.is_empty() {
                p { (l.say("Nothing was changed: another reader or the host was quicker.", "没有任何变化：其他人或主机已先处理。")) }
            }
            @if !ask.is_part { p { a href="/deliveries" { (l.say("Back to the deliveries", "返回投递列表")) } } }
        }
    }
}
