//! `[network] task_urls`, and the endpoint of an address that a task names.

use super::Config;
use super::address;
use super::section::Section;
use crate::endpoint::{Endpoint, EndpointDirectory, TaskUrls, task_endpoint_name};
use serde_json::json;
use std::sync::Arc;
use url::Url;

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

impl EndpointDirectory for Config {
    fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        Config::endpoint(self, name)
    }

    fn task_endpoint(&self, url: &Url) -> Option<Arc<Endpoint>> {
        self.task_urls.allow(url).then(|| with_defaults(url)).flatten()
    }
}

/// What a configured endpoint with nothing but this `url` would be.
fn with_defaults(url: &Url) -> Option<Arc<Endpoint>> {
    let text = json!({ "endpoints": { "task": { "url": url.as_str() } } }).to_string();
    // The address starts with its scheme, so it is never taken for `env:` or `file:`.
    let (config, _, _) = super::load(&text, &|_| None).ok()?;
    let endpoint = config.endpoints.into_iter().next()?;
    let endpoint = Arc::try_unwrap(endpoint).ok()?;
    Some(Arc::new(Endpoint { name: task_endpoint_name(url), ..endpoint }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::url_secrets;

    #[test]
    fn the_endpoint_of_a_task_has_the_defaults_and_a_name_without_the_address() {
        let url = Url::parse("https://hooks.example.com/marker-token").unwrap();
        let endpoint = with_defaults(&url).unwrap();
        assert!(endpoint.is_of_task() && endpoint.name == task_endpoint_name(&url));
        assert_eq!((endpoint.platform.name(), endpoint.target.url.expose()), ("json", &url));
        assert!(!format!("{endpoint:?}").contains("marker-token"));
        assert!(url_secrets(&url).iter().any(|secret| secret.contains("marker-token")));
    }
}
