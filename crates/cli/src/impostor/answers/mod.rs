//! What each platform is known to answer, one row an answer, from the pages that its reader in `platform`
//! names too. The first of a platform is success.

mod china;
mod services;
mod workplaces;

use super::Cast;

/// One answer.
#[derive(Debug)]
pub struct Reply {
    /// The name on the command line: the platform's own code, or a word.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those of every answer.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: &'static str,
    /// When it is given.
    pub meaning: &'static str,
}

/// The name of the answer to a file that was handed over, and the id in it.
pub const MEDIA: &str = "media";
pub const MEDIA_ID: &str = "media-1";

/// Success without a body.
pub static OK: Reply = reply("ok", 200, "", "taken");

const fn reply(name: &'static str, status: u16, body: &'static str, meaning: &'static str) -> Reply {
    Reply { name, status, headers: &[], body, meaning }
}

const fn with_headers(
    name: &'static str,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    meaning: &'static str,
) -> Reply {
    Reply { name, status, headers, body, meaning }
}

const fn wait(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    meaning: &'static str,
) -> Reply {
    with_headers(name, 429, headers, body, meaning)
}

const ONE_SECOND: &[(&str, &str)] = &[("retry-after", "1")];

/// What stands before a platform, and is no answer of its own.
const PAGE: Reply = reply("page", 200, "<!doctype html><title>Sign in</title>", "a gateway's page with 200");
const EMPTY: Reply = reply("empty", 200, "", "200 without a word");
const GATEWAY: Reply = reply("502", 502, "<html>Bad gateway</html>", "something before the platform failed");
const TROUBLE: Reply = reply("500", 500, "", "the platform is in trouble");
const DOWN: Reply = reply("503", 503, "", "the platform is down");

/// Every platform.
pub(super) fn casts() -> impl Iterator<Item = &'static Cast> {
    [workplaces::CASTS, china::CASTS, services::CASTS].into_iter().flatten()
}
