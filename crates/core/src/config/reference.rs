//! The reference of the configuration, made from the schema.

use super::kind::{Kind, LeftOut};
use super::schema::{TABLES, Table};
use super::section::heading;
use crate::platform;
use std::fmt::Write;

const PREFACE: &str = r#"# Configuration

Taskbell reads one file, once: TOML or JSON, with the same keys. A host passes its path, or the text itself, to
`taskbell_init` or `taskbell_open`; the two calls of the plug-in look in `$TASKBELL_CONFIG`, then in
`./taskbell.toml`. `taskbell check FILE` shows every fault of a file at once, with line, column and what was expected.

- **Unknown keys are refused.** A key that is misspelt would otherwise have no effect, silently.
- **Durations** are whole numbers with a unit: `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"3d"`, or joined, `"1h30m"`.
- **Sizes** are `"500B"`, `"64KiB"`, `"1MiB"`, `"1GiB"`, or a plain number of bytes.
- **Rates** are a count and a time: `"30/min"`, `"1/s"`, `"100/h"`, `"5/2s"`. Several in a list must all allow a message.
- **Secrets need not stand in the file.** Any text may be `"env:NAME"` (an environment variable) or `"file:PATH"` (the
  content of a file), both trimmed. A variable that is not set or empty is an error. What came from there is never
  shown in logs, errors, previews or reports.
- **Relative paths** start at the folder of the configuration file; for text that was passed directly, at the working
  directory.
- **Names** written as `NAME` below are yours.

`<state dir>` is `$XDG_STATE_HOME`, else `$HOME/.local/state`; on Windows it is `%LOCALAPPDATA%`. `<config name>` is the
name of the file without its ending.
"#;

/// A whole configuration that uses every key.
pub(super) const EXAMPLE: &str = r#"[host]
name = "render-07"
base_url = "https://render-07.example.com"
language = "zh"

[spool]
path = "taskbell.db"
retain = "14d"
max_bytes = "512MiB"

[queue]
max_event_bytes = "256KiB"
max_bytes = "8MiB"
end_delay = "2s"
idle_end = "20m"
batch_stall = "1h"
ring = "beside"

[files]
roots = ["outputs"]

# A chat channel. The webhook URL is a secret, so it comes from the environment.
[network]
task_urls = ["https://hooks.example.com/users/"]

[endpoints.team]
platform = "slack"
url = "env:SLACK_WEBHOOK_URL"
rate = ["1/s", "30/min"]
overflow = "queue"
mentions = ["U012AB3CD"]

# A service of one's own, reached through a proxy, with certificates on both sides.
[endpoints.ci]
platform = "json"
url = "https://ci.example.com/hooks/training"
headers = { authorization = "env:CI_TOKEN" }
timeout = "20s"
connect_timeout = "4s"
retry = { schedule = ["10s", "1m", "10m", "1h"], max_age = "12h" }
rate = "30/min"
concurrency = 4
ca_file = "certificates/ca.pem"
client_cert = "certificates/client.pem"
client_key = "certificates/client.key"
proxy = "http://proxy.example.com:3128"
fallback = "team"

# Two secrets sign side by side until every receiver knows the new one.
[[endpoints.ci.sign]]
scheme = "standard-webhooks"
secrets = ["env:CI_SECRET", "env:CI_SECRET_OLD"]

# A receiver with a signature of its own kind.
[[endpoints.ci.sign]]
scheme = "hmac"
secrets = ["env:CI_HMAC_SECRET"]
key = "utf8"
content = "{id}.{timestamp}.{body}"
hash = "sha256"
encoding = "hex"
header = "x-signature"
value = "t={timestamp},v1={signature}"
id_header = "x-request-id"
timestamp_header = "x-timestamp"
joiner = ","

# Large batches, and any failure.
[[hooks]]
name = "batch finished"
on = ["queue.end"]
to = ["team"]
when = "queue.total >= 10 or queue.failed > 0"
ttl = "6h"
cooldown = "10m"
cooldown_by = "queue.name"
escalate = { after = "15m", to = ["ci"] }

