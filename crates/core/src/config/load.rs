//! Loads a configuration: text, tree, tables, values.

use super::declaration::DefaultValue::None as Absent;
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::diagnostic::{ConfigError, ConfigErrors, Diagnostic, locate};
use super::farm::FarmPart;
use super::load_context::{Environment, LoadContext};
use super::node::ConfigNode;
use super::settings::Config;
use super::source::{ConfigSource, SourceLanguage};
use super::spans::ConfigSpans;
use super::table_reader::TableReader;
use super::value_types::{FreeTables, NamedTables, SubTable, TableList};
use super::{
    alert, endpoint, fallbacks, farm, hook, hook_keys, host, json_text, network, platforms, queue, spool,
    toml_text,
};
use crate::os;
use crate::secret::Scrubber;

config_table! {
    root_keys: ConfigTable::new("The tables of a configuration. All of them are optional.");
    HOST: SubTable = key("host", SubTable(&host::keys::TABLE), Absent, "The machine, as templates see it.");
    WORDS: SubTable = key("words", SubTable(&host::word_keys::TABLE), Absent, "What the cards call a task.");
    SPOOL: SubTable = key("spool", SubTable(&spool::keys::TABLE), Absent, "The database of accepted events.");
    QUEUE: SubTable = key(
        "queue", SubTable(&queue::keys::TABLE), Absent, "Events between the host's call and the spool.",
    );
    FILES: SubTable = key("files", SubTable(&network::file_keys::TABLE), Absent, "The files a message may carry.");
    NETWORK: SubTable = key(
        "network", SubTable(&network::network_keys::TABLE), Absent, "The addresses that tasks may send messages to.",
    );
    ENDPOINTS: NamedTables = key(
        "endpoints", NamedTables(&endpoint::keys::TABLE), Absent, "The receivers of messages, by name.",
    );
    PLATFORMS: FreeTables = key(
        "platforms", FreeTables("the tables of a [description](platforms.md#describe-a-platform)"), Absent,
        "Platforms of your own, by name: data says how they are recognised, sent to and read.",
    );
    HOOKS: TableList = key(
        "hooks", TableList(&hook_keys::keys::TABLE), Absent, "Which events are sent to which endpoints.",
    );
    ALERTS: TableList = key(
        "alerts", TableList(&alert::keys::TABLE), Absent, "Which metrics make events when they cross a threshold.",
    );
    FARM: SubTable = key(
        "farm", SubTable(&farm::keys::TABLE), Absent, "A farm of many machines: one of its nodes, or its relay.",
    );
}

impl Config {
    /// Loads a configuration: `source` is the path of a `.toml` or `.json` file, the text itself
    /// (JSON when it starts with `{`, TOML when it contains a line break), or nothing but the URL of a receiver. Reads the files and variables
    /// that the configuration names; opens no connection. May be called from any thread.
    ///
    /// # Errors
    /// Every error of the text with its place, or the one error that prevents reading it.
    pub fn load(source: &str) -> Result<Config, ConfigErrors> {
        Config::load_with_spans(source).map(|(config, _, _)| config)
    }

    /// Like [`Config::load`], with warnings of settings that are allowed but probably a mistake (an endpoint
    /// that no hook names, an event type that looks like a typo), and with the places of all values.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with_spans(source: &str) -> Result<(Config, Vec<ConfigError>, ConfigSpans), ConfigErrors> {
        os::run_to_render("taskbell-config", || load(source, &|name| std::env::var_os(name))).unwrap_or_else(
            |error| {
                Err(ConfigErrors::unlocated(None, format!("no thread can be started to read it: {error}")))
            },
        )
    }
}

pub(super) fn load(
    source: &str,
    environment: &Environment<'_>,
) -> Result<(Config, Vec<ConfigError>, ConfigSpans), ConfigErrors> {
    let source = ConfigSource::open(source)?;
    let folder = source.folder();
    let context = LoadContext::new(folder.clone(), environment);
    let parsed = match source.language {
        SourceLanguage::Toml => toml_text::parse(&source.text),
        SourceLanguage::Json => json_text::parse(&source.text),
    };
    let tree = parsed.map_err(|errors| ConfigErrors(locate(errors, &source.text, source.file.as_ref())))?;
    let config = read(&tree, &source, &context);
    let findings = context.finish();
    let scrubber = Scrubber::new(findings.secrets.iter().map(String::as_str));
    let located = |mut diagnostics: Vec<Diagnostic>| {
        // A message quotes no secret, but may quote a text that contains one.
        diagnostics
            .iter_mut()
            .for_each(|diagnostic| diagnostic.message = scrubber.scrub(&diagnostic.message));
        let mut located = locate(diagnostics, &source.text, source.file.as_ref());
        if source.is_bare_url {
            // Its text is ours: a place in it says nothing.
            located.iter_mut().for_each(ConfigError::concern_the_url);
        }
        located
    };
    let errors = located(findings.errors);
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    let warnings = located(findings.warnings);
    let warning_lines = warnings.iter().map(ToString::to_string).collect();
    let spans =
        ConfigSpans { file: source.file, folder, text: source.text, tree, scrubber: scrubber.clone() };
    Ok((Config { scrubber, warnings: warning_lines, ..config }, warnings, spans))
}

fn read(tree: &ConfigNode, source: &ConfigSource, context: &LoadContext<'_>) -> Config {
    let root = TableReader::of_root(context, &root_keys::TABLE, tree);
    let files = network::read_files(&root.table(&root_keys::FILES));
    let file_roots = files.roots.iter().cloned().collect();
    platforms::read_all(&root, &root_keys::PLATFORMS);
    let endpoint_tables = root.named_tables(&root_keys::ENDPOINTS);
    let endpoints = endpoint::read_all(&endpoint_tables, &file_roots);
    fallbacks::check_fallbacks(&endpoint_tables, &endpoints);
    // All names, so that a hook that names an invalid endpoint is not a second error.
    let names: Vec<&str> = endpoint_tables.iter().map(|(name, _)| *name).collect();
    let host = host::read(&root.table(&root_keys::HOST), host::read_words(&root.table(&root_keys::WORDS)));
    let farm_table = root.table(&root_keys::FARM);
    let part = farm::part(&farm_table);
    let farm = root.has(&root_keys::FARM).then(|| farm::read(&farm_table, &host.name)).flatten();
    farm::refuse_its_name(&endpoint_tables, part);
    let hooks = hook::read_all(&root.table_list(&root_keys::HOOKS), &names, part);
    if hooks.is_empty() && !root.has(&root_keys::HOOKS) && part != FarmPart::Node {
        context.warn(0, "", "no `[[hooks]]` are configured, so no message will be sent");
    }
    let alerts = alert::read_all(&root.table_list(&root_keys::ALERTS), &hooks, part);
    fallbacks::warn_of_unused_endpoints(&endpoint_tables, &hooks, &endpoints);
    Config {
        file: source.file.clone(),
        host: host.into(),
        spool: spool::read(&root.table(&root_keys::SPOOL), source, &endpoints),
        queue: queue::read(&root.table(&root_keys::QUEUE)),
        files,
        task_urls: network::read_network(&root.table(&root_keys::NETWORK)),
        platforms: context.described(),
        farm,
        endpoint_names: endpoints.iter().zip(0..).map(|(endpoint, at)| (&*endpoint.name, at)).collect(),
        endpoints,
        hooks: hooks.into(),
        alerts,
        scrubber: Scrubber::default(),
        warnings: Vec::new(),
    }
}
