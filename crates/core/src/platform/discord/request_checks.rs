//! What only the whole request shows: Discord knows the webhook by its path, and takes files next to the message.

use super::super::{ReceivedRequest, refusal};
use super::{FILE, rules};
use serde_json::Value;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if !request.target.contains("/webhooks/") {
        return Some("10015");
    }
    let parts = request.parts().unwrap_or_default();
    let payload = parts.iter().find(|part| part.name == "payload_json");
    let payload = payload.and_then(|part| serde_json::from_slice::<Value>(part.content).ok());
    let files: Vec<_> = parts.iter().filter(|part| part.file.is_some()).collect();
    if files.iter().any(|part| part.content.len() as u64 > FILE) {
        return Some("40005");
    }
    let Some(json) = payload.as_ref().or(json).filter(|json| json.is_object()) else { return Some("50109") };
    // A file is a message by itself.
    let refusal =
        refusal(rules::faults(json, request.target)).filter(|name| *name != "50006" || files.is_empty());
    if refusal.is_some() {
        return refusal;
    }
    (!request.target.contains("wait=true")).then_some("204")
}
