//! The client of one endpoint.

use super::agents::Agents;
use super::dial::{Dialer, SharedDialer, refused_by_proxy};
use super::errand::Errands;
use super::exchange::{self, Exchange, Stage};
use super::names::{Lookup, Names, system_lookup};
use super::route::{self, Route};
use super::tls::Tls;
use super::{Fault, FaultKind, Phases, Reach, answer, sentence};
use crate::endpoint::Endpoint;
use crate::platform::Answer;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::header::{self, HeaderName, HeaderValue};
use ureq::http::{Method, Request, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::Url;

/// The most bytes of the head of an answer.
pub(super) const MOST_HEAD: usize = 64 * 1024;

/// How long an unused connection is kept. Receivers close theirs after 5 to 75 seconds; a connection
/// that was closed meanwhile is noticed.
const MOST_IDLE: Duration = Duration::from_secs(30);

/// How soon a request must fail for its connection to count as one that had gone stale.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Headers that belong to the connection, not to the message; given ones are left out.
const OURS: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The connections to one endpoint. Shared by the threads of its lane.
pub struct Client {
    agents: Agents,
    errands: Arc<Errands>,
    closed: Arc<AtomicBool>,
    timeout: Duration,
    connect_timeout: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// ureq resolves before each request; ours takes place when a connection is opened.
#[derive(Debug)]
struct Later;

impl Resolver for Later {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

impl Client {
    /// Prepares TLS, proxy and the connection pool. Opens no connection.
    ///
    /// Fails when a certificate, a key or a proxy setting cannot be used. With `Proxy::Environment` the
    /// environment is read here.
    pub fn new(endpoint: &Endpoint, reach: Reach) -> Result<Client, Fault> {
        Client::with(endpoint, reach, Arc::new(system_lookup), &|name| std::env::var(name).ok())
    }

    pub(super) fn with(
        endpoint: &Endpoint,
        reach: Reach,
        lookup: Arc<Lookup>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Client, Fault> {
        let errands = Arc::new(Errands::default());
        let closed = Arc::new(AtomicBool::new(false));
        let (timeout, connect_timeout) = (endpoint.timeout, endpoint.connect_timeout.min(endpoint.timeout));
        let dialer = Dialer {
            reach,
            route: Route::read(&endpoint.proxy, env)?,
            names: Names::new(Arc::clone(&errands), lookup),
            errands: Arc::clone(&errands),
            tls: Tls::read(&endpoint.tls)?,
            closed: Arc::clone(&closed),
            open_limit: connect_timeout,
            limit: timeout,
        };
        // No timeouts and no proxy of ureq's: both are ours.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(format!("taskbell/{}", crate::VERSION))
            .max_response_header_size(MOST_HEAD)
            .max_idle_connections(2)
            .max_idle_connections_per_host(1)
            .max_idle_age(MOST_IDLE)
            .build();
        let dialer = SharedDialer(Arc::new(dialer));
        let make = move || Agent::with_parts(config.clone(), dialer.clone(), Later);
        let agents = Agents::new(Box::new(make), MOST_IDLE);
        Ok(Client { agents, errands, closed, timeout, connect_timeout })
    }

    /// Sends one POST and reads the answer, within the endpoint's timeout. Never follows a redirect.
    ///
    /// Any status is an answer. `user-agent`, `accept` and `accept-encoding` are added unless given;
    /// headers that belong to the connection are left out. User and password in the URL become an
    /// `authorization` header unless one is given. When a connection of the pool turns out to be stale
    /// (reset before any byte of the answer), the request is sent once more on a new one. May be called
    /// from several threads at once.
    pub fn post(
        &self,
        url: &Url,
        headers: &[(String, String)],
        body: &[u8],
    ) -> (Result<Answer, Fault>, Phases) {
        let started = Instant::now();
        let request = match self.request(url, headers, body) {
            Ok(request) => request,
            Err(fault) => return (Err(fault), total(Phases::default(), started)),
        };
        exchange::begin(started, self.timeout, self.connect_timeout, body.len());
        let mut result = self.run(request);
        if let Err(ureq::Error::Io(_)) = &result
            && exchange::with(renew) == Some(true)
            && let Ok(request) = self.request(url, headers, body)
        {
            result = self.run(request);
        }
        match exchange::end() {
            Some(exchange) => {
                let phases = total(exchange.phases, started);
                (self.judge(url, result, exchange), phases)
            }
            None => (Err(sentence::cancelled()), total(Phases::default(), started)),
        }
    }

    /// Breaks every exchange in flight and refuses new ones. Returns at once.
    pub fn shutdown(&self) {
        self.closed.store(true, Ordering::Release);
        self.errands.close();
        self.agents.shutdown();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn request<'a>(
        &self,
        url: &Url,
        headers: &[(String, String)],
        body: &'a [u8],
    ) -> Result<Request<&'a [u8]>, Fault> {
        if self.is_closed() {
            return Err(sentence::cancelled());
        }
        let credentials = route::basic(url);
        let uri =
            if credentials.is_some() { without_credentials(url) } else { url.as_str().parse::<Uri>().ok() };
        let uri = uri.filter(|_| matches!(url.scheme(), "http" | "https") && url.has_host());
        let uri = uri.ok_or_else(|| {
            Fault::new(
                FaultKind::Refused,
                "the URL cannot be dialled: it must be http:// or https:// with a host",
            )
        })?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        for (name, value) in headers {
            let refused = |what: &str| {
                let reason = format!("the header {name:?} {what} that HTTP does not allow");
                Fault::new(FaultKind::Refused, reason)
            };
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("has a name"))?;
            let value =
                HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refused("holds a character"))?;
            if !OURS.contains(&key) {
                request.headers_mut().append(key, value);
            }
        }
        if let Some(credentials) = credentials
            && !request.headers().contains_key(header::AUTHORIZATION)
            && let Ok(value) = HeaderValue::from_str(credentials.expose())
        {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    fn run(&self, request: Request<&[u8]>) -> Result<Answer, ureq::Error> {
        self.agents.with(|agent| {
            let response = agent.run(request)?;
            exchange::enter(Stage::Body);
            answer::read(response)
        })
    }

    /// What an exchange came to.
    fn judge(
        &self,
        url: &Url,
        result: Result<Answer, ureq::Error>,
        exchange: Exchange,
    ) -> Result<Answer, Fault> {
        let peer =
            || format!("{}:{}", url.host_str().unwrap_or("-"), url.port_or_known_default().unwrap_or(0));
        match result {
            Ok(answer) if answer.status == 407 && exchange.proxied => {
                Err(refused_by_proxy("the proxy", &peer(), answer.status))
            }
            Ok(answer) => Ok(answer),
            Err(_) if self.is_closed() => Err(sentence::cancelled()),
            Err(error) => Err(if let Some(fault) = exchange.fault {
                fault
            } else if exchange.late {
                sentence::late(exchange.stage, &peer(), self.connect_timeout, self.timeout)
            } else if let Some(error) = exchange.tls_error {
                sentence::tls(&peer(), &error)
            } else if exchange.flooded {
                Fault::new(FaultKind::Protocol, format!("{} sends without end", peer()))
            } else {
                sentence::of_ureq(exchange.stage, &peer(), &error)
            }),
        }
    }
}

/// Prepares the exchange for a second try on a new connection, if the first failed because a pooled
/// one had gone stale.
fn renew(exchange: &mut Exchange) -> bool {
    let at_once = exchange.sent.is_none_or(|sent| sent.elapsed() < AT_ONCE);
    let stale =
        exchange.pooled && exchange.received == 0 && at_once && !exchange.late && exchange.fault.is_none();
    if stale {
        exchange.fresh_only = true;
        exchange.pooled = false;
        exchange.broken = false;
        exchange.tls_error = None;
        exchange.sent = None;
        exchange.stage = Stage::Resolve;
    }
    stale
}

fn total(mut phases: Phases, started: Instant) -> Phases {
    phases.total_us = exchange::micros_since(started).max(1);
    phases
}

fn without_credentials(url: &Url) -> Option<Uri> {
    let mut url = url.clone();
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.as_str().parse().ok()
}
