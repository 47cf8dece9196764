//! Addresses that tasks name in their `webhook_params`.

use sha2::{Digest, Sha256};
use url::Url;

/// What the names of these endpoints start with. No configured endpoint has a colon in its name.
const NAME_START: &str = "task-url:";

/// The most bytes of an address that a task names.
const MAX_URL_BYTES: usize = 2048;

/// Beginnings of addresses. None at all by default.
#[derive(Debug, Clone, Default)]
pub struct TaskUrls(pub Vec<Url>);

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

/// An address as a task may write it: `http` or `https`, without credentials and fragment.
pub fn parse_task_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL_BYTES)?;
    let sound = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    sound.then_some(url)
}

/// Whether an endpoint of this name is an address that a task named.
pub fn is_task_endpoint(name: &str) -> bool {
    name.starts_with(NAME_START)
}

/// The name of the endpoint of an address that a task named: it tells addresses apart without holding them.
pub fn task_endpoint_name(url: &Url) -> String {
    let digest = Sha256::digest(url.as_str().as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{NAME_START}{digest}")
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
}
