//! A connection to PostgreSQL with a deadline around everything. Nothing else notices a server that is stopped: its kernel
//! still acknowledges, so neither keepalives nor a timeout of TCP end a call, and `statement_timeout` is the stopped
//! server's own. A connection whose deadline has passed is thrown away.

use super::fault::DatabaseFault;
use super::tls::Connector;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Statement};

/// The oldest version that has all that is used; as `server_version_num`.
const OLDEST: i32 = 130_000;

/// Between two looks at whether a connection lasts.
const WATCH_EVERY: Duration = Duration::from_millis(20);

/// What a session waits at most on the server's side; so that what a relay leaves open there ends without it. A plan that
/// was made while a table was small is not kept: it would read all of it when it is large.
const SETTINGS: &str = "SET statement_timeout = '20s'; SET lock_timeout = '8s'; \
    SET idle_in_transaction_session_timeout = '5s'; SET TIME ZONE 'UTC'; SET plan_cache_mode = 'force_custom_plan'";

const SERVER: &str = "SELECT current_setting('server_version_num')::int, current_setting('server_version')";

/// The cluster, and the timeline that it writes; nothing of a replica.
const TIMELINE: &str = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN \
    c.system_identifier::text || '/' || ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0') END FROM pg_control_system() c";

/// A connection, with the statements that were prepared on it.
pub struct DatabaseSession {
    client: Client,
    statements: RefCell<HashMap<&'static str, Statement>>,
    timeline: Option<String>,
}

impl DatabaseSession {
    /// The history of the server that this is a session of: a replica that takes the place of its server begins another
    /// one, and so does a cluster that is restored.
    ///
    /// # Errors
    /// `Away` for a replica: it only reads until it takes the place of its server.
    pub fn timeline(&self) -> Result<&str, DatabaseFault> {
        let is_replica = || DatabaseFault::Away("this server is a replica, which only reads".to_owned());
        self.timeline.as_deref().ok_or_else(is_replica)
    }

    /// The statement, prepared when it is first asked for.
    ///
    /// # Errors
    /// When the server refuses it, or is away.
    pub async fn prepared(&self, sql: &'static str) -> Result<Statement, DatabaseFault> {
        let known = self.statements.borrow().get(sql).cloned();
        match known {
            Some(statement) => Ok(statement),
            None => {
                let statement = self.client.prepare(sql).await?;
                self.statements.borrow_mut().insert(sql, statement.clone());
                Ok(statement)
            }
        }
    }
}

impl Deref for DatabaseSession {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for DatabaseSession {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// One connection, made when it is needed and again after each fault of it. Used by one thread.
pub struct Database {
    config: Config,
    name: String,
    tls: Connector,
    limit: Duration,
    runtime: Runtime,
    session: Option<DatabaseSession>,
    // Whether the last call made its connection.
    is_new: bool,
    // What was read and written so far is of this history.
    timeline: Option<String>,
}

impl Database {
    /// Opens no connection. Each connect and each call of [`Database::run`] takes `limit` at most.
    ///
    /// # Errors
    /// `BadUrl`; `Away` when the system gives no sockets.
    pub fn new(url: &str, tls: Connector, limit: Duration) -> Result<Database, DatabaseFault> {
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // The error of the parser names what it met, which may be a password.
            let cause = std::error::Error::source(&error).map(|_| "a part of it has a wrong form");
            DatabaseFault::BadUrl(cause.unwrap_or("it has a wrong form").to_owned())
        })?;
        if config.get_dbname().is_none() {
            return Err(DatabaseFault::BadUrl("it names no database".to_owned()));
        }
        let plain =
            config.get_hosts().iter().all(is_near) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        if !plain {
            // The default falls back to plain text.
            config.ssl_mode(SslMode::Require);
        }
        if config.get_hosts().len().max(config.get_hostaddrs().len()) > 1 {
            // Whichever of them takes writes at present.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config.connect_timeout(of_each_server(&config, limit));
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| DatabaseFault::Away(error.to_string()))?;
        let name = name_of(&config);
        Ok(Database { config, name, tls, limit, runtime, session: None, is_new: false, timeline: None })
    }

