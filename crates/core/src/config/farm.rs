//! `[farm]`: one of several machines that send their events to a relay, or the relay that decides and delivers for all.
//!
//! A file is one of the two: `relays` makes it a node, `listen` a relay.

use super::declaration::DefaultValue::{Described, None as Absent, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::diagnostic::alternatives;
use super::endpoint::{TlsKeys, need_both, read_tls};
use super::endpoint_url::{add_url_secrets, parse_url_prefix, warn_of_plain_text};
use super::load_context::TextValue;
use super::proxy::parse_proxy;
use super::settings::{FarmSettings, RelaySettings};
use super::signature::standard_webhooks;
use super::table_reader::TableReader;
use super::tls::{parse_certificates, parse_private_key};
use super::value_types::{
    Choice, DurationRange, List, SizeRange, Text, choice, duration, list, one_or_many, parsed_text,
    secret_text, size, text,
};
use crate::endpoint::{Endpoint, FARM, Overflow, Proxy, Relays, RetryPolicy, Tls};
use crate::farm::{NodeHead, POST_PATH, SpeaksFor};
use crate::hash::sha256_hex;
use crate::platform::{self, AnswerRules, Target};
use crate::secret::{Secret, SecretUrl};
use crate::sign::{Signer, Verifier};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The most relays of a node.
const MAX_RELAYS: usize = 16;

/// The part of `timeout` that DNS, connect and TLS may take: the next relay may be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The age at which an event is given up: none, in the life of a machine.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The digits of a secret's mark: enough to tell secrets apart, and too few to learn anything of one.
const MARK_DIGITS: usize = 16;

/// The longest name of a node, in bytes.
const MAX_NODE_BYTES: usize = 256;

config_table! {
    keys: ConfigTable::new(
        "Many machines, and one message about what they do together. A node sends its events to a relay, which decides \
         about the events of all nodes and delivers for all; [Farm](farm.md) has the whole. `relays` makes a configuration that of a node, \
         `listen` that of a relay; it is never both.",
    );
    RELAYS: List<Text<Url>> = key(
        "relays",
        list("list of text", parsed_text("an `http` or `https` URL without query", |text, _| parse_url_prefix(text))),
        Absent,
        "Of a node: the addresses of the relays, at most 16. The first that answers takes the events.",
    );
    SECRET: Text<TextValue> = key(
        "secret", secret_text("a secret of Standard Webhooks, `whsec_…`"), Described("required of a node"),
        "Of a node: the secret of the farm, which signs each post.",
    );
    NODE: Text<TextValue> = key(
        "node", text("a text of at most 256 bytes, unique in the farm"), Described("`host.name`"),
        "Of a node: its name in the farm.",
    );
    SPEAKS_FOR: Choice<SpeaksFor> = key(
        "speaks_for", choice(&["node", "queue"], &[SpeaksFor::Node, SpeaksFor::Queue]), Toml("\"node\""),
        "Of a node: whether the ends of queues that it reports are those of its own part, or, as a dispatcher's, of the whole \
         queue.",
    );
    TIMEOUT: DurationRange = key(
        "timeout", duration("100ms", "10m"), Toml("\"15s\""),
        "Of a node: one deadline for each post, from DNS to the end of the answer.",
    );
    CA_FILE: Text<Arc<[u8]>> = key(
        "ca_file", parsed_text("a path, or PEM text", parse_certificates), Absent,
        "Certificates that are trusted in addition to the system's roots: of a node, for its relays; of a relay, for the \
         database of `store`.",
    );
    CLIENT_CERT: Text<Arc<[u8]>> = key(
        "client_cert", parsed_text("a path, or PEM text", parse_certificates), Absent,
        "Of a node: the client's certificate chain; requires `client_key`.",
    );
    CLIENT_KEY: Text<Secret> = key(
        "client_key", parsed_text("a path, or PEM text", parse_private_key), Absent,
        "Of a node: the private key of `client_cert`; requires it.",
    );
    PROXY: Text<Proxy> = key(
        "proxy", parsed_text("`env`, or an `http` URL", parse_proxy).secret(), Described("direct connection"),
        "Of a node: the proxy; `env` follows `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.",
    );
    LISTEN: Text<SocketAddr> = key(
        "listen", parsed_text("an address and a port, such as `0.0.0.0:8790`", |text, _| parse_address(text)), Absent,
        "Of a relay: where it takes the posts of nodes.",
    );
    CERT: Text<Arc<[u8]>> = key(
        "cert", parsed_text("a path, or PEM text", parse_certificates), Described("plain HTTP, on a loopback address only"),
        "Of a relay: its certificate chain; requires `key`.",
    );
    KEY: Text<Secret> = key(
        "key", parsed_text("a path, or PEM text", parse_private_key), Described("plain HTTP, on a loopback address only"),
        "Of a relay: the private key of `cert`; requires it.",
    );
    SECRETS: List<Text<TextValue>> = key(
        "secrets",
        one_or_many("secret text, or a list of it", secret_text("a secret of Standard Webhooks, `whsec_…`")),
        Described("required of a relay"),
        "Of a relay: the secrets that nodes may sign with; two of them while the nodes change to a new one.",
    );
    STORE: Text<TextValue> = key(
        "store", secret_text("a URL `postgres://…`"), Described("the database of `[spool]`"),
        "Of a relay: a PostgreSQL database that several relays share, one of which leads.",
    );
    LEASE: DurationRange = key(
        "lease", duration("2s", "60s"), Toml("\"5s\""),
        "Of a relay: for how long a leader on such a database leads without a sign of life; one that ends is followed at once.",
    );
    NODE_LOST: DurationRange = key(
        "node_lost", duration("30s", "1d"), Toml("\"60s\""),
        "Of a relay: a node that posts nothing for this long works on no queue any more. A node with open queues posts every \
         20 s.",
    );
    MAX_WAITING: SizeRange = key(
        "max_waiting", size("1MiB", "16GiB"), Toml("\"64MiB\""),
        "Of a relay: the posts that wait for its database; beyond that nodes are asked to wait.",
    );
}

const NODE_KEYS: &[&str] = &[
    keys::RELAYS.name,
    keys::SECRET.name,
    keys::NODE.name,
    keys::SPEAKS_FOR.name,
    keys::TIMEOUT.name,
    keys::CA_FILE.name,
    keys::CLIENT_CERT.name,
    keys::CLIENT_KEY.name,
    keys::PROXY.name,
];

const RELAY_KEYS: &[&str] = &[
    keys::LISTEN.name,
    keys::CERT.name,
    keys::KEY.name,
    keys::SECRETS.name,
    keys::STORE.name,
    keys::CA_FILE.name,
    keys::LEASE.name,
    keys::NODE_LOST.name,
    keys::MAX_WAITING.name,
];

/// What a configuration is in a farm, whatever else is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FarmPart {
    Alone,
    Node,
    Relay,
}

