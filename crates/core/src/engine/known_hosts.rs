//! The names of the hosts whose processes share the spool: titles name the host where there are several.

use crate::spool::{SpoolError, StateChange, StateKey, StateKind, Store};

const HOST: StateKind = StateKind::HostName;

/// Notes the name of this host for its peers, forgets those of dead instances, and returns whether a peer has
/// another name.
pub fn meet(spool: &mut impl Store, own: &str, name: &str, dead: &[String]) -> Result<bool, SpoolError> {
    let known = spool.states(HOST)?;
    let is_dead = |key: &StateKey| dead.contains(&key.owner);
    let mut changes: Vec<StateChange> =
        known.iter().filter(|(key, _)| is_dead(key)).map(|(key, _)| (key.clone(), None)).collect();
    if !known.iter().any(|(key, kept)| key.owner == own && kept == name.as_bytes()) {
        changes.push((StateKey::owned(HOST, own, ""), Some(name.as_bytes().to_vec())));
    }
    spool.put_states(&changes)?;
    Ok(known.iter().any(|(key, kept)| key.owner != own && !is_dead(key) && kept != name.as_bytes()))
}
