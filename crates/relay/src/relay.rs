//! A relay from its start to its end: it listens, stands by until it leads, and closes when it is asked to.

use crate::connections::{Front, RelayRole, accept};
use crate::leadership::LeaderLock;
use crate::log::{LogSink, RelayLog};
use crate::read_post::ReadBudget;
use crate::reload::{ReloadSignal, reload};
use crate::tls::acceptor;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::config::{Config, FarmSettings, RelaySettings};
use taskbell_core::engine::{Bell, Level, RelayBounds};
use taskbell_core::spool::SpoolPath;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

/// Between two attempts to lead.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the last answers may take to leave.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Why a relay cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayError {
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub next: &'static str,
}

impl RelayError {
    fn new(what: impl Into<String>, next: &'static str) -> RelayError {
        RelayError { what: what.into(), next }
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.next)
    }
}

impl std::error::Error for RelayError {}

/// A relay that listens and does not lead yet.
pub struct RelayServer {
    config: Config,
    settings: RelaySettings,
    spool: PathBuf,
    socket: TcpListener,
    address: SocketAddr,
    front: Arc<Front>,
    log: RelayLog,
}

impl RelayServer {
    /// Listens as the configuration says. Lines of the log go to `sink`, from any thread.
    ///
    /// # Errors
    /// The configuration is not that of a relay, or the address cannot be listened on.
    pub fn open(config: Config, sink: LogSink) -> Result<RelayServer, RelayError> {
        let Some(FarmSettings::Relay(settings)) = config.farm.clone() else {
            let what = "this configuration is not that of a relay";
            return Err(RelayError::new(what, "write `[farm] listen` and `secrets`; docs/farm.md shows how"));
        };
        if settings.store.is_some() {
            let what = "this version keeps what a farm shares in the database of `[spool]` only";
            return Err(RelayError::new(what, "leave `farm.store` out"));
        }
        let SpoolPath::File(spool) = config.spool.path.clone() else {
            let what = "a relay with its spool in memory would lose what it answered for";
            return Err(RelayError::new(what, "set `[spool] path` to a file"));
        };
        let bad_tls = |what| RelayError::new(what, "correct the two files");
        let tls = settings.tls.as_ref().map(|(chain, key)| acceptor(chain, key.expose().as_bytes()));
        let tls = tls.transpose().map_err(bad_tls)?;
        let cannot = |error: io::Error| cannot_listen(settings.listen, &error);
        let socket = TcpListener::bind(settings.listen).map_err(cannot)?;
        socket.set_nonblocking(true).map_err(cannot)?;
        let address = socket.local_addr().map_err(cannot)?;
        let log = RelayLog::new(sink);
        let budget = ReadBudget::new(settings.max_waiting);
        let front = Front::new(Arc::clone(&settings.verifier), tls, budget, log.clone());
        Ok(RelayServer { config, settings, spool, socket, address, front: Arc::new(front), log })
    }

    /// The URL of the relay, as a node's `relays` has it.
    pub fn url(&self) -> String {
        let scheme = if self.settings.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Runs until the system asks the process to end (SIGTERM, SIGINT), and then closes within `limit`. Returns how many
    /// deliveries are left for the next start.
    ///
    /// # Errors
    /// The spool cannot be opened, or the system has no thread.
    pub fn run(self, limit: Duration) -> Result<u64, RelayError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime: Runtime = runtime
            .map_err(|error| RelayError::new(format!("the relay cannot start: {error}"), "try again"))?;
        runtime.block_on(self.lead(limit))
    }

    async fn lead(self, limit: Duration) -> Result<u64, RelayError> {
        let RelayServer { config, settings, spool, socket, front, log, .. } = self;
        let no_signals =
            |error| RelayError::new(format!("the relay cannot wait for signals: {error}"), "try again");
        let mut end = EndSignal::watch().map_err(no_signals)?;
        let mut asked_again = ReloadSignal::watch().map_err(no_signals)?;
        let file = config.file.clone();
        let listener = tokio::net::TcpListener::from_std(socket)
            .map_err(|error| RelayError::new(format!("the relay cannot listen: {error}"), "try again"))?;
        tokio::spawn(accept(listener, Arc::clone(&front)));
        let lock = tokio::select! {
            lock = await_lead(&spool, &log) => lock?,
            () = end.wait() => return Ok(0),
        };
        let bounds = RelayBounds { node_lost: settings.node_lost, max_waiting: settings.max_waiting };
        let open = move || Bell::open_relay(Arc::new(config), bounds);
        let opened = tokio::task::spawn_blocking(open).await;
        let bell = match opened {
            Ok(Ok(bell)) => Arc::new(bell),
            Ok(Err(error)) => {
                return Err(RelayError::new(
                    error.message,
                    "correct what the message names, and start it again",
                ));
            }
            Err(_) => return Err(RelayError::new("a defect of Taskbell occurred", "please report it")),
        };
        let sink = log.clone();
        if let Err(error) = bell.set_log(Some(Box::new(move |level, text| sink.write(level, text)))) {
            log.write(Level::Warn, &format!("the log of the spool cannot be shown: {error}"));
        }
        front.set_role(RelayRole::Leads(Arc::clone(&bell)));
        log.write(Level::Info, "this relay leads");
        loop {
            tokio::select! {
                () = asked_again.wait() => reload(&bell, file.as_deref(), &log).await,
                () = end.wait() => break,
            }
        }
        log.write(Level::Info, "this relay ends");
        front.set_role(RelayRole::Closes);
        let left = tokio::task::spawn_blocking(move || bell.close(limit)).await;
        let deadline = Instant::now() + LAST_ANSWERS;
        while front.open() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
        drop(lock);
        Ok(left.ok().and_then(Result::ok).unwrap_or(0))
    }
}

/// Waits until no other relay leads.
async fn await_lead(spool: &std::path::Path, log: &RelayLog) -> Result<LeaderLock, RelayError> {
    let mut is_news = true;
    loop {
        let taken = LeaderLock::take(spool);
        let taken = taken.map_err(|error| {
            RelayError::new(
                format!("the lock of the leader cannot be taken: {error}"),
                "correct `[spool] path`",
            )
        })?;
        if let Some(lock) = taken {
            return Ok(lock);
        }
        if std::mem::take(&mut is_news) {
            log.write(Level::Info, "another relay leads on this spool; this one is on standby");
        }
        sleep(LOOK_EVERY).await;
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> RelayError {
    let next = match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port; set another one in `farm.listen`",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are reserved for the system; choose a higher one"
        }
        _ => "check `farm.listen`",
    };
    RelayError::new(format!("cannot listen on {address}: {error}"), next)
}

/// What asks a process to end.
#[cfg(unix)]
struct EndSignal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl EndSignal {
    fn watch() -> io::Result<EndSignal> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(EndSignal {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What asks a process to end.
#[cfg(not(unix))]
struct EndSignal;

#[cfg(not(unix))]
impl EndSignal {
    fn watch() -> io::Result<EndSignal> {
        Ok(EndSignal)
    }

    async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
