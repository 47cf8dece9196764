//! Name lookup with a short cache.

use super::blocking_task::{BlockingTasks, Unfinished};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long addresses are cached: long enough for a busy lane, short enough for a receiver that moves.
const CACHED: Duration = Duration::from_secs(30);

const MAX_NAMES: usize = 64;

/// The most addresses of one name that are considered.
const MAX_ADDRESSES: usize = 16;

/// Asks the system for the addresses of a name. May block without limit.
pub(super) type LookupFn = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

#[derive(Debug)]
pub(super) enum DnsError {
    Failed(io::Error),
    /// The lookup did not end.
    Unfinished(Unfinished),
}

/// When a name was looked up, and its addresses.
type CachedName = (Instant, Arc<[IpAddr]>);

pub(super) struct DnsCache {
    tasks: Arc<BlockingTasks>,
    lookup: Arc<LookupFn>,
    known: Mutex<HashMap<String, CachedName>>,
}

impl DnsCache {
    pub(super) fn new(tasks: Arc<BlockingTasks>, lookup: Arc<LookupFn>) -> Self {
        DnsCache { tasks, lookup, known: Mutex::default() }
    }

    /// The addresses of a host, in the system's order of preference; never empty. A literal address
    /// is not looked up.
    pub(super) fn addresses(&self, host: &str, until: Instant) -> Result<Arc<[IpAddr]>, DnsError> {
        if let Ok(literal) = host.parse::<IpAddr>() {
            return Ok(Arc::new([literal]));
        }
        if let Some(known) = self.cached(host) {
            return Ok(known);
        }
        let (lookup, name) = (Arc::clone(&self.lookup), host.to_owned());
        let found = self.tasks.run("taskbell-dns", until, move || lookup(&name));
        let mut found = found.map_err(DnsError::Unfinished)?.map_err(DnsError::Failed)?;
        found.truncate(MAX_ADDRESSES);
        if found.is_empty() {
            return Err(DnsError::Failed(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
        }
        Ok(self.insert(host, found.into()))
    }

    /// Forgets a name none of whose addresses could be reached.
    pub(super) fn forget(&self, host: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(host);
    }

    fn cached(&self, host: &str) -> Option<Arc<[IpAddr]>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, addresses) = known.get(host)?;
        (since.elapsed() < CACHED).then(|| Arc::clone(addresses))
    }

    fn insert(&self, host: &str, addresses: Arc<[IpAddr]>) -> Arc<[IpAddr]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_NAMES {
            known.retain(|_, (since, _)| since.elapsed() < CACHED);
            if known.len() >= MAX_NAMES {
                known.clear();
            }
        }
        known.insert(host.to_owned(), (Instant::now(), Arc::clone(&addresses)));
        addresses
    }
}

/// The system's own lookup (`getaddrinfo`).
pub(super) fn system_lookup(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_name_is_looked_up_once_until_it_is_forgotten() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let lookup = move |_: &str| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        };
        let names = DnsCache::new(Arc::default(), Arc::new(lookup));
        let until = Instant::now() + Duration::from_secs(30);
        for _ in 0..3 {
            assert_eq!(&*names.addresses("a.test", until).unwrap(), [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        names.forget("a.test");
        names.addresses("a.test", until).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        names.addresses("192.0.2.1", until).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2, "a literal address needs no lookup");
    }

    #[test]
    fn the_cache_is_bounded() {
        let names = DnsCache::new(Arc::default(), Arc::new(|_: &str| Ok(Vec::new())));
        for n in 0..3 * MAX_NAMES {
            names.insert(&format!("{n}.test"), Arc::new([IpAddr::V4(Ipv4Addr::LOCALHOST)]));
        }
        assert!(names.known.lock().unwrap().len() <= MAX_NAMES);
    }
}
