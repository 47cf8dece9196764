//! Opening a connection: resolve, vet, connect, ask the proxy for a tunnel, shake hands.

use super::blocking_task::{BlockingTasks, Unfinished};
use super::connection::{ByProxy, HttpConnection};
#[cfg(unix)]
use super::connection_limit;
use super::dns::{DnsCache, DnsError};
use super::error::{TransportError, TransportErrorKind};
use super::error_text;
use super::request_state::{self, Stage};
use super::route::{HttpProxy, Route};
use super::socket::Socket;
use super::tls::{self, TlsSetup};
use super::tunnel::{self, NoTunnel};
use super::vet::{self, Reach};
use crate::secret::{Secret, shown_host};
use rustls::ClientConnection;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use ureq::unversioned::transport::ShutdownHandle;
use url::Url;

/// How long a connection to this machine may take before it is opened on another thread; usually it takes
/// microseconds.
const PROMPT: Duration = Duration::from_millis(200);

/// How much longer than a connect's own limit its thread is awaited, so that it is seldom abandoned.
const GRACE: Duration = Duration::from_millis(20);

/// Opens the connections of one client.
pub(super) struct Dialer {
    pub(super) reach: Reach,
    pub(super) route: Route,
    pub(super) dns: DnsCache,
    pub(super) tasks: Arc<BlockingTasks>,
    pub(super) tls: TlsSetup,
    pub(super) closed: Arc<AtomicBool>,
    /// The connections that are open, for the shutdown.
    pub(super) open: Mutex<Vec<Weak<dyn ShutdownHandle>>>,
    /// The scheme of a URL without TLS, for what an error advises.
    pub(super) plain_scheme: &'static str,
    /// The limit for opening a connection.
    pub(super) open_limit: Duration,
    /// The limit for the whole request.
    pub(super) limit: Duration,
}

/// The receiver, or the proxy before it. The host is without brackets.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) is_proxy: bool,
}

impl std::fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_proxy {
            f.write_str("the proxy ")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", shown_host(self.host), self.port)
        }
    }
}

impl HttpProxy {
    fn peer(&self) -> Peer<'_> {
        Peer { host: &self.host, port: self.port, is_proxy: true }
    }
}

impl Dialer {
    /// Opens the connection for a request to this URL.
    pub(super) fn dial(&self, url: &Url) -> Result<HttpConnection, TransportError> {
        let secure = url.scheme() == "https";
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or_default();
        let target = Peer { host, port, is_proxy: false };
        let (mut socket, proxy) = self.connection_to(target, secure)?;
        self.note_open(&socket)?;
        if let (Some(proxy), true) = (proxy, secure) {
            self.ask_for_tunnel(&mut socket, target, proxy)?;
        }
        let tls = if secure { Some(self.shake_hands(&mut socket, target)?) } else { None };
        let by_proxy =
            proxy.filter(|_| !secure).map(|proxy| ByProxy {
                origin: format!("http://{target}"),
                header: Secret::new(proxy.authorization.as_ref().map_or_else(String::new, |value| {
                    format!("proxy-authorization: {}\r\n", value.expose())
                })),
            });
        Ok(HttpConnection::new(socket, tls, by_proxy).leading_to(url))
    }

    /// Opens the connection for a message by SMTP, through the tunnel of a proxy where one is set.
    pub(super) fn dial_mail(&self, target: Peer<'_>) -> Result<Socket, TransportError> {
        let (mut socket, proxy) = self.connection_to(target, true)?;
        self.note_open(&socket)?;
        if let Some(proxy) = proxy {
            self.ask_for_tunnel(&mut socket, target, proxy)?;
        }
        Ok(socket)
    }

