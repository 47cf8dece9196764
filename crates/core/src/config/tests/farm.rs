//! `[farm]`: a configuration is that of a node, that of a relay, or neither.

use super::*;
use crate::config::FarmSettings;
use crate::farm::SpeaksFor;

fn node(more: &str) -> String {
    format!(
        "[farm]\nrelays = [\"https://bell.example.com:8790\"]\nsecret = \"env:TASKBELL_FARM_SECRET\"\n{more}\n"
    )
}

fn relay(more: &str) -> String {
    format!(
        "[farm]\nlisten = \"127.0.0.1:8790\"\nsecrets = \"env:TASKBELL_FARM_SECRET\"\n{more}\n\
         [endpoints.a]\nurl = \"https://example.com/\"\n[[hooks]]\non = [\"queue.end\"]\nto = [\"a\"]\n"
    )
}

#[test]
fn every_value_of_the_examples_of_a_farm_takes_effect() {
    let folder = example_folder();
    let load = |name: &str, text: &str| {
        let (config, warnings) =
            read_all(&written(&folder, name, text)).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(warnings, [], "{name}");
        config
    };
    let [node, relay] = reference::FARM_EXAMPLES;
    let node = load("node.toml", node);
    let node = node.relays().unwrap();
    let relays = node.relays.as_ref().unwrap();
    assert_eq!(
        relays.urls.iter().map(|url| url.expose().as_str()).collect::<Vec<_>>(),
        [
            "https://bell-a.studio.example.com:8790/v1/events",
            "https://bell-b.studio.example.com:8790/v1/events"
        ]
    );
    assert_eq!((relays.head.node.as_str(), relays.head.speaks_for), ("render-07", SpeaksFor::Queue));
    assert_eq!(node.timeout, Duration::from_secs(10));
    assert!(node.tls.ca.is_some() && node.tls.client.is_some() && node.ordered);
    assert!(matches!(node.proxy, crate::endpoint::Proxy::Url(_)));

    let Some(FarmSettings::Relay(relay)) = load("relay.toml", relay).farm else { panic!("no relay") };
    assert_eq!(relay.listen.to_string(), "0.0.0.0:8790");
    assert!(relay.tls.is_some());
    assert!(format!("{:?}", relay.verifier).contains("2 secrets"));
    assert!(relay.store.as_ref().unwrap().expose().starts_with("postgres://"));
    assert_eq!((relay.lease, relay.node_lost), (Duration::from_secs(10), Duration::from_secs(120)));
    assert_eq!(relay.max_waiting, 128 << 20);
}

#[test]
fn a_store_may_name_several_servers() {
    let relay = |store: &str| {
        let relay = "[farm]\nlisten = \"127.0.0.1:8790\"\nsecrets = [\"env:TASKBELL_FARM_SECRET\"]\n";
        read_all(&format!("{relay}store = \"{store}\"\n")).map(drop)
    };
    for store in ["postgres://bell:p,w@db-a:5432,db-b:5433/bell", "postgres://db-a,db-b,db-c/bell?user=bell"]
    {
        relay(store).unwrap();
    }
    assert!(relay("http://db-a,db-b/bell").is_err());
}

#[test]
fn a_node_needs_no_more_than_relays_and_the_secret() {
    let config = config(&format!("{}[host]\nname = \"render-09\"\n", node("")));
    let head = &config.relays().unwrap().relays.as_ref().unwrap().head;
    assert_eq!((head.node.as_str(), head.speaks_for), ("render-09", SpeaksFor::Node));
    assert_eq!(config.warnings, Vec::<String>::new(), "a node without hooks is complete");
    assert!(super::config(&endpoint("")).farm.is_none());
}

#[test]
fn a_configuration_is_that_of_a_node_or_of_a_relay() {
    assert_error("[farm]\n", "farm: write `relays` for a node of the farm, or `listen` for its relay");
    assert_error(
        &node("listen = \"127.0.0.1:1\""),
        "farm.listen: `relays` makes this the configuration of a node",
    );
    assert_error(&node("lease = \"5s\""), "farm.lease: this key belongs to a relay, which has `listen`");
    assert_error(
        &relay("speaks_for = \"queue\""),
        "farm.speaks_for: this key belongs to a node, which has `relays`",
    );
    assert_error("[farm]\nrelays = []\nsecret = \"env:TASKBELL_FARM_SECRET\"\n", "name at least one relay");
    assert_error(
        &node("").replace("[\"", "[\"https://bell.example.com:8790/\", \""),
        "contains a relay twice",
    );
    assert_error("[farm]\nrelays = [\"https://a.example.com\"]\n", "a node needs the `secret` of its farm");
    assert_error(&node("node = \"a\\tb\""), "no control characters");
    assert_error("[farm]\nlisten = \"127.0.0.1:1\"\n", "a relay needs the `secrets`");
    assert_error(&relay("").replace("127.0.0.1", "0.0.0.0"), "a relay listens on a loopback address only");
    assert_error(&relay("").replace("127.0.0.1", "localhost"), "is not an address with a port");
    assert_error(&relay("cert = \"none.pem\""), "`cert` has no effect without `key`");
    assert_error(&relay("lease = \"1s\""), "is out of range: 2s to 60s");
}

#[test]
fn a_hook_is_where_it_fires() {
    let hook = |place: &str| format!("[[hooks]]\non = [\"queue.end\"]\nto = [\"a\"]\n{place}\n");
    let with = |farm: &str, place: &str| format!("{farm}{}{}", endpoint(""), hook(place));
    assert_error(&with(&node(""), ""), "hooks[0].at: this configuration is that of a node");
    config(&with(&node(""), "at = \"node\""));
    assert_error(
        &format!("{}[endpoints.farm]\nurl = \"https://example.com/\"\n", node("")),
        "endpoints.farm: on a node `farm` is the name of the relays",
    );
    assert_error(
        &format!("{}{}", relay(""), hook("at = \"node\"")),
        "hooks[1].at: this configuration is that of a relay",
    );
    assert!(warnings(&with("", "at = \"node\""))[0].contains("`at` has no effect without `[farm]`"));
}

#[test]
fn an_alert_of_a_node_is_reported_by_the_relay() {
    let alert = "[[alerts]]\nname = \"disk\"\nmetric = \"disk.free_gb:/\"\nbelow = 10\n";
    assert_eq!(warnings(&format!("{}{alert}", node(""))), Vec::<String>::new());
}

#[test]
fn the_secrets_of_a_farm_are_never_shown() {
    let folder = example_folder();
    for (name, text) in ["node.toml", "relay.toml"].into_iter().zip(reference::FARM_EXAMPLES) {
        let config = config(&written(&folder, name, text));
        assert!(!format!("{config:?}").contains("whsec_") && !format!("{config:?}").contains(MARKER));
        for secret in ["whsec_bWFya2VyLTRmOWMyYTcxZDAtZmFybS1zZWNyZXQ=", MARKER] {
            let scrubbed = config.scrubber.scrub(secret);
            assert!(
                name == "node.toml" && secret == MARKER || !scrubbed.contains(secret),
                "{name}: {scrubbed}"
            );
        }
    }
    for (text, key) in [
        (node("").replace("env:TASKBELL_FARM_SECRET", "marker-4f9c2a71d0 no secret"), "farm.secret"),
        (relay("store = \"mysql://u:marker-4f9c2a71d0@h/d\""), "farm.store"),
    ] {
        let errors = read_all(&text).unwrap_err().to_string();
        assert!(errors.contains(key) && !errors.contains(MARKER), "{errors}");
    }
}
