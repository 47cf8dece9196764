//! Discord's cards before a checker that others wrote. Those of other platforms are judged in `tests/python`.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use twilight_model::channel::message::Embed;
use twilight_validate::{embed, message, request};

fn judge_discord(card: &Value) -> Result<(), String> {
    let embeds = card["embeds"].as_array().cloned().unwrap_or_default();
    let mut read = Vec::new();
    for mut one in embeds {
        // What Discord itself adds to the embeds of webhooks.
        one["type"] = json!("rich");
        if let Some(timestamp) = one.get_mut("timestamp") {
            // The judge knows only this form of UTC.
            *timestamp = json!(text(timestamp).replace('Z', "+00:00"));
        }
        let one: Embed = serde_json::from_value(one).map_err(|fault| fault.to_string())?;
        embed::embed(&one).map_err(|fault| fault.to_string())?;
        read.push(one);
    }
    message::embeds(&read).map_err(|fault| fault.to_string())?;
    message::content(text(&card["content"])).map_err(|fault| fault.to_string())?;
    let name = card.get("username").map(text);
    name.map_or(Ok(()), |name| request::webhook_username(name).map_err(|fault| fault.to_string()))
}

#[test]
fn the_judge_finds_what_is_wrong() {
    let discord = |text: &str| judge_discord(&json!({"embeds": [{"description": text}]}));
    assert_eq!(discord(&"😀".repeat(4096)), Ok(()));
    assert!(discord(&"x".repeat(4097)).is_err());
    let whole = json!({"description": "x".repeat(3500)});
    assert!(judge_discord(&json!({"embeds": [whole, whole]})).is_err(), "6000 in all");
}

proptest! {
    #![proptest_config(crate::property::cases(96))]

    #[test]
    fn a_judge_of_others_accepts_every_card(notice in any_notice(), host in hostile(), mention in hostile()) {
        let context = context(&host);
        for mentions in [vec![], vec![mention.as_str(), "@here"]] {
            let discord = by_name("discord").unwrap().layout(&notice, &context, &target(&mentions));
            prop_assert_eq!(judge_discord(&discord), Ok(()));
        }
    }

    #[test]
    fn a_judge_of_others_accepts_the_card_of_any_event(kind in "[a-z]{1,8}\\.[a-z]{1,8}", value in hostile()) {
        let data = json!({ value.clone(): value, "error": {"message": value}, "name": value });
        let context = Context::new(json!({
            "event": {"id": "evt_01", "type": kind, "timestamp": value, "data": data.clone()},
            "task": data,
            "host": {"name": value},
        }));
        let card = by_name("discord").unwrap().card(&context, &target(&[]));
        prop_assert_eq!(judge_discord(&card), Ok(()));
    }
}
