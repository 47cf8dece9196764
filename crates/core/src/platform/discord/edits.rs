//! A living message: what is posted, and edited later.

use super::super::Request;
use super::SILENT;
use crate::json::json;
use serde_json::Value;

/// An edit makes no sound, and Discord lets it set other flags only; whether there was this one.
pub(super) fn drop_silence(body: &mut Value) -> bool {
    let flags = body["flags"].as_u64().filter(|flags| flags & SILENT != 0);
    flags.map(|flags| body["flags"] = json!(flags & !SILENT)).is_some()
}

/// Posts a message whose id the answer names, or edits the one of this id.
/// docs.discord.com/developers/resources/webhook, "Edit Webhook Message": the path ends in `/messages/ID`, a thread stays
/// in the query.
pub(super) fn address(request: &mut Request<'_>, edited: Option<&str>) {
    let mut pairs: Vec<(String, String)> = request
        .url
        .query_pairs()
        .filter(|(name, _)| name != "wait")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    request.url.set_query(None);
    match edited {
        Some(id) => {
            request.method = "PATCH";
            let path = format!("{}/messages/{id}", request.url.path().trim_end_matches('/'));
            request.url.set_path(&path);
        }
        None => pairs.push(("wait".to_owned(), "true".to_owned())),
    }
    if !pairs.is_empty() {
        request.url.query_pairs_mut().extend_pairs(pairs);
    }
}
