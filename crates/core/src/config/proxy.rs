//! `proxy` of an endpoint.

use super::endpoint_url::{add_url_secrets, has_credentials, parse_http_url};
use super::load_context::{LoadContext, TextValue};
use crate::endpoint::Proxy;
use crate::secret::SecretUrl;
use url::Url;

/// `env`, or the URL of a proxy.
pub(super) fn parse_proxy(text: &TextValue, context: &LoadContext<'_>) -> Result<Proxy, String> {
    if text.text == "env" {
        add_environment_secrets(context);
        return Ok(Proxy::Environment);
    }
    let url = parse_http_url(text, &["http"]).map_err(|message| format!("{message} (or `env`)"))?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err("the URL of a proxy must not contain a path or a query (or write `env`)".to_owned());
    }
    add_url_secrets(context, &url);
    Ok(Proxy::Url(SecretUrl::new(url)))
}

/// The proxies of the environment may contain a password.
fn add_environment_secrets(context: &LoadContext<'_>) {
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"] {
        let value = context.variable(name).and_then(|value| value.into_string().ok());
        let url = value.and_then(|value| {
            let value = value.trim();
            let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
            Url::parse(&whole).ok()
        });
        if let Some(url) = url.filter(has_credentials) {
            add_url_secrets(context, &url);
        }
    }
}
