//! The store of a farm: the promises of every store, and what only one behind a network has to keep.

use super::cluster::Cluster;
use super::{LIMIT, database};
use crate::postgres::{Database, PostgresOperator, PostgresReader, PostgresStore, prepare};
use taskbell_core::spool::store_suite::Place;
use taskbell_core::spool::{Operator, Reader};

/// A database of its own in a cluster.
pub struct OwnDatabase {
    pub url: String,
    pub port: u16,
}

impl OwnDatabase {
    /// With the tables. A name has 63 bytes at most.
    pub fn in_cluster(cluster: &Cluster, name: &str) -> OwnDatabase {
        let name = &name[..name.len().min(60)];
        statement(&mut database(&cluster.url(), LIMIT), &format!("CREATE DATABASE {name}"));
        let url = format!("postgres://taskbell@127.0.0.1:{}/{name}", cluster.port);
        let own = OwnDatabase { url, port: cluster.port };
        prepare(&mut own.connect(), &["studio".to_owned()]).unwrap();
        own
    }

    pub fn connect(&self) -> Database {
        database(&self.url, LIMIT)
    }

    /// The next leader's store.
    pub fn lead(&self, through: Database, instance: &str) -> PostgresStore {
        let mut direct = self.connect();
        statement(&mut direct, "UPDATE taskbell.leader SET epoch = epoch + 1");
        let epoch = direct.run("question", async |session| {
            Ok(session.query_one("SELECT epoch FROM taskbell.leader", &[]).await?.get(0))
        });
        PostgresStore::open(through, epoch.unwrap(), instance).unwrap()
    }
}

impl Place for OwnDatabase {
    type Store = PostgresStore;

    fn open(&self, instance: &str) -> PostgresStore {
        self.lead(self.connect(), instance)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(PostgresReader::open(self.connect()).unwrap())
    }

    fn operator(&self) -> Box<dyn Operator> {
        Box::new(PostgresOperator::open(self.connect()))
    }
}

pub fn statement(database: &mut Database, sql: &str) {
    database.run("statement", async |session| Ok(session.batch_execute(sql).await?)).unwrap();
}

#[test]
fn every_promise_of_a_store_is_kept() {
    let Some(cluster) = Cluster::start() else { return };
    for (promise, keep) in taskbell_core::store_suite!(promises at OwnDatabase) {
        println!("{promise}");
        keep(&OwnDatabase::in_cluster(&cluster, promise));
    }
}
