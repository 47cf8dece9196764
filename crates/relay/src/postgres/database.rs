//! A connection to PostgreSQL with a deadline around everything. Nothing else notices a server that is stopped: its kernel
//! still acknowledges, so neither keepalives nor a timeout of TCP end a call, and `statement_timeout` is the stopped
//! server's own. A connection whose deadline has passed is thrown away.

use super::fault::DatabaseFault;
use super::tls::Connector;
use std::future::Future;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};

/// The oldest version that has all that is used; as `server_version_num`.
const OLDEST: i32 = 130_000;

/// Between two looks at whether a connection lasts.
const WATCH_EVERY: Duration = Duration::from_millis(20);

/// What a session waits at most on the server's side; so that what a relay leaves open there ends without it.
const SETTINGS: &str = "SET statement_timeout = '20s'; SET lock_timeout = '8s'; \
    SET idle_in_transaction_session_timeout = '5s'; SET TIME ZONE 'UTC'";

/// One connection, made when it is needed and again after each fault of it. Used by one thread.
pub struct Database {
    config: Config,
    tls: Connector,
    limit: Duration,
    runtime: Runtime,
    client: Option<Client>,
    // Whether the last call made its connection.
    is_new: bool,
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
        config.connect_timeout(limit);
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| DatabaseFault::Away(error.to_string()))?;
        Ok(Database { config, tls, limit, runtime, client: None, is_new: false })
    }

    /// Makes a connection, if there is none, and runs the work on it. After a fault of the connection there is none.
    ///
    /// # Errors
    /// What the work says; `Silent`, `Away` and `Unfit` of a connection.
    pub fn run<T>(
        &mut self,
        what: &'static str,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, DatabaseFault>,
    ) -> Result<T, DatabaseFault> {
        let Database { config, tls, limit, runtime, client, is_new } = self;
        let limit = *limit;
        let kept = client.take().filter(|client| !client.is_closed());
        *is_new = kept.is_none();
        let mut used = match kept {
            Some(client) => client,
            None => runtime.block_on(within(limit, "connect", connect(config, tls)))?,
        };
        let done = runtime.block_on(within(limit, what, work(&mut used)));
        if !matches!(done, Err(DatabaseFault::Silent(..) | DatabaseFault::Away(_))) {
            *client = Some(used);
        }
        done
    }

    /// From now on each connect and each call takes this long at most.
    pub fn set_limit(&mut self, limit: Duration) {
        self.config.connect_timeout(limit);
        self.limit = limit;
    }

    /// Waits this long, or until `is_over` says so, or the connection has ended. Whether it lasts.
    pub fn watch(&self, time: Duration, is_over: impl Fn() -> bool) -> bool {
        let Some(client) = &self.client else { return false };
        self.runtime.block_on(async {
            let end = Instant::now() + time;
            while !client.is_closed() && !is_over() && Instant::now() < end {
                tokio::time::sleep(WATCH_EVERY).await;
            }
            !client.is_closed()
        })
    }

    /// Whether the last call made its connection.
    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

/// A socket of this machine, or its loopback address.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
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

async fn connect(config: &Config, tls: &Connector) -> Result<Client, DatabaseFault> {
    let (client, connection) = config.connect(tls.clone()).await?;
    // It ends with the client. What it says, the client's calls say too.
    tokio::spawn(async { drop(connection.await) });
    client.batch_execute(SETTINGS).await?;
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version')",
            &[],
        )
        .await?;
    let (number, name): (i32, String) = (row.get(0), row.get(1));
    if number < OLDEST {
        return Err(DatabaseFault::Unfit(format!(
            "the database is PostgreSQL {name}; a farm needs 13 or later: update it, or name another one as `[farm] store`"
        )));
    }
    Ok(client)
}
