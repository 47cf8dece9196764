//! A relay from its start to its end: it listens, stands by until it leads, and closes when it is asked to.

use crate::candidate::{Candidate, Lead};
use crate::connections::{Front, Leading, RelayRole, accept};
use crate::log::{LogSink, RelayLog};
use crate::open_bell::open_bell;
use crate::postgres::{Lost, StoreAccess};
use crate::read_post::ReadBudget;
use crate::relay_error::RelayError;
use crate::reload::{ReloadSignal, reload};
use crate::tls::acceptor;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskbell_core::config::{Config, FarmSettings, RelaySettings};
use taskbell_core::engine::{Level, RelayBounds};
use taskbell_core::spool::SpoolPath;
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Between two attempts to open the store of a database that went away meanwhile.
const OPEN_AGAIN: Duration = Duration::from_secs(1);

/// How long the last answers may take to leave.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// A relay that listens and does not lead yet.
pub struct RelayServer {
    config: Arc<Config>,
    settings: RelaySettings,
    candidate: Candidate,
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
        let candidate = match (StoreAccess::read(&config, &settings), &config.spool.path) {
            (Some(access), _) => {
                Candidate::Database(access.map_err(|fault| RelayError::of_database(&fault))?)
            }
            (None, SpoolPath::File(spool)) => Candidate::Spool(spool.clone()),
            (None, SpoolPath::Memory) => {
                let what = "a relay with its spool in memory would lose what it answered for";
                return Err(RelayError::new(what, "set `[spool] path` to a file"));
            }
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
        let (config, front) = (Arc::new(config), Arc::new(front));
        Ok(RelayServer { config, settings, candidate, socket, address, front, log })
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
        let left = runtime.block_on(self.lead(limit));
        // A request that a database does not answer is not waited for.
        runtime.shutdown_background();
        left
    }

    async fn lead(self, limit: Duration) -> Result<u64, RelayError> {
        let RelayServer { config, settings, candidate, socket, front, log, .. } = self;
        let no_signals =
            |error| RelayError::new(format!("the relay cannot wait for signals: {error}"), "try again");
        let mut end = EndSignal::watch().map_err(no_signals)?;
        let mut asked_again = ReloadSignal::watch().map_err(no_signals)?;
        let (file, known_for) = (config.file.clone(), config.spool.retain);
        let listener = tokio::net::TcpListener::from_std(socket)
            .map_err(|error| RelayError::new(format!("the relay cannot listen: {error}"), "try again"))?;
        tokio::spawn(accept(listener, Arc::clone(&front)));
        let bounds = RelayBounds { node_lost: settings.node_lost, max_waiting: settings.max_waiting };
        // Who leads once more goes on with what the file said then.
        let mut is_read_again = false;
        loop {
            let mut lead = tokio::select! {
                lead = candidate.lead(&log) => lead?,
                () = end.wait() => return Ok(0),
            };
            let Some(bell) = open_bell(&candidate, &lead, &config, bounds, &log).await? else {
                drop_apart(lead).await;
                sleep(OPEN_AGAIN).await;
                continue;
            };
            lead.watch_work(&bell);
            let (trust, timeline) = (lead.trust(), lead.timeline());
            if let Some(lacks) = timeline.as_ref().map(|timeline| timeline.lacks(Instant::now()))
                && !lacks.is_zero()
            {
                log.write(Level::Warn, &lacking(lacks));
            }
            front.set_role(RelayRole::Leads(Leading { bell: Arc::clone(&bell), trust, timeline, known_for }));
            log.write(Level::Info, "this relay leads");
            if is_read_again {
                reload(&bell, file.as_deref(), &log).await;
            }
            let lost = loop {
                tokio::select! {
                    () = asked_again.wait() => {
                        is_read_again = true;
                        reload(&bell, file.as_deref(), &log).await;
                    }
                    () = end.wait() => break None,
                    lost = lead.lost() => break Some(lost),
                }
            };
            front.set_role(if lost.is_some() { RelayRole::StandsBy } else { RelayRole::Closes });
            if lost.is_none() {
                log.write(Level::Info, "this relay ends");
            }
            // Whoever lost the lead sends nothing more, and what it writes is refused.
            let limit = if lost.is_some() { Duration::ZERO } else { limit };
            let left = spawn_blocking(move || bell.close(limit)).await;
            front.let_answers_leave(LAST_ANSWERS).await;
            drop_apart(lead).await;
            match lost {
                None => return Ok(left.ok().and_then(Result::ok).unwrap_or(0)),
                Some(Lost::Deposed) => {}
                Some(Lost::Unfit(fault)) => return Err(RelayError::of_database(&fault)),
            }
        }
    }
}

/// The thread of a lease ends within an answer of the database, which nobody else is to wait for.
async fn drop_apart(lead: Lead) {
    let _ = spawn_blocking(move || drop(lead)).await;
}

fn lacking(lacks: Duration) -> String {
    format!(
        "the database took the place of another one, or was restored: it may lack what was written within {} s, and nodes post \
         that again",
        lacks.as_secs()
    )
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
