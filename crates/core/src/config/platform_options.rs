//! The keys of an endpoint that only some platforms have. Each platform declares its own.

use super::table_reader::TableReader;
use crate::platform::{self, Platform};
use crate::secret::Secret;

pub(super) fn read(table: &TableReader<'_>, platform: &dyn Platform) -> Option<Vec<(&'static str, Secret)>> {
    reject_foreign_options(table, platform);
    let mut valid = true;
    let mut options = Vec::new();
    for key in platform.description().options {
        match table.platform_option(key.name, key.form, key.secret) {
            Some(text) if (key.accepts)(&text.text) => {
                if key.secret {
                    add_encoded_secret(table, &text.text);
                }
                options.push((key.name, text.into_secret()));
            }
            Some(text) => {
                table.error(key.name, format!("expected {}, found {}", key.form, text.shown));
                valid = false;
            }
            None if table.has(key.name) => valid = false,
            None if key.required => {
                let platform = platform.name();
                table.error(key.name, format!("this key is missing: `{platform}` needs {}", key.form));
                valid = false;
            }
            None => {}
        }
    }
    valid.then_some(options)
}

fn reject_foreign_options(table: &TableReader<'_>, platform: &dyn Platform) {
    let own = |name: &str| platform.description().options.iter().any(|key| key.name == name);
    for name in platform::option_names().into_iter().filter(|name| table.has(name) && !own(name)) {
        let owners = platform::platforms_with_option(name);
        let owners: Vec<String> = owners.iter().map(|owner| format!("`{owner}`")).collect();
        let platform = platform.name();
        table.error(name, format!("`{platform}` has no key `{name}`; it belongs to {}", owners.join(", ")));
    }
    let foreign = table.context.own_option_names().into_iter().filter(|name| table.has(name) && !own(name));
    for name in foreign.filter(|name| !platform::is_platform_option(name)) {
        table.error(name, format!("`{}` has no key `{name}`", platform.name()));
    }
}

/// A secret that is sent in a form or a query may come back in its encoded form.
fn add_encoded_secret(table: &TableReader<'_>, secret: &str) {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    if encoded != secret {
        table.context.add_secret(&encoded);
    }
}
