//! `docs/configuration.md`, generated from the declarations.

use super::declaration::{ConfigTable, DefaultValue, heading};
use super::load::root_keys;
use super::node::join;
use crate::platform;
use std::fmt::Write;

const HEAD: &str = include_str!("reference_head.md");

/// Uses every key with a value that is not its default, together with [`FARM_EXAMPLES`].
pub(super) const EXAMPLE: &str = include_str!("example.toml");

/// The configurations of a farm, whose two halves exclude each other.
pub(super) const FARM_EXAMPLES: [&str; 2] =
    [include_str!("example_node.toml"), include_str!("example_relay.toml")];

/// The reference of the configuration as Markdown.
pub fn reference_markdown() -> String {
    let mut page = String::from(HEAD);
    for (pattern, table) in root_keys::TABLE.with_nested(String::new()) {
        write_table(&mut page, &pattern, table);
        if table.platform_options {
            write_platform_options(&mut page);
        }
    }
    page.push_str("\n## A complete example\n\n```toml\n");
    page.push_str(EXAMPLE);
    page.push_str("```\n\n## A farm\n");
    for example in FARM_EXAMPLES {
        let _ = write!(page, "\n```toml\n{example}```\n");
    }
    page
}

fn write_table(page: &mut String, pattern: &str, table: &ConfigTable) {
    let title = if pattern.is_empty() { "Top level".to_owned() } else { heading(pattern) };
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## {title}\n\n{}\n\n", table.about);
    page.push_str("| key | type | default | range or form | meaning |\n|---|---|---|---|---|\n");
    for key in table.keys {
        let name = join(&pattern.replace('*', "NAME"), key.name);
        let default = match key.default {
            DefaultValue::Required => "required".to_owned(),
            DefaultValue::None => "—".to_owned(),
            DefaultValue::Toml(value) => format!("`{value}`"),
            DefaultValue::Described(words) => words.to_owned(),
        };
        let form = match key.value.nested() {
            Some(_) => "see below".to_owned(),
            None => key.value.form(),
        };
        write_row(page, [&format!("`{name}`"), key.value.type_name(), &default, &form, key.meaning]);
    }
}

fn write_row<const N: usize>(page: &mut String, cells: [&str; N]) {
    let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
}

fn write_platform_options(page: &mut String) {
    page.push_str(
        "\n### Options of platforms\n\nThese keys belong to `[endpoints.NAME]`, too, for the platforms that have \
         them. Others reject them.\n\n\
         | platform | key | type | default | range or form | meaning |\n|---|---|---|---|---|---|\n",
    );
    for platform in platform::all() {
        for key in platform.description().options {
            let (platform, name) =
                (format!("`{}`", platform.name()), format!("`endpoints.NAME.{}`", key.name));
            let type_name = if key.secret { "secret text" } else { "text" };
            let default = if key.required { "required" } else { "—" };
            write_row(page, [&platform, &name, type_name, default, key.form, key.meaning]);
        }
    }
    let own: Vec<_> = platform::all()
        .iter()
        .filter_map(|platform| {
            Some(format!("`{}` (`{}`)", platform.name(), platform.description().default_url?))
        })
        .collect();
    if !own.is_empty() {
        let _ = write!(page, "\n`url` may be omitted for {}.\n", own.join(", "));
    }
}