    /// From now on the shutdown breaks it.
    fn note_open(&self, socket: &Socket) -> Result<(), TransportError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|handle| handle.strong_count() > 0);
        open.push(socket.shutdown_handle());
        drop(open);
        if self.closed.load(Ordering::Acquire) { Err(error_text::cancelled()) } else { Ok(()) }
    }

    /// Breaks every connection, idle or in use.
    pub(super) fn shutdown(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        open.iter().filter_map(Weak::upgrade).for_each(|handle| handle.shutdown());
    }

    /// A connection to a vetted address of the receiver, or to the proxy before it.
    fn connection_to(
        &self,
        target: Peer<'_>,
        secure: bool,
    ) -> Result<(Socket, Option<&HttpProxy>), TransportError> {
        self.vet_target(target)?;
        let proxy = self.route.via(secure, target.host, target.port)?;
        let stream = match proxy {
            None => self.open(target, self.reach)?,
            Some(proxy) => self.open(self.vet_behind_proxy(target, proxy)?, Reach::Configured)?,
        };
        leave_descriptors(&stream, target)?;
        let failed = |error: io::Error| error_text::unreachable(&target.to_string(), &error);
        Ok((Socket::new(stream, Arc::clone(&self.closed)).map_err(failed)?, proxy))
    }

    /// The names of cloud metadata services are refused before they are resolved.
    fn vet_target(&self, target: Peer<'_>) -> Result<(), TransportError> {
        if vet::is_metadata_name(target.host) {
            let reason = format!("{target} is refused: it serves cloud metadata");
            return Err(TransportErrorKind::Refused.error(reason));
        }
        Ok(())
    }

    /// Behind a proxy only a literal address can be vetted, since the proxy resolves the name.
    fn vet_behind_proxy<'a>(
        &self,
        target: Peer<'_>,
        proxy: &'a HttpProxy,
    ) -> Result<Peer<'a>, TransportError> {
        if self.reach == Reach::Public {
            let reason = format!(
                "{target} is refused: it must be a public address, which cannot be checked behind a proxy"
            );
            return Err(TransportErrorKind::Refused.error(reason));
        }
        if let Ok(ip) = target.host.parse::<IpAddr>() {
            vet::vet(ip, self.reach).map_err(|why| refused(target, ip, why))?;
        }
        Ok(proxy.peer())
    }

    fn open(&self, peer: Peer<'_>, reach: Reach) -> Result<TcpStream, TransportError> {
        request_state::enter(Stage::Resolve);
        let start = Instant::now();
        let found = self.dns.addresses(peer.host, self.until()).map_err(|why| self.unresolved(peer, why))?;
        let is_name = peer.host.parse::<IpAddr>().is_err();
        let mut forbidden = None;
        let mut allowed = Vec::with_capacity(found.len());
        for ip in found.iter().copied() {
            match vet::vet(ip, reach) {
                Ok(()) => allowed.push(SocketAddr::new(ip, peer.port)),
                Err(why) => forbidden = forbidden.or(Some((ip, why))),
            }
        }
        request_state::with(|state| {
            state.phases.resolve_us = if is_name { request_state::micros_since(start).max(1) } else { 0 };
            state.stage = Stage::Connect;
        });
        if let (true, Some((ip, why))) = (allowed.is_empty(), forbidden) {
            return Err(refused(peer, ip, why));
        }
        let start = Instant::now();
        let stream = self.connect_in_turn(peer, &allowed).inspect_err(|_| self.dns.forget(peer.host))?;
        request_state::with(|state| state.phases.connect_us = request_state::micros_since(start).max(1));
        Ok(stream)
    }

    /// Tries the addresses in turn; each but the last gets half of the time that is left.
    fn connect_in_turn(&self, peer: Peer<'_>, addresses: &[SocketAddr]) -> Result<TcpStream, TransportError> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for (n, address) in addresses.iter().enumerate() {
            let Ok(left) = request_state::time_left() else { return Err(self.late(peer)) };
            let budget = if n + 1 < addresses.len() { left / 2 } else { left };
            match self.connect(*address, budget.max(Duration::from_millis(1))) {
                Ok(stream) => return Ok(stream),
                Err(_) if self.closed.load(Ordering::Acquire) => return Err(error_text::cancelled()),
                Err(error) => last = error,
            }
        }
        if last.kind() == io::ErrorKind::TimedOut {
            return Err(self.late(peer));
        }
        Err(error_text::unreachable(&peer.to_string(), &last))
    }

    /// Opens one connection. A connect cannot be interrupted, so one that may take long runs on another thread.
    fn connect(&self, address: SocketAddr, budget: Duration) -> io::Result<TcpStream> {
        let until = Instant::now() + budget;
        if address.ip().is_loopback() {
            match TcpStream::connect_timeout(&address, budget.min(PROMPT)) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut && budget > PROMPT => {}
                done => return done,
            }
        }
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let job = move || TcpStream::connect_timeout(&address, left);
        match self.tasks.run("taskbell-dial", until + GRACE, job) {
            Ok(done) => done,
            Err(Unfinished::Late) => Err(io::ErrorKind::TimedOut.into()),
            Err(Unfinished::Cancelled) => Err(io::ErrorKind::NotConnected.into()),
            // Without another thread it runs here, where its own limit ends it.
            Err(Unfinished::TooMany | Unfinished::Lost(_)) => TcpStream::connect_timeout(&address, left),
        }
    }

    fn ask_for_tunnel(
        &self,
        socket: &mut Socket,
        target: Peer<'_>,
        proxy: &HttpProxy,
    ) -> Result<(), TransportError> {
        request_state::enter(Stage::Tunnel);
        let authorization = proxy.authorization.as_ref().map(|value| value.expose());
        let proxy = proxy.peer();
        tunnel::open(socket, &target.to_string(), authorization).map_err(|why| match why {
            NoTunnel::Io(error) => self.opening_failed(&proxy.to_string(), target, &error),
            NoTunnel::Status(status) => {
                error_text::refused_by_proxy(&proxy.to_string(), &target.to_string(), status)
            }
            NoTunnel::NotHttp => TransportErrorKind::Connect
                .error(format!("the answer of {proxy} to the request for a tunnel is not HTTP")),
        })
    }

    pub(super) fn shake_hands(
        &self,
        socket: &mut Socket,
        target: Peer<'_>,
    ) -> Result<ClientConnection, TransportError> {
        request_state::enter(Stage::Tls);
        let start = Instant::now();
        let mut connection = self.tls.begin(target.host)?;
        tls::shake_hands(&mut connection, socket)
            .map_err(|error| self.opening_failed(&target.to_string(), target, &error))?;
        request_state::with(|state| state.phases.tls_us = request_state::micros_since(start).max(1));
        Ok(connection)
    }

    /// Why an open connection could not be prepared for the request.
    fn opening_failed(&self, who: &str, target: Peer<'_>, error: &io::Error) -> TransportError {
        if self.closed.load(Ordering::Acquire) {
            return error_text::cancelled();
        }
        if request_state::with(|state| state.late) == Some(true) {
            return self.late(target);
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => error_text::tls(who, inner, self.plain_scheme),
            None => {
                let stage = request_state::with(|state| state.stage);
                let kind = if stage == Some(Stage::Tls) {
                    TransportErrorKind::Tls
                } else {
                    TransportErrorKind::Connect
                };
                let reason = error_text::broken(Stage::Tls, who, error).reason;
                kind.error(reason)
            }
        }
    }

    fn unresolved(&self, peer: Peer<'_>, why: DnsError) -> TransportError {
        let host = shown_host(peer.host);
        let reason = match why {
            DnsError::Unfinished(Unfinished::Cancelled) => return error_text::cancelled(),
            DnsError::Unfinished(Unfinished::Late) => return self.late(peer),
            DnsError::Unfinished(Unfinished::TooMany) => {
                format!("{host} is not looked up: the system has not answered the earlier lookups")
            }
            DnsError::Unfinished(Unfinished::Lost(error)) => {
                format!("{host} could not be looked up: {error}")
            }
            DnsError::Failed(error) => format!("{host} could not be resolved: {error}"),
        };
        TransportErrorKind::Resolve.error(reason)
    }

    fn late(&self, peer: Peer<'_>) -> TransportError {
        let stage = request_state::with(|state| state.stage).unwrap_or(Stage::Connect);
        error_text::late(stage, &peer.to_string(), self.open_limit, self.limit)
    }

    fn until(&self) -> Instant {
        request_state::with(|state| state.open_deadline).unwrap_or_else(Instant::now)
    }
}

/// Refuses a connection whose descriptor is among the last of the process: those are the host's.
#[cfg(unix)]
fn leave_descriptors(stream: &TcpStream, target: Peer<'_>) -> Result<(), TransportError> {
    use std::os::fd::AsRawFd;
    if u64::try_from(stream.as_raw_fd()).is_ok_and(connection_limit::is_too_high) {
        let reason = format!(
            "no connection to {target} is opened: this process has nearly used up its file descriptors; \
             raise `ulimit -n`"
        );
        return Err(TransportErrorKind::Connect.error(reason));
    }
    Ok(())
}

#[cfg(not(unix))]
fn leave_descriptors(_: &TcpStream, _: Peer<'_>) -> Result<(), TransportError> {
    Ok(())
}

fn refused(peer: Peer<'_>, ip: IpAddr, why: &str) -> TransportError {
    let reason = if peer.host.parse::<IpAddr>().is_ok() {
        format!("{peer} is refused: {why}")
    } else {
        format!("{peer} is refused: it resolves to {ip}, and {why}")
    };
    TransportErrorKind::Refused.error(reason)
}
