//! Opening a connection: resolve, vet, connect, ask the proxy for a tunnel, shake hands.

use super::errand::{Errands, Unfinished};
use super::exchange::{self, Stage};
use super::names::{Names, Unresolved};
use super::route::{Hop, Route};
use super::socket::Socket;
use super::tls::{self, Tls};
use super::tunnel::{self, NoTunnel};
use super::wire::{ByProxy, Wire};
use super::{Fault, FaultKind, Reach, sentence, vet};
use rustls::ClientConnection;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use ureq::http::uri::Scheme;
use ureq::unversioned::transport::{ConnectionDetails, Connector};

/// How long a connection to this machine may take before it is waited for on another thread. In
/// health it takes microseconds.
const PROMPT: Duration = Duration::from_millis(200);

/// How much longer than a connect's own limit its thread is waited for, so that it is seldom left
/// behind.
const GRACE: Duration = Duration::from_millis(20);

/// Opens the connections of one client.
pub(super) struct Dialer {
    /// Which receivers may be dialled.
    pub(super) reach: Reach,
    /// The way out.
    pub(super) route: Route,
    /// The names known.
    pub(super) names: Names,
    /// For what may hang.
    pub(super) errands: Arc<Errands>,
    /// Certificates.
    pub(super) tls: Tls,
    /// Whether the client was shut down.
    pub(super) closed: Arc<AtomicBool>,
    /// The limit for opening a connection.
    pub(super) open_limit: Duration,
    /// The limit for the whole exchange.
    pub(super) limit: Duration,
}

/// Who is dialled: the receiver, or the proxy before it. The host is without brackets.
#[derive(Clone, Copy)]
struct Peer<'a> {
    host: &'a str,
    port: u16,
    is_proxy: bool,
}

impl std::fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_proxy {
            f.write_str("the proxy ")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Hop {
    fn peer(&self) -> Peer<'_> {
        Peer { host: &self.host, port: self.port, is_proxy: true }
    }
}

/// The dialer as each agent of the client has it.
#[derive(Debug, Clone)]
pub(super) struct SharedDialer(pub(super) Arc<Dialer>);

impl Connector for SharedDialer {
    type Out = Wire;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Wire>, ureq::Error> {
        self.0.dial(details).map(Some).map_err(|fault| {
            exchange::with(|exchange| exchange.fault = Some(fault));
            ureq::Error::ConnectionFailed
        })
    }
}

