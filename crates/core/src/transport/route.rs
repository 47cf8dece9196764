//! Whether a request goes directly or through a proxy.

use super::error::{TransportError, TransportErrorKind};
use crate::endpoint::Proxy;
use crate::secret::{Secret, SecretUrl};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::sync::Arc;
use url::{Host, Url};

#[derive(Debug)]
pub(super) struct HttpProxy {
    /// Its name or address, an IPv6 one without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `proxy-authorization`.
    pub(super) authorization: Option<Secret>,
}

#[derive(Debug, Default)]
pub(super) struct Route {
    http: Option<Configured>,
    https: Option<Configured>,
    direct: Vec<NoProxyEntry>,
}

/// A proxy, or why it cannot be used: a fault matters only to a receiver that is reached through it.
type Configured = Result<Arc<HttpProxy>, TransportError>;

#[derive(Debug, PartialEq, Eq)]
enum NoProxyEntry {
    /// `*`.
    Everything,
    /// A name and all names below it; with a port, only on that port.
    Name(String, Option<u16>),
    /// Addresses with this prefix.
    Block(IpAddr, u32),
    Loopback,
}

impl Route {
    /// Reads the setting, and the environment if the setting says so. `env` gives the value of a variable.
    pub(super) fn read(proxy: &Proxy, env: &dyn Fn(&str) -> Option<String>) -> Result<Route, TransportError> {
        match proxy {
            Proxy::Direct => Ok(Route::default()),
            Proxy::Url(url) => {
                let proxy = Arc::new(HttpProxy::read(url.expose(), "`proxy`")?);
                Ok(Route { http: Some(Ok(Arc::clone(&proxy))), https: Some(Ok(proxy)), direct: Vec::new() })
            }
            Proxy::Environment => Ok(Route::from_environment(env)),
        }
    }

    /// As curl reads it: an empty variable counts as unset.
    fn from_environment(env: &dyn Fn(&str) -> Option<String>) -> Route {
        let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let first = |names: &[&'static str]| -> Option<Configured> {
            let (name, value) = names.iter().find_map(|name| Some((*name, set(name)?)))?;
            Some(HttpProxy::parse(value.trim(), name).map(Arc::new))
        };
        let no_proxy = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
        let mut direct = vec![NoProxyEntry::Loopback];
        let entries = no_proxy.split(|c: char| c == ',' || c.is_whitespace());
        direct.extend(entries.filter_map(NoProxyEntry::parse));
        Route {
            http: first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            direct,
        }
    }

    /// The proxy for a receiver, if there is one. `host` is without brackets.
    ///
    /// # Errors
    /// When the proxy for this receiver cannot be used.
    pub(super) fn via(
        &self,
        secure: bool,
        host: &str,
        port: u16,
    ) -> Result<Option<&HttpProxy>, TransportError> {
        let configured = if secure { &self.https } else { &self.http };
        let Some(proxy) = configured else { return Ok(None) };
        if self.direct.iter().any(|entry| entry.covers(host, port)) {
            return Ok(None);
        }
        proxy.as_ref().map(|proxy| Some(&**proxy)).map_err(TransportError::clone)
    }

    /// Whether this receiver can be reached, as far as the proxies go.
    ///
    /// # Errors
    /// As [`Route::via`].
    pub(super) fn check(&self, url: &Url) -> Result<(), TransportError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        self.via(url.scheme() == "https", host, url.port_or_known_default().unwrap_or(0)).map(drop)
    }
}

impl HttpProxy {
    fn parse(text: &str, name: &str) -> Result<HttpProxy, TransportError> {
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        match url {
            Ok(url) => HttpProxy::read(&url, name),
            Err(error) => {
                Err(TransportErrorKind::Refused.error(format!("{name} is not a proxy URL: {error}")))
            }
        }
    }

    fn read(url: &Url, name: &str) -> Result<HttpProxy, TransportError> {
        if url.scheme() != "http" {
            let shown = SecretUrl::new(url.clone());
            let reason = format!(
                "{name} is {shown}: only proxies with an http:// URL are supported; name one, exempt this receiver \
                 with `no_proxy`, or set `proxy` of the endpoint"
            );
            return Err(TransportErrorKind::Refused.error(reason));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => {
                return Err(TransportErrorKind::Refused.error(format!("{name} has no host")));
            }
        };
        Ok(HttpProxy { host, port: url.port_or_known_default().unwrap_or(80), authorization: basic(url) })
    }
}

