//! A URL in the place of a configuration: one endpoint, and hooks for what everybody wants to know.

use crate::json::json;

/// Whether this is the URL of a receiver, or `env:NAME` for one in a variable, and neither a path nor a text.
pub fn is_bare_url(given: &str) -> bool {
    let given = given.trim();
    let scheme = given.split_once("://").map(|(scheme, _)| scheme);
    let is_scheme = |scheme: &str| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    !given.contains(char::is_whitespace) && (scheme.is_some_and(is_scheme) || given.starts_with("env:"))
}

/// The configuration that it stands for, as JSON.
///
/// Besides ends, failures and alerts it tells what is asked for: a task with `notify = "manual"`, the host's own messages.
pub(super) fn text_of(url: &str) -> String {
    let to = ["receiver"];
    json!({
        "endpoints": { "receiver": { "url": (url.trim()) } },
        "hooks": [
            { "name": "ends", "on": ["queue.end", "batch.end"], "to": to },
            { "name": "failures", "on": ["task.complete"], "to": to, "only_failures": true },
            { "name": "asked", "on": ["task.complete"], "to": to, "manual": true },
            { "name": "alerts", "on": ["alert.*"], "to": to },
            { "name": "messages", "on": ["message", "log.record", "task.silent"], "to": to },
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_url_or_a_variable_with_one_is_a_configuration_and_paths_are_not() {
        for url in ["https://ntfy.sh/x", " http://10.0.0.7:8080/hook\t", "HTTPS://a.example", "env:SLACK_URL"]
        {
            assert!(is_bare_url(url), "{url}");
        }
        for other in
            ["taskbell.toml", "/etc/taskbell.toml", "C://x/t.toml", "{\"a\": \"b://c\"}", "a://b c", ""]
        {
            assert!(!is_bare_url(other), "{other}");
        }
    }

    #[test]
    fn a_bare_url_is_one_endpoint_of_its_platform_with_hooks_for_ends_failures_and_what_is_asked() {
        let url = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
        let config = Config::load(url).unwrap();
        let [endpoint] = config.endpoints.as_slice() else { panic!("one endpoint") };
        assert_eq!(endpoint.platform.name(), "slack");
        let heard = |kind: &str| config.hooks.iter().filter(|hook| hook.hears(kind)).count();
        let kinds = [
            "queue.end",
            "batch.end",
            "alert.firing",
            "alert.resolved",
            "task.complete",
            "message",
            "log.record",
        ];
        assert_eq!(kinds.map(heard), [1, 1, 1, 1, 2, 1, 1]);
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        let refused = Config::load("gopher://a.example/x").unwrap_err().to_string();
        assert_eq!(refused, "this URL: expected an http or https URL, found another scheme");
    }

    #[test]
    fn a_bare_url_has_one_spool_wherever_it_is_used() {
        let spool = |url: &str| Config::load(url).unwrap().spool;
        let one = spool("https://a.example/hook");
        assert_eq!(one.path, spool(" https://a.example/hook ").path);
        assert_ne!(one.path, spool("https://a.example/other").path);
        let folder = std::env::current_dir().unwrap();
        assert!(!one.configuration.unwrap().contains(&*folder.to_string_lossy()));
    }
}
