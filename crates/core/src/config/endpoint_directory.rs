//! Finds endpoints by name, and makes the endpoint of an address that a task names.

use super::load::load;
use super::settings::Config;
use crate::endpoint::{Endpoint, EndpointDirectory, task_endpoint_name};
use crate::json::json;
use std::sync::Arc;
use url::Url;

impl EndpointDirectory for Config {
    fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        Config::endpoint(self, name)
    }

    fn task_endpoint(&self, url: &Url) -> Option<Arc<Endpoint>> {
        self.task_urls.allow(url).then(|| with_defaults(url)).flatten()
    }
}

/// The endpoint that a configuration with nothing but this `url` would have.
fn with_defaults(url: &Url) -> Option<Arc<Endpoint>> {
    let text = json!({ "endpoints": { "task": { "url": url.as_str() } } }).to_string();
    // The address starts with its scheme, so it is never taken for `env:` or `file:`.
    let (config, _, _) = load(&text, &|_| None).ok()?;
    let endpoint = Arc::try_unwrap(config.endpoints.into_iter().next()?).ok()?;
    Some(Arc::new(Endpoint { name: task_endpoint_name(url).into(), ..endpoint }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::url_secrets;

    #[test]
    fn the_endpoint_of_a_task_has_the_defaults_and_a_name_without_the_address() {
        let url = Url::parse("https://hooks.example.com/marker-token").unwrap();
        let endpoint = with_defaults(&url).unwrap();
        assert!(endpoint.is_of_task() && *endpoint.name == task_endpoint_name(&url));
        assert_eq!((endpoint.platform.name(), endpoint.target.url.expose()), ("json", &url));
        assert!(!format!("{endpoint:?}").contains("marker-token"));
        assert!(url_secrets(&url).iter().any(|secret| secret.contains("marker-token")));
    }
}
