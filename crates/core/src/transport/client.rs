//! The client of one endpoint.

use super::blocking_task::BlockingTasks;
use super::buffers::MAX_RESPONSE_HEAD;
use super::connection_limit::ConnectionSlot;
use super::dial::{Dialer, SharedDialer};
use super::dns::{DnsCache, LookupFn, system_lookup};
use super::error::{TransportError, TransportErrorKind};
use super::pool::{AgentPool, LentAgent};
use super::request_state::{self, Phases, RequestState, Stage};
use super::route::{self, Route};
use super::tls::TlsSetup;
use super::vet::Reach;
use super::{answer, error_text, smtp};
use crate::endpoint::{Endpoint, Proxy};
use crate::platform::{Answer, Envelope};
use crate::secret::shown_host;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::header::{self, HeaderName, HeaderValue};
use ureq::http::{Method, Request, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::Url;

/// How long an unused connection is kept. Receivers close theirs after 5 to 75 seconds; a closed one is
/// noticed before it is used.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// How soon a request must fail for its connection to count as stale.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Headers that belong to the connection, not to the message; they cannot be given.
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
    pool: AgentPool,
    tasks: Arc<BlockingTasks>,
    closed: Arc<AtomicBool>,
    timeout: Duration,
    connect_timeout: Duration,
    dialer: SharedDialer,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// ureq resolves before each request, our dialer only when it opens a connection.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
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
    pub fn new(endpoint: &Endpoint, reach: Reach) -> Result<Client, TransportError> {
        Client::with(endpoint, reach, Arc::new(system_lookup), &|name| std::env::var(name).ok())
    }

    pub(super) fn with(
        endpoint: &Endpoint,
        reach: Reach,
        lookup: Arc<LookupFn>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Client, TransportError> {
        let tasks = Arc::new(BlockingTasks::default());
        let closed = Arc::new(AtomicBool::new(false));
        let (timeout, connect_timeout) = (endpoint.timeout, endpoint.connect_timeout.min(endpoint.timeout));
        let is_mail = is_mail(endpoint.target.url.expose());
        let route = match endpoint.proxy {
            // The variables of the environment name proxies for HTTP.
            Proxy::Environment if is_mail => Route::default(),
            ref proxy => Route::read(proxy, env)?,
        };
        route.check(endpoint.target.url.expose())?;
        let dialer = Dialer {
            reach,
            route,
            dns: DnsCache::new(Arc::clone(&tasks), lookup),
            tasks: Arc::clone(&tasks),
            tls: TlsSetup::read(&endpoint.tls)?,
            closed: Arc::clone(&closed),
            mails: Mutex::default(),
            plain_scheme: if is_mail { "smtp" } else { "http" },
            open_limit: connect_timeout,
            limit: timeout,
        };
        // Timeouts and proxy are ours, not ureq's.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(format!("taskbell/{}", crate::VERSION))
            .max_response_header_size(MAX_RESPONSE_HEAD)
            .max_idle_connections(2)
            .max_idle_connections_per_host(1)
            .max_idle_age(MAX_IDLE)
            .build();
        let dialer = SharedDialer(Arc::new(dialer));
        let own = dialer.clone();
        let make = move || Agent::with_parts(config.clone(), own.clone(), NoResolver);
        let pool = AgentPool::new(Box::new(make), MAX_IDLE);
        Ok(Client { pool, tasks, closed, timeout, connect_timeout, dialer })
    }

    /// Sends one POST and reads the answer, within the endpoint's timeout. Never follows a redirect.
    ///
    /// Any status is an answer. `user-agent`, `accept` and `accept-encoding` are added unless given;
    /// headers that belong to the connection are left out. User and password in the URL become an
    /// `authorization` header unless one is given. When a connection of the pool turns out to be stale
    /// (reset before any byte of the answer), the request is sent once more on a new one. May be called
    /// from several threads at once.
    pub fn send(
        &self,
        method: &str,
        url: &Url,
        headers: &[(String, String)],
        body: &[u8],
    ) -> (Result<Answer, TransportError>, Phases) {
        // Not a part of the attempt's time: it waits for others, not for the receiver.
        let lent = self.pool.lend(|| self.is_closed());
        let started = Instant::now();
        let Some(agent) = lent.as_ref().and_then(LentAgent::agent) else {
            return (Err(error_text::cancelled()), total(Phases::default(), started));
        };
        let request = match self.request(method, url, headers, body) {
            Ok(request) => request,
            Err(error) => return (Err(error), total(Phases::default(), started)),
        };
        request_state::begin(started, self.timeout, self.connect_timeout, body.len());
        let mut result = run(agent, request);
        if let Err(ureq::Error::Io(_)) = &result
            && request_state::with(renew) == Some(true)
            && let Ok(request) = self.request(method, url, headers, body)
        {
            result = run(agent, request);
        }
        match request_state::end() {
            Some(state) => {
                let phases = total(state.phases, started);
                (self.explain(url, result, state), phases)
            }
            None => (Err(error_text::cancelled()), total(Phases::default(), started)),
        }
    }

    /// Hands a message over by SMTP, on a connection of its own, within the endpoint's timeout.
    ///
    /// The answer has the code of the reply that decides as its status, and as its body that reply with the command
    /// before it. A recipient that was refused while others were accepted is in the header `refused`.
    pub fn mail(
        &self,
        url: &Url,
        envelope: &Envelope,
        message: &[u8],
    ) -> (Result<Answer, TransportError>, Phases) {
        let Some(_slot) = ConnectionSlot::take(|| self.is_closed()) else {
            return (Err(error_text::cancelled()), total(Phases::default(), Instant::now()));
        };
        let started = Instant::now();
        request_state::begin(started, self.timeout, self.connect_timeout, message.len());
        let result = smtp::deliver(&self.dialer.0, url, envelope, message);
        let phases = request_state::end().map_or_else(Phases::default, |state| state.phases);
        let result = result.map_err(|error| if self.is_closed() { error_text::cancelled() } else { error });
        (result, total(phases, started))
    }

    /// Whether a connection may be open that nothing uses.
    pub fn keeps_connections(&self) -> bool {
        self.pool.keeps_any()
    }

    /// Closes the connections that nothing has used for this time.
    pub fn close_idle(&self, unused_for: Duration) {
        self.pool.close_idle(unused_for);
    }

    /// Breaks every request in flight and refuses new ones. Returns at once.
    pub fn shutdown(&self) {
        self.closed.store(true, Ordering::Release);
        self.tasks.close();
        self.pool.shutdown();
        let mails = std::mem::take(&mut *self.dialer.0.mails.lock().unwrap_or_else(PoisonError::into_inner));
        mails.iter().filter_map(Weak::upgrade).for_each(|handle| handle.shutdown());
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn request<'a>(
        &self,
        method: &str,
        url: &Url,
        headers: &[(String, String)],
        body: &'a [u8],
    ) -> Result<Request<&'a [u8]>, TransportError> {
        if self.is_closed() {
            return Err(error_text::cancelled());
        }
        let credentials = route::basic(url);
        let uri =
            if credentials.is_some() { without_credentials(url) } else { url.as_str().parse::<Uri>().ok() };
        let uri = uri.filter(|_| matches!(url.scheme(), "http" | "https") && url.has_host());
        let uri = uri.ok_or_else(|| {
            TransportErrorKind::Refused.error("the URL must be http:// or https:// with a host")
        })?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST);
        *request.uri_mut() = uri;
        for (name, value) in headers {
            let refused = |what: &str| {
                let reason = format!("the header {name:?} {what} that HTTP does not allow");
                TransportErrorKind::Refused.error(reason)
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

    fn explain(
        &self,
        url: &Url,
        result: Result<Answer, ureq::Error>,
        state: RequestState,
    ) -> Result<Answer, TransportError> {
        let peer = || {
            let host = shown_host(url.host_str().unwrap_or("-"));
            format!("{host}:{}", url.port_or_known_default().unwrap_or(0))
        };
        match result {
            Ok(answer) if answer.status == 407 && state.proxied => {
                Err(error_text::refused_by_proxy("the proxy", &peer(), answer.status))
            }
            Ok(answer) => Ok(answer),
            Err(_) if self.is_closed() => Err(error_text::cancelled()),
            Err(error) => Err(if let Some(error) = state.error {
                error
            } else if state.late {
                error_text::late(state.stage, &peer(), self.connect_timeout, self.timeout)
            } else if let Some(error) = state.tls_error {
                error_text::tls(&peer(), &error, "http")
            } else if state.flooded {
                TransportErrorKind::Protocol.error(format!("{} sends an endless answer", peer()))
            } else {
                let may_want_tls = url.scheme() == "http" && state.stage == Stage::Head && !state.proxied;
                let error = error_text::of_ureq(state.stage, &peer(), &error);
                if may_want_tls { error_text::perhaps_tls(error) } else { error }
            }),
        }
    }
}

/// Whether messages to this URL go by SMTP.
fn is_mail(url: &Url) -> bool {
    matches!(url.scheme(), "smtp" | "smtps")
}

fn run(agent: &Agent, request: Request<&[u8]>) -> Result<Answer, ureq::Error> {
    let response = agent.run(request)?;
    request_state::enter(Stage::Body);
    answer::read(response)
}

/// Prepares the request for a second try on a new connection, if the first failed because a pooled one was
/// stale.
fn renew(state: &mut RequestState) -> bool {
    let at_once = state.sent.is_none_or(|sent| sent.elapsed() < AT_ONCE);
    let stale = state.pooled && state.received == 0 && at_once && !state.late && state.error.is_none();
    if stale {
        state.fresh_only = true;
        state.pooled = false;
        state.broken = false;
        state.tls_error = None;
        state.sent = None;
        state.stage = Stage::Resolve;
    }
    stale
}

fn total(mut phases: Phases, started: Instant) -> Phases {
    phases.total_us = request_state::micros_since(started).max(1);
    phases
}

fn without_credentials(url: &Url) -> Option<Uri> {
    let mut url = url.clone();
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.as_str().parse().ok()
}