pub(super) fn part(table: &TableReader<'_>) -> FarmPart {
    match (table.has(&keys::RELAYS), table.has(&keys::LISTEN)) {
        (true, _) => FarmPart::Node,
        (false, true) => FarmPart::Relay,
        (false, false) => FarmPart::Alone,
    }
}

/// `None` where the table has an error. Every key is read, so that all errors are reported.
pub(super) fn read(table: &TableReader<'_>, host: &str) -> Option<FarmSettings> {
    let tls_keys =
        TlsKeys { ca: &keys::CA_FILE, certificate: &keys::CLIENT_CERT, private_key: &keys::CLIENT_KEY };
    let tls = read_tls(table, &tls_keys);
    let ca = tls.ca.clone();
    let (node, relay) = (read_node(table, host, tls), read_relay(table, ca));
    match part(table) {
        FarmPart::Node if table.has(&keys::LISTEN) => {
            let message = "`relays` makes this the configuration of a node and `listen` that of a relay: write two files";
            table.error(&keys::LISTEN, message);
            None
        }
        FarmPart::Node => {
            refuse(table, RELAY_KEYS, "a relay, which has `listen`", NODE_KEYS);
            node.map(|node| FarmSettings::Node(Arc::new(node)))
        }
        FarmPart::Relay => {
            refuse(table, NODE_KEYS, "a node, which has `relays`", RELAY_KEYS);
            relay.map(FarmSettings::Relay)
        }
        FarmPart::Alone => {
            let message = "write `relays` for a node of the farm, or `listen` for its relay";
            table.context.error(table.at, &table.path, message);
            None
        }
    }
}