# A training run that succeeded starts the pipeline.
[[hooks]]
on = ["task.complete"]
to = ["ci"]
when = "task.status == 'success' and task.kind == 'training'"
template = { text = "Run {{ task.name }} is ready", run = "{{ task }}" }
supersede = "task.name"

# The same thresholds without an expression.
[[hooks]]
name = "long batch"
on = ["batch.end"]
to = ["team", "ci"]
min_tasks = 20
min_duration = "10m"
relative = 1.5
only_failures = true
smart = true
digest = "1h"
quiet_hours = "22:00-07:00"
quiet_zone = "Europe/Berlin"
quiet_except = "batch.failed > 10"

# SwarmUI's own template, for the tasks that ask for it.
[[hooks]]
on = ["task.complete"]
to = ["team"]
manual = true
syntax = "swarmui"
template = '{"text": "%prompt%", "seed": %seed%}'

[[hooks]]
name = "resources"
on = ["alert.firing", "alert.resolved"]
to = ["team"]

# The disk below the outputs: told when it has been short for a minute, again every six hours, and once
# it has 20 GB again.
[[alerts]]
name = "disk"
metric = "disk.free_gb:/"
below = 10
clear = 20
for = "60s"
every = "6h"
sample = "30s"

# A value that the host feeds with taskbell_metric.
[[alerts]]
name = "backlog"
metric = "farm.frames_waiting"
above = 5000
"#;

/// The reference as Markdown: `docs/configuration.md`.
pub fn reference_markdown() -> String {
    let mut page = String::from(PREFACE);
    for table in TABLES {
        write_table(&mut page, table);
        if table.takes_platform_options() {
            write_platform_options(&mut page);
        }
    }
    page.push_str("\n## A complete example\n\n```toml\n");
    page.push_str(EXAMPLE);
    page.push_str("```\n");
    page
}

fn write_table(page: &mut String, table: &Table) {
    let title = if table.pattern.is_empty() { "Top level".to_owned() } else { heading(table.pattern) };
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## {title}\n\n{}\n\n", table.about);
    page.push_str("| key | type | default | range or form | meaning |\n|---|---|---|---|---|\n");
    for key in table.keys {
        let name = super::node::join(&table.pattern.replace('*', "NAME"), key.name);
        let default = match key.default {
            LeftOut::Required => "required".to_owned(),
            LeftOut::Nothing => "—".to_owned(),
            LeftOut::Value(value) => format!("`{value}`"),
            LeftOut::Words(words) => words.to_owned(),
        };
        let range = match key.kind {
            Kind::Table | Kind::NamedTables | Kind::ListOfTables => "see below".to_owned(),
            kind => kind.range(),
        };
        let cells =
            [format!("`{name}`"), key.kind.type_name().to_owned(), default, range, key.meaning.to_owned()];
        let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
}

/// What each platform has beside the URL, one row for all that have the key in the same sense.
fn write_platform_options(page: &mut String) {
    page.push_str(
        "\n### What a platform has beside the URL\n\nThese keys stand in `[endpoints.NAME]` too, for the \
         platforms that have them, and are refused for the others.\n\n\
         | platform | key | type | default | range or form | meaning |\n|---|---|---|---|---|---|\n",
    );
    for platform in platform::all() {
        for key in platform.options() {
            let cells = [
                format!("`{}`", platform.name()),
                format!("`endpoints.NAME.{}`", key.name),
                if key.secret { "secret text" } else { "text" }.to_owned(),
                if key.required { "required" } else { "—" }.to_owned(),
                key.form.to_owned(),
                key.meaning.to_owned(),
            ];
            let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    let own: Vec<_> = platform::all()
        .iter()
        .filter_map(|platform| Some(format!("`{}` (`{}`)", platform.name(), platform.default_url()?)))
        .collect();
    if !own.is_empty() {
        let _ = write!(page, "\n`url` may be left out for {}.\n", own.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_checked_in_reference_is_the_generated_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let generated = reference_markdown();
        if std::env::var_os("TASKBELL_UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &generated).unwrap();
        }
        let checked_in = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            checked_in == generated,
            "docs/configuration.md is not what the schema says; write it anew with \
             `TASKBELL_UPDATE_DOCS=1 cargo test --lib the_checked_in_reference`"
        );
    }
}
