//! The client of one endpoint.

use super::blocking_task::BlockingTasks;
use super::connection::HttpConnection;
use super::connection_limit::ConnectionSlot;
use super::dial::Dialer;
use super::dns::{DnsCache, LookupFn, system_lookup};
use super::error::{TransportError, TransportErrorKind};
use super::odd_answer::OddAnswers;
use super::pool::{ConnectionPool, LentConnection};
use super::request_head::{self, HeaderLine, LastHead, Written};
use super::request_state::{self, Phases, RequestState, Stage};
use super::route::Route;
use super::tls::TlsSetup;
use super::vet::Reach;
use super::{error_text, smtp};
use crate::endpoint::{Endpoint, Proxy};
use crate::platform::{Answer, Envelope};
use crate::secret::shown_host;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use url::Url;

/// How long an unused connection is kept. Receivers close theirs after 5 to 75 seconds; a closed one is
/// noticed before it is used.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// How soon a request must fail for its connection to count as stale.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The connections to one endpoint. Shared by the threads of its lane.
pub struct Client {
    pool: ConnectionPool,
    odd_answers: OddAnswers,
    last_head: Mutex<LastHead>,
    tasks: Arc<BlockingTasks>,
    closed: Arc<AtomicBool>,
    timeout: Duration,
    connect_timeout: Duration,
    dialer: Dialer,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
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
            open: Mutex::default(),
            plain_scheme: if is_mail { "smtp" } else { "http" },
            open_limit: connect_timeout,
            limit: timeout,
        };
        let pool = ConnectionPool::new(MAX_IDLE);
        let (odd_answers, last_head) = (OddAnswers::default(), Mutex::default());
        Ok(Client { pool, odd_answers, last_head, tasks, closed, timeout, connect_timeout, dialer })
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
        headers: &[HeaderLine<'_>],
        body: &[u8],
    ) -> (Result<Answer, TransportError>, Phases) {
        // Not a part of the attempt's time: it waits for others, not for the receiver.
        let mut lent = self.pool.lend(|| self.is_closed());
        let started = Instant::now();
        let room = lent.as_mut().map(|lent| std::mem::take(&mut lent.room)).unwrap_or_default();
        let request = request_head::write(method, url, headers, body, &self.last_head, room);
        let (mut lent, request) = match (lent.filter(|_| !self.is_closed()), request) {
            (Some(lent), Ok(request)) => (lent, request),
            (None, _) => return (Err(error_text::cancelled()), total(Phases::default(), started)),
            (_, Err(error)) => return (Err(error), total(Phases::default(), started)),
        };
        request_state::begin(started, self.timeout, self.connect_timeout);
        let mut result = self.exchange(url, &request, &mut lent);
        if let Err(ureq::Error::Io(_)) = &result
            && request_state::with(renew) == Some(true)
            && !self.is_closed()
        {
            result = self.exchange(url, &request, &mut lent);
        }
        lent.room = request.first;
        self.pool.give_back(lent);
        match request_state::end() {
            Some(state) => {
                let phases = total(state.phases, started);
                (self.explain(url, result, state), phases)
            }
            None => (Err(error_text::cancelled()), total(Phases::default(), started)),
        }
    }

    /// One request and its answer, on the lent connection or on a new one, which is kept when it can be used again.
    fn exchange(
        &self,
        url: &Url,
        request: &Written<'_>,
        lent: &mut LentConnection,
    ) -> Result<Answer, ureq::Error> {
        let kept = lent.connection.take().filter(|kept| kept.leads_to(url)).and_then(HttpConnection::renewed);
        let mut connection = match kept {
            Some(kept) => {
                request_state::with(|state| state.pooled = true);
                kept
            }
            None => Box::new(self.dialer.dial(url).map_err(|error| {
                request_state::with(|state| state.error = Some(error));
                ureq::Error::ConnectionFailed
            })?),
        };
        connection.send(request)?;
        if let Some(answer) = connection.plain_answer() {
            lent.connection = Some(connection).filter(|connection| connection.is_consumed());
            return Ok(answer);
        }
        let (answer, connection) = self.odd_answers.read(connection);
        lent.connection = connection;
        answer
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
        request_state::begin(started, self.timeout, self.connect_timeout);
        let result = smtp::deliver(&self.dialer, url, envelope, message);
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
        self.dialer.shutdown();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
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

/// Prepares the request for a second try on a new connection, if the first failed because a pooled one was
/// stale.
fn renew(state: &mut RequestState) -> bool {
    let at_once = state.sent.is_none_or(|sent| sent.elapsed() < AT_ONCE);
    let stale = state.pooled && state.received == 0 && at_once && !state.late && state.error.is_none();
    if stale {
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