/// Rejects the keys of the other half.
fn refuse(table: &TableReader<'_>, others: &[&str], whose: &str, own: &[&str]) {
    for key in others.iter().filter(|key| table.has(key) && !own.contains(key)) {
        table.error(key, format!("this key belongs to {whose}; here are {}", alternatives(own)));
    }
}

fn read_node(table: &TableReader<'_>, host: &str, tls: Tls) -> Option<Endpoint> {
    let relays = table.read(&keys::RELAYS).unwrap_or_default();
    let secret = table.read(&keys::SECRET);
    let node = table.read_string(&keys::NODE).unwrap_or_else(|| host.to_owned());
    let speaks_for = table.read(&keys::SPEAKS_FOR).unwrap_or_default();
    let timeout = table.read(&keys::TIMEOUT).unwrap_or_default();
    let proxy = table.read(&keys::PROXY).unwrap_or_default();
    if !table.has(&keys::RELAYS) {
        return None;
    }
    check_relays(table, &relays);
    let mut bytes = node.bytes();
    if node.len() > MAX_NODE_BYTES || bytes.any(|byte| byte.is_ascii_control()) {
        let message = format!("a node's name has at most {MAX_NODE_BYTES} bytes and no control characters");
        table.error(&keys::NODE, message);
    }
    if !table.has(&keys::SECRET) {
        let message =
            "a node needs the `secret` of its farm: `echo whsec_$(openssl rand -base64 32)` makes one";
        table.error(&keys::SECRET, message);
    }
    let entry = standard_webhooks(table, &keys::SECRET, vec![secret?]);
    let signer = Signer::from_json(&entry).map_err(|message| table.error(&keys::SECRET, message)).ok()?;
    let urls: Vec<SecretUrl> = relays.iter().map(post_url).map(SecretUrl::new).collect();
    let head = NodeHead {
        node,
        host: host.to_owned(),
        version: crate::VERSION.to_owned(),
        speaks_for,
        ..NodeHead::default()
    };
    Some(Endpoint {
        name: FARM.into(),
        platform: platform::RELAY,
        target: Target { url: urls.first()?.clone(), options: Vec::new(), mentions: Vec::new() },
        answers: AnswerRules::default(),
        headers: Vec::new(),
        sign: vec![signer],
        timeout,
        connect_timeout: CONNECT_TIMEOUT.min(timeout),
        retry: RetryPolicy { schedule: Vec::new(), max_age: FOR_EVER },
        rate: Vec::new(),
        concurrency: 1,
        ordered: true,
        tls,
        proxy,
        overflow: Overflow::Queue,
        silences_successes: false,
        file_roots: Arc::new([]),
        fallback: None,
        relays: Some(Relays { urls, head }),
    })
}

