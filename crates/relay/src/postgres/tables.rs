//! The tables of a farm in its database: made by the first relay, checked by each, and brought up to date by the first relay
//! of a later version that leads. So an earlier version that leads is never surprised, and one that waits is refused.

use super::database::Database;
use super::fault::DatabaseFault;
use super::store::schema;
use std::time::Duration;
use tokio_postgres::{Row, Transaction};

/// The version of the tables below. A database with a later one is refused.
const VERSION: i32 = 2;

/// Two relays that make the tables at once wait for each other.
const TABLES_LOCK: i64 = 0x7462_656c;

/// What [`Lease::take`](super::Lease::take) looks at before it knows the version stays as it is in every version: `epoch` and
/// `holder` of `leader`, `pulse` without `epoch`, and `meta`.
const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS taskbell;
CREATE TABLE taskbell.meta (one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL, farm text NOT NULL);
CREATE TABLE taskbell.leader (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, holder text NOT NULL,
    timeline text NOT NULL DEFAULT '', lacks_since timestamptz);
-- Apart from `leader`: it is written all the time, and whoever holds a lock there must not hold that up.
CREATE TABLE taskbell.pulse (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL,
    until timestamptz NOT NULL, pid int, started timestamptz) WITH (fillfactor = 50);
INSERT INTO taskbell.leader (epoch, holder) VALUES (0, '');
INSERT INTO taskbell.pulse (epoch, until) VALUES (0, '-infinity');
";

/// What makes the tables of a version those of the next one, from version 1 on.
const STEPS: &[&str] = &["
ALTER TABLE taskbell.leader ADD COLUMN timeline text NOT NULL DEFAULT '', ADD COLUMN lacks_since timestamptz;
"];

const META: &str = "SELECT version, farm FROM taskbell.meta";

/// Makes the tables in an empty database, or checks those that are there. `farm` has the marks of the secrets of the farm:
/// the database of another one, which has none of them, is refused. Those that were changed meanwhile are kept.
///
/// # Errors
/// `Unfit` for tables of a later version or of another farm; those of a connection, and `Away` for a replica.
pub fn prepare(database: &mut Database, farm: &[String]) -> Result<(), DatabaseFault> {
    let marks = farm.join(" ");
    database.run("look at its tables", async |client| {
        client.timeline()?;
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&TABLES_LOCK]).await?;
        let known = transaction.query_one("SELECT to_regclass('taskbell.meta') IS NOT NULL", &[]).await?;
        if !known.get::<_, bool>(0) {
            transaction.batch_execute(TABLES).await?;
            transaction.batch_execute(schema::TABLES).await?;
            let meta = "INSERT INTO taskbell.meta (version, farm) VALUES ($1, $2)";
            transaction.execute(meta, &[&VERSION, &marks]).await?;
            return Ok(transaction.commit().await?);
        }
        let row = transaction.query_one(META, &[]).await?;
        if check_meta(&row, farm)? != marks {
            transaction.execute("UPDATE taskbell.meta SET farm = $1", &[&marks]).await?;
        }
        Ok(transaction.commit().await?)
    })
}

/// Whether this farm can use the database, without changing anything in it. `false` where no relay has used it yet.
///
/// # Errors
/// As [`prepare`].
pub fn inspect(database: &mut Database, farm: &[String]) -> Result<bool, DatabaseFault> {
    database.run("look at its tables", async |client| {
        let known = client.query_one("SELECT to_regclass('taskbell.meta') IS NOT NULL", &[]).await?;
        if known.get(0) {
            check_meta(&client.query_one(META, &[]).await?, farm)?;
            return Ok(true);
        }
        let may = client
            .query_one("SELECT has_database_privilege(current_database(), 'CREATE'), current_user::text", &[])
            .await?;
        if !may.get::<_, bool>(0) {
            return Err(DatabaseFault::Unfit(format!(
                "the role {} may make no tables in the database: make it the database's owner, or run \
                 `GRANT CREATE ON DATABASE` once",
                may.get::<_, String>(1).escape_debug()
            )));
        }
        Ok(false)
    })
}

/// The marks that the database has of the farm's secrets.
fn check_meta(row: &Row, farm: &[String]) -> Result<String, DatabaseFault> {
    let (version, marks): (i32, String) = (row.get(0), row.get(1));
    refuse_later(version)?;
    if !marks.split(' ').any(|mark| farm.iter().any(|own| own == mark)) {
        return Err(DatabaseFault::Unfit(
            "the database belongs to another farm, whose relays have none of the `secrets` of this one: each farm needs a \
             database of its own"
                .to_owned(),
        ));
    }
    Ok(marks)
}

fn refuse_later(version: i32) -> Result<(), DatabaseFault> {
    if (1..=VERSION).contains(&version) {
        return Ok(());
    }
    Err(DatabaseFault::Unfit(format!(
        "the tables in the database have version {version}, this relay knows {VERSION}: update it, or name \
         another database as `[farm] store`"
    )))
}

/// Brings the tables up to date, in the transaction by which a relay comes to lead.
///
/// # Errors
/// `Unfit` when a relay of a later version has led meanwhile.
pub(super) async fn check_version(transaction: &Transaction<'_>) -> Result<(), DatabaseFault> {
    let version: i32 = transaction.query_one("SELECT version FROM taskbell.meta", &[]).await?.get(0);
    refuse_later(version)?;
    let from = usize::try_from(version - 1).unwrap_or(0);
    for step in STEPS.iter().skip(from) {
        transaction.batch_execute(step).await?;
    }
    if version < VERSION {
        transaction.execute("UPDATE taskbell.meta SET version = $1", &[&VERSION]).await?;
    }
    Ok(())
}

/// The clocks of two servers may differ, and the last sign of life of a leader is not the last thing that was committed.
const MARGIN_MS: f64 = 120_000.0;

/// Where the history is another one than that of the leader before. $2 is by how much the last renewal of a lease comes before its end. What an earlier change lacks counts for a day: a node may have been away since then.
const FOLLOW: &str = "UPDATE taskbell.leader l SET timeline = $1, lacks_since = CASE WHEN l.timeline IN ('', $1) THEN l.lacks_since \
    ELSE least((SELECT nullif(p.until, '-infinity') FROM taskbell.pulse p) - $2 * interval '1 millisecond', \
    CASE WHEN l.lacks_since > clock_timestamp() - interval '1 day' THEN l.lacks_since END) END \
    RETURNING extract(epoch FROM clock_timestamp() - l.lacks_since)::float8";

/// Keeps on which history this relay leads. Gives since how long the database may lack what was committed, which is where it
/// is a replica that took the place of another server, or was restored.
pub(super) async fn follow_timeline(
    transaction: &Transaction<'_>,
    timeline: &str,
    lease_ms: f64,
) -> Result<Option<Duration>, DatabaseFault> {
    let row = transaction.query_one(FOLLOW, &[&timeline, &(lease_ms + MARGIN_MS)]).await?;
    let seconds: Option<f64> = row.get(0);
    Ok(seconds.filter(|seconds| seconds.is_finite()).map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
}
