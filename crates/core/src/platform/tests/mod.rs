//! The platforms' tests: what one platform's folder says of it is tried on all of them here.

mod every_platform;
mod fixtures;
mod form_refusals;
mod judges;
mod kinds;
mod layouts;
mod limits;
mod live;
mod markup;
mod places;
mod readers;
mod refusals;
mod requests;
mod responses;
mod silence;
mod templates;
mod trims;
mod voices;

pub(super) use super::*;
pub(super) use fixtures::*;
pub(super) use limits::*;
pub(super) use serde_json::{Value, json};
pub(super) use templates::*;

/// What the tests of all platforms must know of one: every platform has it, so none goes untested.
pub trait Tried: Sync {
    /// URLs that can only be its own.
    fn urls(&self) -> Vec<String>;
    /// Messages and milliseconds of each rate, and attempts in flight.
    fn pace(&self) -> (Vec<(u32, u64)>, usize);
    /// Panics where a card of hostile texts breaks a limit, its markup, or pings.
    fn check_card(&self, card: &Value);
    /// What the platform has against the bytes of a request.
    ///
    /// # Errors
    /// The first fault.
    fn refuse_sent(&self, sent: &[u8]) -> Result<(), String>;
    /// Whether nothing is ever cut.
    fn has_no_limit(&self) -> bool;
    /// Templates of its own forms, with values from outside wherever a text may be.
    fn templates(&self) -> Vec<Value>;
}

/// The same, said in a platform's folder by its own pages.
#[derive(Debug)]
pub struct Trial {
    /// URLs that can only be its own.
    pub urls: &'static [&'static str],
    /// Messages and milliseconds of each rate, and attempts in flight, as the platform documents it.
    pub pace: (&'static [(u32, u64)], usize),
    /// Panics where a card of hostile texts breaks a limit, its markup, or pings.
    pub check_card: fn(&Value),
    /// What the platform's own pages have against the bytes of a request.
    pub refuse_sent: fn(&[u8]) -> Result<(), String>,
    /// Whether its pages name no limit, so that nothing is ever cut.
    pub has_no_limit: bool,
    /// Templates of its own forms, with values from outside wherever a text may be.
    pub templates: fn() -> Vec<Value>,
}

impl Tried for Trial {
    fn urls(&self) -> Vec<String> {
        self.urls.iter().map(|url| (*url).to_owned()).collect()
    }

    fn pace(&self) -> (Vec<(u32, u64)>, usize) {
        (self.pace.0.to_vec(), self.pace.1)
    }

    fn check_card(&self, card: &Value) {
        (self.check_card)(card);
    }

    fn refuse_sent(&self, sent: &[u8]) -> Result<(), String> {
        (self.refuse_sent)(sent)
    }

    fn has_no_limit(&self) -> bool {
        self.has_no_limit
    }

    fn templates(&self) -> Vec<Value> {
        (self.templates)()
    }
}

impl dyn Platform + '_ {
    pub(in crate::platform) fn trial(&self) -> &'static dyn Tried {
        played(self.name()).unwrap().trial
    }
}

fn judge(platform: &str, body: &Value) -> Result<(), String> {
    by_name(platform).unwrap().trial().refuse_sent(body.to_string().as_bytes())
}

#[test]
fn a_url_that_only_looks_like_one_is_not_recognised() {
    assert!(by_name("carrier-pigeon").is_none());
    assert_eq!(by_name("lark").map(<dyn Platform>::name), Some("feishu"));
    for url in "\
        https://discord.com/api/webhooks/1/token/slack \
        https://qyapi.weixin.qq.com/cgi-bin/message/send \
        https://example.webhook.office.com/webhookb2/1 \
        https://chat.googleapis.com/v1/spaces/AAA/members \
        https://example.com/team/hooks/abcdefghijklmnopqrstuvwxyz \
        https://oapi.dingtalk.com/topapi/message https://api.github.com/repos/o/r/issues \
        https://gitlab.example.com/api/v4/projects/12/issues \
        https://evil.example/hooks.slack.com/services/T0/B0/key \
        https://ci.example.com/hooks/training"
        .split_whitespace()
    {
        assert_eq!(recognise(&Url::parse(url).unwrap()).map(<dyn Platform>::name), None, "{url}");
    }
    let webhook_headers: Vec<_> =
        names().into_iter().filter(|name| by_name(name).unwrap().description().webhook_headers).collect();
    assert_eq!(webhook_headers, ["json"]);
}
