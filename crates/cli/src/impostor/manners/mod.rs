//! What each platform looks at in a request before it answers: the form of the body, and its own limits.

mod china;
mod form;
mod markup;
mod services;
mod telegram;
mod wecom;
mod workplaces;

use super::super::serve::http::Request;
use serde_json::Value as Json;

/// The path and query that a URL of this platform has.
pub(super) fn target(platform: &str) -> &'static str {
    match platform {
        "slack" => "/services/T000/B000/KEY",
        "slack-workflow" => "/triggers/T000/1/KEY",
        "discord" => "/api/webhooks/1/TOKEN",
        "wecom" => "/cgi-bin/webhook/send?key=KEY",
        "dingtalk" => "/robot/send?access_token=TOKEN",
        "feishu" => "/open-apis/bot/v2/hook/TOKEN",
        "teams" => "/workflows/1/triggers/manual/paths/invoke?sig=SIG",
        "googlechat" => "/v1/spaces/AAAA/messages?key=KEY&token=TOKEN",
        "mattermost" => "/hooks/KEY",
        "pagerduty" => "/v2/enqueue",
        "github" => "/repos/example/models/dispatches",
        "gitlab" => "/api/v4/projects/42/trigger/pipeline",
        _ => "/",
    }
}

/// What a configuration needs beside the URL; any values of this form are taken here.
pub(super) fn keys(platform: &str) -> &'static str {
    match platform {
        "telegram" => "token = \"123456:ABC-DEF\"\nchat_id = \"-1001234567890\"\n",
        "ntfy" => "topic = \"renders\"\n",
        "pagerduty" => "routing_key = \"0123456789abcdef0123456789abcdef\"\n",
        "github" => "token = \"github_pat_0123456789\"\nevent_type = \"training-done\"\n",
        "gitlab" => "token = \"glptt-0123456789\"\nref = \"main\"\n",
        _ => "",
    }
}

/// The name of the answer with which this platform refuses the request; `None` when it takes it. `uploaded`:
/// whether it took a file before, which a message can name.
pub(super) fn fault(platform: &str, request: &Request, uploaded: bool) -> Option<&'static str> {
    let json = serde_json::from_slice::<Json>(&request.body).ok();
    let json = json.as_ref();
    match platform {
        "slack" => workplaces::slack(request, json),
        "slack-workflow" => workplaces::slack_workflow(json),
        "discord" => workplaces::discord(request, json),
        "teams" => workplaces::teams(request, json),
        "googlechat" => workplaces::google_chat(request, json),
        "mattermost" => workplaces::mattermost(request, json),
        "wecom" => wecom::wecom(request, json, uploaded),
        "dingtalk" => china::dingtalk(request, json),
        "feishu" => china::feishu(request, json),
        "telegram" => telegram::telegram(request, json),
        "ntfy" => match json {
            // A file is put as it is.
            None => (request.method == "POST").then_some("400"),
            Some(json) => services::ntfy(json),
        },
        "pagerduty" => services::pagerduty(request, json),
        "github" => services::github(request, json),
        "gitlab" => services::gitlab(request),
        "cloudevents" => services::cloud_event(request, json),
        _ => None,
    }
}

/// A parameter of the query.
fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let (_, query) = request.target.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}