/// ureq asks for it; what lies below says nothing that is worth its size.
impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Dialer {
    fn dial(&self, details: &ConnectionDetails) -> Result<Wire, Fault> {
        let secure = details.uri.scheme() == Some(&Scheme::HTTPS);
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = details.uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let target = Peer { host, port, is_proxy: false };
        self.vet_target(target)?;
        let hop = self.route.via(secure, target.host, target.port);
        let stream = match hop {
            None => self.open(target, self.reach)?,
            Some(hop) => self.open(self.vet_hop(target, hop)?, Reach::Configured)?,
        };
        let failed = |error: io::Error| sentence::unreachable(&target.to_string(), &error);
        let mut socket = Socket::new(stream, Arc::clone(&self.closed)).map_err(failed)?;
        (details.register_shutdown)(socket.shutdown_handle()).map_err(|_| sentence::cancelled())?;
        if let (Some(hop), true) = (hop, secure) {
            self.ask_for_tunnel(&mut socket, target, hop)?;
        }
        let tls = if secure { Some(self.shake_hands(&mut socket, target)?) } else { None };
        let by_proxy = hop.filter(|_| !secure).map(|hop| ByProxy {
            origin: format!("http://{target}"),
            header: hop
                .authorization
                .as_ref()
                .map_or_else(String::new, |value| format!("proxy-authorization: {}\r\n", value.expose())),
        });
        exchange::enter(Stage::Send);
        Ok(Wire::new(socket, tls, by_proxy))
    }

    /// Names that stand for cloud metadata are refused before anybody resolves them.
    fn vet_target(&self, target: Peer<'_>) -> Result<(), Fault> {
        if vet::is_metadata_name(target.host) {
            let reason = format!("{target} may not be dialled: it serves cloud metadata");
            return Err(Fault::new(FaultKind::Refused, reason));
        }
        Ok(())
    }

    /// Behind a proxy only a literal address can be vetted here, since the proxy resolves the name.
    fn vet_hop<'a>(&self, target: Peer<'_>, hop: &'a Hop) -> Result<Peer<'a>, Fault> {
        if self.reach == Reach::Public {
            let reason = format!(
                "{target} may not be dialled: it must be a public address, and behind a proxy that cannot be checked"
            );
            return Err(Fault::new(FaultKind::Refused, reason));
        }
        if let Ok(ip) = target.host.parse::<IpAddr>() {
            vet::vet(ip, self.reach).map_err(|why| refused(target, ip, why))?;
        }
        Ok(hop.peer())
    }

    fn open(&self, peer: Peer<'_>, reach: Reach) -> Result<TcpStream, Fault> {
        exchange::enter(Stage::Resolve);
        let start = Instant::now();
        let found =
            self.names.addresses(peer.host, self.until()).map_err(|why| self.unresolved(peer, why))?;
        let is_name = peer.host.parse::<IpAddr>().is_err();
        let mut forbidden = None;
        let mut allowed = Vec::with_capacity(found.len());
        for ip in found.iter().copied() {
            match vet::vet(ip, reach) {
                Ok(()) => allowed.push(SocketAddr::new(ip, peer.port)),
                Err(why) => forbidden = forbidden.or(Some((ip, why))),
            }
        }
        exchange::with(|exchange| {
            exchange.phases.resolve_us = if is_name { exchange::micros_since(start).max(1) } else { 0 };
            exchange.stage = Stage::Connect;
        });
        if let (true, Some((ip, why))) = (allowed.is_empty(), forbidden) {
            return Err(refused(peer, ip, why));
        }
        let start = Instant::now();
        let stream = self.connect_in_turn(peer, &allowed).inspect_err(|_| self.names.forget(peer.host))?;
        exchange::with(|exchange| exchange.phases.connect_us = exchange::micros_since(start).max(1));
        Ok(stream)
    }

    /// Tries the addresses in turn; each but the last gets half of the time that is left.
    fn connect_in_turn(&self, peer: Peer<'_>, addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for (n, address) in addresses.iter().enumerate() {
            let Ok(left) = exchange::time_left() else { return Err(self.late(peer)) };
            let budget = if n + 1 < addresses.len() { left / 2 } else { left };
            match self.connect(*address, budget.max(Duration::from_millis(1))) {
                Ok(stream) => return Ok(stream),
                Err(_) if self.closed.load(Ordering::Acquire) => return Err(sentence::cancelled()),
                Err(error) => last = error,
            }
        }
        if last.kind() == io::ErrorKind::TimedOut {
            return Err(self.late(peer));
        }
        Err(sentence::unreachable(&peer.to_string(), &last))
    }

    /// Opens one connection. A connect cannot be interrupted, so that one which may take long is made
    /// on another thread.
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
        match self.errands.run("taskbell-dial", until + GRACE, job) {
            Ok(done) => done,
            Err(Unfinished::Late) => Err(io::ErrorKind::TimedOut.into()),
            Err(Unfinished::Cancelled) => Err(io::ErrorKind::NotConnected.into()),
            // No thread to spare: then here, where its own limit ends it.
            Err(Unfinished::TooMany | Unfinished::Lost(_)) => TcpStream::connect_timeout(&address, left),
        }
    }

    fn ask_for_tunnel(&self, socket: &mut Socket, target: Peer<'_>, hop: &Hop) -> Result<(), Fault> {
        exchange::enter(Stage::Tunnel);
        let proxy = hop.peer();
        let authorization = hop.authorization.as_ref().map(|value| value.expose());
        tunnel::open(socket, &target.to_string(), authorization).map_err(|why| match why {
            NoTunnel::Io(error) => self.opening_failed(&proxy.to_string(), target, &error),
            NoTunnel::Status(status) => refused_by_proxy(&proxy.to_string(), &target.to_string(), status),
            NoTunnel::Nonsense => Fault::new(
                FaultKind::Connect,
                format!("{proxy} did not answer a request for a tunnel as a proxy does"),
            ),
        })
    }

    fn shake_hands(&self, socket: &mut Socket, target: Peer<'_>) -> Result<ClientConnection, Fault> {
        exchange::enter(Stage::Tls);
        let start = Instant::now();
        let mut connection = self.tls.begin(target.host)?;
        tls::shake_hands(&mut connection, socket)
            .map_err(|error| self.opening_failed(&target.to_string(), target, &error))?;
        exchange::with(|exchange| exchange.phases.tls_us = exchange::micros_since(start).max(1));
        Ok(connection)
    }

    /// Why a connection that was open already could not be made ready.
    fn opening_failed(&self, who: &str, target: Peer<'_>, error: &io::Error) -> Fault {
        if self.closed.load(Ordering::Acquire) {
            return sentence::cancelled();
        }
        if exchange::with(|exchange| exchange.late) == Some(true) {
            return self.late(target);
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => sentence::tls(who, inner),
            None => {
                let stage = exchange::with(|exchange| exchange.stage);
                let kind = if stage == Some(Stage::Tls) { FaultKind::Tls } else { FaultKind::Connect };
                let reason = sentence::broken(Stage::Tls, who, error).reason;
                Fault::new(kind, reason)
            }
        }
    }

    fn unresolved(&self, peer: Peer<'_>, why: Unresolved) -> Fault {
        let host = peer.host;
        let reason = match why {
            Unresolved::Unfinished(Unfinished::Cancelled) => return sentence::cancelled(),
            Unresolved::Unfinished(Unfinished::Late) => return self.late(peer),
            Unresolved::Unfinished(Unfinished::TooMany) => {
                format!("{host} is not looked up: the system has not answered the lookups before it")
            }
            Unresolved::Unfinished(Unfinished::Lost(error)) => {
                format!("{host} could not be looked up: {error}")
            }
            Unresolved::Failed(error) => format!("{host} could not be resolved: {error}"),
        };
        Fault::new(FaultKind::Resolve, reason)
    }

    fn late(&self, peer: Peer<'_>) -> Fault {
        let stage = exchange::with(|exchange| exchange.stage).unwrap_or(Stage::Connect);
        sentence::late(stage, &peer.to_string(), self.open_limit, self.limit)
    }

    fn until(&self) -> Instant {
        exchange::with(|exchange| exchange.open_deadline).unwrap_or_else(Instant::now)
    }
}

fn refused(peer: Peer<'_>, ip: IpAddr, why: &str) -> Fault {
    let reason = if peer.host.parse::<IpAddr>().is_ok() {
        format!("{peer} may not be dialled: {why}")
    } else {
        format!("{peer} may not be dialled: it resolves to {ip}, and {why}")
    };
    Fault::new(FaultKind::Refused, reason)
}

/// The proxy itself refused.
pub(super) fn refused_by_proxy(proxy: &str, target: &str, status: u16) -> Fault {
    let hint = if status == 407 { "; put user and password into the proxy's URL" } else { "" };
    let reason = format!("{proxy} answered {status} instead of passing on to {target}{hint}");
    Fault::new(FaultKind::Connect, reason)
}
