//! `[network] task_urls`: which addresses a task may name in its `webhook_params`, and the endpoint that
//! such an address is.

use super::address;
use super::reading::Reading;
use super::section::Section;
use super::settings::Endpoint;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// What the names of these endpoints start with. No configured endpoint has a colon in its name.
const NAME_START: &str = "task-url:";

/// The most bytes of an address that a task names.
const MAX_URL_BYTES: usize = 2048;

/// Beginnings of addresses. None at all by default.
#[derive(Debug, Clone, Default)]
pub struct TaskUrls(Vec<Url>);

impl TaskUrls {
    /// Whether an address begins with one of these: the same scheme, host and port, and a path that goes
    /// on where the beginning's ends, never in the middle of a name.
    pub fn allow(&self, url: &Url) -> bool {
        self.0.iter().any(|start| {
            start.scheme() == url.scheme()
                && start.host() == url.host()
                && start.port_or_known_default() == url.port_or_known_default()
                && url.path().strip_prefix(start.path()).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('/') || start.path().ends_with('/')
                })
        })
    }
}

/// Reads `[network]`.
pub(super) fn read(section: &Section<'_>) -> TaskUrls {
    let mut starts = Vec::new();
    for (index, words) in section.texts("task_urls").into_iter().enumerate() {
        let start = address::http_url(&words, &["http", "https"]).and_then(|url| {
            if url.query().is_some() || address::has_credentials(&url) {
                return Err("the beginning of a URL has no query and no credentials".to_owned());
            }
            Ok(url)
        });
        match start {
            Ok(start) => starts.push(start),
            Err(message) => {
                section.reading.fault(words.at, &format!("{}.task_urls[{index}]", section.path), message);
            }
        }
    }
    TaskUrls(starts)
}

/// An address as a task may write it: `http` or `https`, without credentials and fragment.
pub fn parse_task_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL_BYTES)?;
    let sound = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.fragment().is_none()
        && !address::has_credentials(&url);
    sound.then_some(url)
}

/// Whether an endpoint of this name is an address that a task named.
pub fn is_name_of_task_url(endpoint: &str) -> bool {
    endpoint.starts_with(NAME_START)
}

impl Endpoint {
    /// The endpoint of an address that a task named: what a configured one with nothing but this `url`
    /// would be, under a name that tells it from others without holding it.
    pub fn of_task(url: &Url) -> Option<Arc<Endpoint>> {
        let text = json!({ "endpoints": { "task": { "url": url.as_str() } } }).to_string();
        // The address starts with its scheme, so it is never taken for `env:` or `file:`.
        let (config, _, _) = super::load(&text, &|_| None).ok()?;
        let endpoint = config.endpoints.into_iter().next()?;
        let mut endpoint = Arc::try_unwrap(endpoint).ok()?;
        let digest = Sha256::digest(url.as_str().as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        endpoint.name = format!("{NAME_START}{digest}");
        Some(Arc::new(endpoint))
    }

    /// Whether a task named it. Such an endpoint must be public.
    pub fn is_of_task(&self) -> bool {
        is_name_of_task_url(&self.name)
    }

    /// The pieces of its URL that must not be shown.
    pub fn secrets(&self) -> Vec<String> {
        let reading = Reading::new(PathBuf::new(), &|_| None);
        address::keep_secrets(&reading, self.url.expose());
        reading.finish().secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(starts: &[&str], url: &str) -> bool {
        let starts = starts.iter().map(|start| Url::parse(start).unwrap()).collect();
        parse_task_url(url).is_some_and(|url| TaskUrls(starts).allow(&url))
    }

    #[test]
    fn an_address_is_allowed_by_its_parts_and_never_by_its_letters() {
        let starts = ["https://hooks.example.com/team", "http://ci.example.com:8080/"];
        for good in [
            "https://hooks.example.com/team",
            "https://hooks.example.com/team/a?b=c",
            "https://HOOKS.example.com:443/team/../team/x",
            "http://ci.example.com:8080/anything",
        ] {
            assert!(allowed(&starts, good), "{good}");
        }
        for bad in [
            "http://hooks.example.com/team",
            "https://hooks.example.com/teammate",
            "https://hooks.example.com/team/../other",
            "https://hooks.example.com/team/%2e%2e/other",
            "https://hooks.example.com./team",
            "https://hooks.example.com:444/team",
            "https://hooks.example.com@evil.example/team",
            "https://hooks.example.com.evil.example/team",
            "https://evil.example/https://hooks.example.com/team",
            "https://evil.example/?https://hooks.example.com/team",
            "https://user:pass@hooks.example.com/team",
            "https://hooks.example.com/team#x",
            "http://ci.example.com/",
            "file:///team",
            "env:HOME",
        ] {
            assert!(!allowed(&starts, bad), "{bad}");
        }
        assert!(!allowed(&[], "https://hooks.example.com/team"), "none by default");
        let long = format!("https://hooks.example.com/team/{}", "x".repeat(MAX_URL_BYTES));
        assert!(!allowed(&starts, &long));
    }

    #[test]
    fn the_endpoint_of_a_task_has_the_defaults_and_a_name_without_the_address() {
        let url = Url::parse("https://hooks.example.com/marker-token").unwrap();
        let endpoint = Endpoint::of_task(&url).unwrap();
        assert!(endpoint.is_of_task() && endpoint.name.len() == NAME_START.len() + 16);
        assert_eq!((endpoint.platform.name(), endpoint.url.expose()), ("json", &url));
        assert!(!format!("{endpoint:?}").contains("marker-token"));
        assert!(endpoint.secrets().iter().any(|secret| secret.contains("marker-token")));
    }
}