/// Where the relay at this address takes posts.
fn post_url(relay: &Url) -> Url {
    let mut url = relay.clone();
    let path = format!("{}{POST_PATH}", relay.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// On a node the lists of lanes and deliveries call the relays by this name.
pub(super) fn refuse_its_name(endpoints: &[(&str, TableReader<'_>)], part: FarmPart) {
    for (_, table) in endpoints.iter().filter(|(name, _)| part == FarmPart::Node && *name == FARM) {
        let message = "on a node `farm` is the name of the relays: give this endpoint another one";
        table.context.error(table.at, &table.path, message);
    }
}

fn check_relays(table: &TableReader<'_>, relays: &[Url]) {
    if table.is_empty_list(&keys::RELAYS) {
        table.error(&keys::RELAYS, "name at least one relay");
    }
    if relays.len() > MAX_RELAYS {
        table.error(
            &keys::RELAYS,
            format!("a node has at most {MAX_RELAYS} relays, this one has {}", relays.len()),
        );
    }
    let mut seen = HashSet::new();
    if !relays.iter().all(|relay| seen.insert(relay.as_str())) {
        table.error(&keys::RELAYS, "the list contains a relay twice");
    }
    for relay in relays {
        warn_of_plain_text(table, &keys::RELAYS, relay);
    }
}

fn read_relay(table: &TableReader<'_>, ca: Option<Arc<[u8]>>) -> Option<RelaySettings> {
    let listen = table.read(&keys::LISTEN);
    let (chain, private_key) = (table.read(&keys::CERT), table.read(&keys::KEY));
    let secrets = table.read(&keys::SECRETS).unwrap_or_default();
    let store = table.read(&keys::STORE);
    let lease = table.read(&keys::LEASE);
    let node_lost = table.read(&keys::NODE_LOST);
    let max_waiting = table.read(&keys::MAX_WAITING);
    need_both(table, keys::CERT.name, keys::KEY.name);
    if !table.has(&keys::LISTEN) {
        return None;
    }
    let is_clear = !table.has(&keys::CERT) && !table.has(&keys::KEY);
    if is_clear && listen.is_some_and(|address| !address.ip().to_canonical().is_loopback()) {
        let message = "without `cert` and `key` a relay listens on a loopback address only, for a proxy in front of it: \
                       give both, or listen on 127.0.0.1";
        table.error(&keys::LISTEN, message);
    }
    if !table.has(&keys::SECRETS) {
        table.error(&keys::SECRETS, "a relay needs the `secrets` that its nodes sign with");
    } else if table.is_empty_list(&keys::SECRETS) {
        table.error(&keys::SECRETS, "at least one secret is required");
    }
    let store = match store {
        Some(store) => Some(read_store(table, store)?),
        None => None,
    };
    if ca.is_some() && store.is_none() {
        table.error(&keys::CA_FILE, "without `store` a relay asks no database, and has no use for this key");
    }
    if secrets.is_empty() {
        return None;
    }
    let secret_marks = secrets.iter().map(|secret| sha256_hex(secret.text.trim(), MARK_DIGITS)).collect();
    let entry = standard_webhooks(table, &keys::SECRETS, secrets);
    let verifier =
        Verifier::from_json(&entry).map_err(|message| table.error(&keys::SECRETS, message)).ok()?;
    Some(RelaySettings {
        listen: listen?,
        tls: chain.zip(private_key),
        verifier: Arc::new(verifier),
        secret_marks,
        store,
        ca,
        lease: lease.unwrap_or(Duration::from_secs(5)),
        node_lost: node_lost.unwrap_or(Duration::from_secs(60)),
        max_waiting: usize::try_from(max_waiting.unwrap_or_default()).unwrap_or(usize::MAX),
    })
}

/// The error quotes nothing of the URL, which may hold a password.
fn read_store(table: &TableReader<'_>, store: TextValue) -> Option<Secret> {
    let url = Url::parse(&of_first_server(&store.text)).ok();
    let url = url.filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    match url {
        Some(url) => {
            add_url_secrets(table.context, &url);
            Some(store.into_secret())
        }
        None => {
            table.error(
                &keys::STORE,
                "expected a URL `postgres://USER@HOST/DATABASE`; without `store` the relay keeps \
                                       everything in `[spool] path`",
            );
            None
        }
    }
}

/// A URL of PostgreSQL may name several servers, of which that is used that takes writes; other URLs have one.
fn of_first_server(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let (before, servers, after) = (&url[..start], &url[start..end], &url[end..]);
    let host_at = servers.rfind('@').map_or(0, |at| at + 1);
    let first = servers[host_at..].split(',').next().unwrap_or_default();
    format!("{before}{}{first}{after}", &servers[..host_at])
}

fn parse_address(text: &TextValue) -> Result<SocketAddr, String> {
    text.text.parse().map_err(|_| {
        format!(
            "{} is not an address with a port: write `0.0.0.0:8790`, `127.0.0.1:8790` or `[::]:8790`",
            text.shown
        )
    })
}
