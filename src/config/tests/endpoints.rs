//! What an endpoint may say.

use super::*;

#[test]
fn a_url_and_its_platform_have_to_agree() {
    let url = |url: &str, more: &str| format!("[endpoints.a]\nurl = \"{url}\"\n{more}\n");
    let slack = "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
    assert_eq!(config(&url(slack, "")).endpoints[0].platform.name(), "slack");
    assert_fault(&url(slack, "platform = \"json\""), "platform: the URL is one of `slack`, not of `json`");
    assert_fault(&url(slack, "platform = \"slak\""), "there is no platform `slak`; did you mean `slack`?");
    assert_fault(&url("ftp://example.com/", ""), "url: an http or https URL was expected");
    assert_fault(&url("example.com/x", ""), "url: this is not a URL");
    assert_fault(&url("https://example.com/#x", ""), "url: this URL has a fragment");
    assert_fault("[endpoints.a]\n", "line 1, column 12: endpoints.a.url: this key is missing");
    config(&url("https://user:pass@example.com/", "platform = \"json\""));
    assert_fault(
        &url("https://user:pass@hooks.slack.com/services/x", ""),
        "carries no user name or password",
    );
    assert_fault("[endpoints.\"a b\"]\nurl = \"https://example.com/\"\n", "`a b` is no name of an endpoint");
}

#[test]
fn headers_are_checked() {
    for (headers, expected) in [
        ("{ \"a b\" = \"x\" }", "headers.a b: this is no header name"),
        ("{ Content-Length = \"1\" }", "headers.Content-Length: Taskbell writes this header itself"),
        ("{ webhook-signature = \"1\" }", "written by `sign`"),
        ("{ X-A = \"1\", x-a = \"2\" }", "headers.x-a: this header stands here twice"),
        ("{ a = \"x\\ny\" }", "headers.a: a header value is one line of printable ASCII"),
        ("{ a = 1 }", "headers.a: expected text"),
    ] {
        assert_fault(&endpoint(&format!("headers = {headers}")), expected);
    }
    assert_eq!(config(&endpoint("headers = { X-A = \"1\" }")).endpoints[0].headers[0].0, "x-a");
}

#[test]
fn certificates_are_read_and_checked_when_the_configuration_is() {
    let folder = example_folder();
    let of = |lines: &str| written(&folder, "c.toml", &endpoint(lines));
    config(&of("ca_file = \"file:certificates/ca.pem\""));
    let pair = "client_cert = \"certificates/client.pem\"\nclient_key = \"file:certificates/client.key\"";
    let both = config(&of(pair));
    let key = both.endpoints[0].tls.client.as_ref().unwrap().1.expose().to_owned();
    assert!(!both.scrubber.scrub(&key).contains(key.lines().nth(1).unwrap()));
    for (lines, expected) in [
        (
            "client_cert = \"certificates/client.pem\"",
            "client_cert: `client_cert` has no effect without `client_key`",
        ),
        ("client_key = \"certificates/client.key\"", "client_key: `client_key` has no effect without"),
        ("ca_file = \"certificates/client.key\"", "ca_file: no PEM block `BEGIN CERTIFICATE` is in it"),
        ("ca_file = \"certificates/none.pem\"", "none.pem cannot be read"),
        ("client_key = \"certificates/ca.pem\"", "client_key: no PEM block `BEGIN PRIVATE KEY`"),
    ] {
        assert_fault(&of(lines), expected);
    }
}

#[test]
fn proxies_are_env_or_a_plain_http_url() {
    let proxy = |text: &str| endpoint(&format!("proxy = \"{text}\""));
    assert!(matches!(config(&proxy("env")).endpoints[0].proxy, Proxy::Environment));
    let config = config(&proxy("http://user:secret-word@proxy:3128"));
    assert!(!config.scrubber.scrub("it said secret-word").contains("secret-word"));
    for bad in ["https://proxy", "socks5://proxy", "proxy:3128", "http://proxy/path"] {
        assert_fault(&proxy(bad), "endpoints.a.proxy: ");
    }
}

#[test]
fn signatures_are_positioned_at_their_entry() {
    let text = endpoint(
        "sign = [{ scheme = \"github\", secrets = \"first-secret\" },\n { scheme = \"none\", secrets = [\"x\"] }]",
    );
    assert_fault(&text, "line 4, column 2: endpoints.a.sign[1]: ");
    assert_fault(
        &endpoint("sign = [{ scheme = \"github\", secrets = [] }]"),
        "at least one secret is needed",
    );
    assert_fault(&endpoint("sign = [{ scheme = \"github\" }]"), "sign[0].secrets: this key is missing");
    assert_fault(
        &endpoint("sign = [{ schema = \"github\" }]"),
        "sign[0].schema: there is no such key; did you mean `scheme`?",
    );
}