    /// Server, port and database, as people know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes a connection, if there is none, and runs the work on it. After a fault of the connection there is none.
    ///
    /// # Errors
    /// What the work says; `Silent`, `Away` and `Unfit` of a connection.
    pub fn run<T>(
        &mut self,
        what: &'static str,
        work: impl AsyncFnOnce(&mut DatabaseSession) -> Result<T, DatabaseFault>,
    ) -> Result<T, DatabaseFault> {
        let kept = self.session.take().filter(|session| !session.is_closed());
        self.is_new = kept.is_none();
        let used = match kept {
            Some(session) => session,
            None => {
                let Database { config, tls, limit, runtime, .. } = self;
                let made = runtime.block_on(within(*limit, "connect", connect(config, tls)))?;
                if let Some(followed) = &self.timeline
                    && followed != made.timeline()?
                {
                    return Err(DatabaseFault::Replaced);
                }
                made
            }
        };
        self.use_session(used, what, work)
    }

    /// Runs the work on the connection of the last call, for what began on it.
    ///
    /// # Errors
    /// As those of [`Database::run`]; `Away` when that connection is gone.
    pub fn go_on<T>(
        &mut self,
        what: &'static str,
        work: impl AsyncFnOnce(&mut DatabaseSession) -> Result<T, DatabaseFault>,
    ) -> Result<T, DatabaseFault> {
        self.is_new = false;
        match self.session.take().filter(|session| !session.is_closed()) {
            Some(session) => self.use_session(session, what, work),
            None => Err(DatabaseFault::Away(format!("the connection ended in the middle of a {what}"))),
        }
    }

    /// Throws the connection away.
    pub fn forget(&mut self) {
        self.session = None;
    }

    fn use_session<T>(
        &mut self,
        mut session: DatabaseSession,
        what: &'static str,
        work: impl AsyncFnOnce(&mut DatabaseSession) -> Result<T, DatabaseFault>,
    ) -> Result<T, DatabaseFault> {
        let done = self.runtime.block_on(within(self.limit, what, work(&mut session)));
        if !matches!(done, Err(DatabaseFault::Silent(..) | DatabaseFault::Away(_))) {
            self.session = Some(session);
        }
        done
    }

    /// From now on only servers with this history will do, as a caller's own knowledge is of it. Any will do without one.
    pub fn follow(&mut self, timeline: Option<String>) {
        self.timeline = timeline;
    }

    /// From now on each connect and each call takes this long at most.
    pub fn set_limit(&mut self, limit: Duration) {
        self.config.connect_timeout(of_each_server(&self.config, limit));
        self.limit = limit;
    }

    /// Waits this long, or until `is_over` says so, or the connection has ended. Whether it lasts.
    pub fn watch(&self, time: Duration, is_over: impl Fn() -> bool) -> bool {
        let Some(session) = &self.session else { return false };
        self.runtime.block_on(async {
            let end = Instant::now() + time;
            while !session.is_closed() && !is_over() && Instant::now() < end {
                tokio::time::sleep(WATCH_EVERY).await;
            }
            !session.is_closed()
        })
    }

    /// Whether the last call made its connection.
    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

/// The time to connect to each of the servers: one that does not answer must leave time for the others.
fn of_each_server(config: &Config, limit: Duration) -> Duration {
    let servers = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
    limit / u32::try_from(servers).unwrap_or(u32::MAX)
}

/// The first server of the URL, and the database.
fn name_of(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => config.get_hostaddrs().first().map(IpAddr::to_string).unwrap_or_default(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default())
}

/// A socket of this machine, or its loopback address.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

async fn within<T>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, DatabaseFault>>,
) -> Result<T, DatabaseFault> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(DatabaseFault::Silent(what, limit)))
}

async fn connect(config: &Config, tls: &Connector) -> Result<DatabaseSession, DatabaseFault> {
    let (client, connection) = config.connect(tls.clone()).await?;
    // It ends with the client. What it says, the client's calls say too.
    tokio::spawn(async { drop(connection.await) });
    client.batch_execute(SETTINGS).await?;
    let row = client.query_one(SERVER, &[]).await?;
    let (number, name): (i32, String) = (row.get(0), row.get(1));
    if number < OLDEST {
        return Err(DatabaseFault::Unfit(format!(
            "the database is PostgreSQL {name}; a farm needs 13 or later: update it, or name another one as `[farm] store`"
        )));
    }
    let timeline = match client.query_one(TIMELINE, &[]).await.map_err(DatabaseFault::from) {
        Ok(row) => row.get(0),
        // A server that keeps it to itself is taken to be the same for ever.
        Err(DatabaseFault::Refused(_)) => Some(String::new()),
        Err(fault) => return Err(fault),
    };
    Ok(DatabaseSession { client, statements: RefCell::default(), timeline })
}
