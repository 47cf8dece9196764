//! `[platforms.NAME]`: platforms of the configuration's own, each described by a table.

use super::declaration::ConfigKey;
use super::diagnostic::quoted;
use super::endpoint;
use super::node::{ConfigEntry, ConfigNode, ConfigValue, join};
use super::table_reader::TableReader;
use super::value_types::FreeTables;
use crate::platform::{self, Platform};

/// Reads all descriptions, so that endpoints can name them.
pub(super) fn read_all(root: &TableReader<'_>, key: &ConfigKey<FreeTables>) {
    match root.written(key) {
        None => {}
        Some(ConfigNode { value: ConfigValue::Table(entries), .. }) => {
            entries.iter().for_each(|entry| read(root, key.name, entry));
        }
        Some(node) => root.error(key, format!("expected a table of names, found {}", node.type_name())),
    }
}

fn read(root: &TableReader<'_>, key: &str, entry: &ConfigEntry) {
    let (context, path) = (root.context, join(key, &entry.name));
    let is_name = (1..=64).contains(&entry.name.len())
        && entry.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        let words = "is not a platform's name: use 1 to 64 lower-case letters, digits or `-`";
        return context.error(entry.at, &path, format!("{} {words}", quoted(&entry.name)));
    }
    if platform::by_name(&entry.name).is_some() {
        let words = "is a platform of Taskbell's own: choose another name";
        return context.error(entry.at, &path, format!("{} {words}", quoted(&entry.name)));
    }
    if !matches!(entry.node.value, ConfigValue::Table(_)) {
        let words = format!("expected a table, found {}", entry.node.type_name());
        return context.error(entry.node.at, &path, words);
    }
    match platform::described(&entry.name, &entry.node.to_json()) {
        Ok(platform) => {
            let options = platform.description().options.iter().map(|option| option.name);
            let keys = endpoint::keys::TABLE.names();
            let taken = |name: &&str| keys.contains(name) && !platform::is_platform_option(name);
            for name in options.filter(taken) {
                let at = entry.node.descend(&format!("options.{name}")).at;
                let words = "every endpoint has a key of this name: choose another for the option";
                context.error(at, &join(&join(&path, "options"), name), words);
            }
            for alias in
                platform.description().aliases.iter().filter(|name| platform::by_name(name).is_some())
            {
                let words = format!("{} is a platform of Taskbell's own", quoted(alias));
                context.error(entry.node.descend("aliases").at, &join(&path, "aliases"), words);
            }
            context.add_platform(platform);
        }
        Err(faults) => {
            for fault in faults {
                let at = entry.node.descend(&fault.path).at;
                context.error(at, &join(&path, &fault.path), fault.message);
            }
        }
    }
}