/// The `Basic` credentials (RFC 7617) of a URL with a user or a password.
pub(super) fn basic(url: &Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials: Vec<u8> = percent_decode_str(url.username()).collect();
    credentials.push(b':');
    credentials.extend(percent_decode_str(url.password().unwrap_or_default()));
    Some(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(credentials))))
}

impl NoProxyEntry {
    fn parse(entry: &str) -> Option<NoProxyEntry> {
        let entry = entry.trim();
        if entry == "*" {
            return Some(NoProxyEntry::Everything);
        }
        if let Some(block) = NoProxyEntry::parse_block(entry) {
            return Some(block);
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let name = name.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.');
        let name = name.trim_matches(['[', ']']);
        // As the host of a URL is written, in small letters of ASCII.
        let written = Host::parse(name).map_or_else(|_| name.to_ascii_lowercase(), |host| host.to_string());
        (!name.is_empty()).then_some(NoProxyEntry::Name(written, port))
    }

    fn parse_block(entry: &str) -> Option<NoProxyEntry> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (entry, None),
        };
        let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(NoProxyEntry::Block(address, bits))
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self {
            NoProxyEntry::Everything => true,
            NoProxyEntry::Name(name, only) => {
                // No address is below another.
                let is_meant = match host.parse::<IpAddr>() {
                    Ok(ip) => name.parse() == Ok(ip),
                    Err(_) => is_at_or_below(host, name),
                };
                only.is_none_or(|only| only == port) && is_meant
            }
            NoProxyEntry::Block(base, bits) => {
                host.parse().is_ok_and(|ip: IpAddr| shares_prefix(ip, *base, *bits))
            }
            NoProxyEntry::Loopback => {
                is_at_or_below(host, "localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }
}

fn is_at_or_below(host: &str, name: &str) -> bool {
    let Some(front) = host.len().checked_sub(name.len()) else { return false };
    let (front, back) = (host.get(..front), host.get(front..));
    back.is_some_and(|back| back.eq_ignore_ascii_case(name))
        && front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn shares_prefix(ip: IpAddr, base: IpAddr, bits: u32) -> bool {
    match (ip, base) {
        (IpAddr::V4(ip), IpAddr::V4(base)) => {
            (u32::from(ip) ^ u32::from(base)).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(base)) => {
            (u128::from(ip) ^ u128::from(base)).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(variables: &[(&str, &str)]) -> Route {
        let env =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Route::read(&Proxy::Environment, &env).unwrap()
    }

    fn proxy_of(route: &Route, secure: bool, host: &str) -> Option<String> {
        route.via(secure, host, 443).unwrap().map(|proxy| proxy.host.clone())
    }

    #[test]
    fn the_environment_is_read_by_scheme_and_all_proxy_is_the_fallback() {
        let route = route(&[("HTTPS_PROXY", "http://secure.test:3128"), ("all_proxy", "rest.test:8080")]);
        assert_eq!(proxy_of(&route, true, "a.test").as_deref(), Some("secure.test"));
        assert_eq!(proxy_of(&route, false, "a.test").as_deref(), Some("rest.test"));
        assert_eq!(route.http.as_ref().unwrap().as_ref().unwrap().port, 8080);
    }

    #[test]
    fn no_proxy_covers_names_below_addresses_and_blocks() {
        let listed = "example.com, .sub.test,10.0.0.0/8 192.0.2.7,ported.test:8443,fd00::/8";
        let route = route(&[("http_proxy", "p.test:1"), ("NO_PROXY", listed)]);
        let direct = |host: &str| proxy_of(&route, false, host).is_none();
        for host in "\
            example.com EXAMPLE.com. a.example.com sub.test a.sub.test 10.200.3.4 192.0.2.7 fd12::1 \
            localhost 127.0.0.9 ::1"
            .split_whitespace()
        {
            assert!(direct(host), "{host}");
        }
        for host in
            ["notexample.com", "example.com.evil.test", "11.0.0.1", "192.0.2.8", "fe00::1", "ported.test"]
        {
            assert!(!direct(host), "{host}");
        }
        assert!(route.via(false, "ported.test", 8443).unwrap().is_none());
    }

    #[test]
    fn no_proxy_is_read_however_it_is_written() {
        for (listed, host, port, is_direct) in [
            ("*", "far.test", 443, true),
            ("a.test, *", "far.test", 443, true),
            ("*.Example.COM", "a.example.com", 443, true),
            ("*.example.com", "example.com", 443, true),
            ("..example.com.", "example.com", 443, true),
            ("a.test\tb.test\n,c.test", "c.test", 443, true),
            ("a.test;b.test", "b.test", 443, false),
            ("bücher.example", "xn--bcher-kva.example", 443, true),
            ("xn--bcher-kva.example", "www.xn--bcher-kva.example", 443, true),
            ("192.0.2.7:8443", "192.0.2.7", 8443, true),
            ("192.0.2.7:8443", "192.0.2.7", 443, false),
            ("0.2.7", "192.0.2.7", 443, false),
            ("[2001:db8::7]", "2001:db8::7", 443, true),
            ("[2001:db8::7]:8443", "2001:db8::7", 8443, true),
            ("2001:db8::/32", "2001:db8:1::1", 443, true),
            ("10.0.0.0/0", "8.8.8.8", 443, true),
            ("10.0.0.0/33", "10.0.0.1", 443, false),
            ("10.0.0.1/8", "10.9.9.9", 443, true),
            ("example.com:http", "example.com", 80, false),
            (", ,", "far.test", 443, false),
        ] {
            let route = route(&[("http_proxy", "p.test:1"), ("no_proxy", listed)]);
            assert_eq!(
                route.via(false, host, port).unwrap().is_none(),
                is_direct,
                "{listed:?} {host}:{port}"
            );
        }
    }

    #[test]
    fn a_variable_in_small_letters_comes_before_one_in_capitals() {
        for (variables, found) in [
            (&[("http_proxy", "a.test"), ("HTTP_PROXY", "b.test")][..], Some("a.test")),
            (&[("HTTP_PROXY", "b.test"), ("all_proxy", "c.test")], Some("b.test")),
            (&[("all_proxy", "c.test"), ("ALL_PROXY", "d.test")], Some("c.test")),
            (&[("https_proxy", "a.test")], None),
            (&[("http_proxy", "  "), ("ALL_PROXY", " http://d.test:3128/ ")], Some("d.test")),
            (&[("http_proxy", "HTTP://us%40er:p%3Aw@a.test:3128")], Some("a.test")),
            (&[("http_proxy", "http://[2001:db8::1]:3128")], Some("2001:db8::1")),
        ] {
            assert_eq!(proxy_of(&route(variables), false, "far.test").as_deref(), found, "{variables:?}");
        }
        for unusable in "\
            socks5://p.test:1080 socks4a://p.test https://p.test http:// ://p http://p.test:99999"
            .split_whitespace()
        {
            for name in ["http_proxy", "ALL_PROXY"] {
                let route = route(&[(name, unusable), ("no_proxy", "in.test")]);
                assert_eq!(proxy_of(&route, false, "in.test"), None);
                let error = route.via(false, "far.test", 80).unwrap_err();
                assert!(error.reason.starts_with(name), "{error}");
            }
        }
    }

    #[test]
    fn other_kinds_of_proxy_are_refused_without_their_password() {
        for text in ["socks5://u:hunter2@p.test", "https://u:hunter2@p.test:8443"] {
            let url = SecretUrl::new(Url::parse(text).unwrap());
            let error = Route::read(&Proxy::Url(url), &|_| None).unwrap_err();
            assert!(error.reason.contains("p.test") && !error.reason.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let variables = [
            ("https_proxy", ""),
            ("HTTPS_PROXY", " "),
            ("all_proxy", "rest.test:8080"),
            ("no_proxy", ""),
            ("NO_PROXY", "exempt.test"),
        ];
        let route = route(&variables);
        assert_eq!(proxy_of(&route, true, "a.test").as_deref(), Some("rest.test"));
        assert_eq!(proxy_of(&route, true, "exempt.test"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_only_where_it_would_be_used() {
        let variables = [
            ("https_proxy", "socks5h://u:hunter2@p.test:1080"),
            ("http_proxy", "h.test"),
            ("no_proxy", "in.test"),
        ];
        let route = route(&variables);
        assert_eq!(proxy_of(&route, false, "a.test").as_deref(), Some("h.test"));
        assert_eq!((proxy_of(&route, true, "in.test"), proxy_of(&route, true, "127.0.0.1")), (None, None));
        let error = route.check(&Url::parse("https://a.test/x").unwrap()).unwrap_err();
        assert!(error.reason.starts_with("https_proxy is ") && !error.reason.contains("hunter2"), "{error}");
    }

    #[test]
    fn credentials_are_decoded_once() {
        let url = Url::parse("http://us%40er:p%2540%ss@p.test").unwrap();
        let expected = format!("Basic {}", BASE64_STANDARD.encode("us@er:p%40%ss"));
        assert_eq!(basic(&url).unwrap().expose(), expected);
        assert!(basic(&Url::parse("http://p.test").unwrap()).is_none());
    }
}
