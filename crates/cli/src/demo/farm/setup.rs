//! The files of the demo's farm: two secrets, the configurations of the relays and of the nodes.

use super::{NODES, RELAYS, node_name};
use crate::demo::fixture::{fresh_secret, write_file};
use crate::failure::Failure;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Writes the secrets and the configurations of the relays, which sign for the receiver with this secret. They keep the farm
/// in the database at this URL, or without one in a file.
pub fn write_relays(
    folder: &Path,
    receiver: SocketAddr,
    secret: &str,
    store: Option<&str>,
) -> Result<(), Failure> {
    write_file(&folder.join("farm.secret"), &fresh_secret()?)?;
    write_file(&folder.join("receiver.secret"), secret)?;
    let mut text = include_str!("relay.toml").replace("RECEIVER", &receiver.to_string());
    if let Some(store) = store {
        write_file(&folder.join("store.url"), store)?;
        text = text.replace("[farm]\n", "[farm]\nstore = \"file:store.url\"\n");
    }
    (0..RELAYS).try_for_each(|number| write_file(&relay_config(folder, number), &text))
}

/// Writes the configurations of the nodes, which know these relays.
pub fn write_nodes(folder: &Path, relays: &[&str]) -> Result<(), Failure> {
    let relays = json!(relays).to_string();
    (0..NODES).try_for_each(|number| {
        let text = include_str!("node.toml").replace("RELAYS", &relays).replace("NODE", &node_name(number));
        write_file(&node_config(folder, number), &text)
    })
}

pub fn relay_config(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("relay-{}.toml", number + 1))
}

pub fn node_config(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{}.toml", node_name(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configurations_are_sound() {
        let folder = tempfile::tempdir().unwrap();
        let receiver = "127.0.0.1:40005".parse().unwrap();
        write_relays(folder.path(), receiver, &fresh_secret().unwrap(), Some("postgres://a@127.0.0.1/b"))
            .unwrap();
        write_nodes(folder.path(), &["http://127.0.0.1:40006", "http://127.0.0.1:40007"]).unwrap();
        for path in [relay_config(folder.path(), 1), node_config(folder.path(), 3)] {
            let report = taskbell_core::engine::check(path.to_str().unwrap());
            assert!(report.errors.is_empty() && report.warnings.is_empty(), "{path:?}: {report:?}");
        }
    }
}
