//! Asks the relays of a node whether they take its posts, without any event.

use crate::clock;
use crate::config::Config;
use crate::json::json;
use crate::lanes::{ask_relay, shown_relay};
use crate::transport::{Client, Reach};
use serde_json::Value as Json;

/// What a relay says to a node.
#[derive(Debug)]
pub struct RelayState {
    /// Scheme, host and port.
    pub relay: String,
    /// `takes posts` or `is on standby`; the fault where it does neither, as what follows the relay's name.
    pub said: Result<&'static str, String>,
}

impl RelayState {
    /// `relay`, `ok` and `said`.
    pub fn to_json(&self) -> Json {
        let said = match &self.said {
            Ok(said) => said,
            Err(fault) => fault.as_str(),
        };
        json!({ "relay": self.relay, "ok": self.said.is_ok(), "said": said })
    }
}

/// Sends a signed post without events to each relay of a node, within its `timeout`. Empty for any other configuration.
pub fn ask_relays(config: &Config) -> Vec<RelayState> {
    let endpoint = config.relays();
    let Some((endpoint, relays)) = endpoint.and_then(|endpoint| Some((endpoint, endpoint.relays.as_ref()?)))
    else {
        return Vec::new();
    };
    let client = Client::new(endpoint, Reach::Configured);
    let ask = |url| {
        let said = match &client {
            Ok(client) => ask_relay(endpoint, client, (&relays.head, url), clock::unix_ms()),
            Err(error) => Err(error.reason.clone()),
        };
        RelayState { relay: shown_relay(url), said: said.map_err(|fault| config.scrubber.scrub(&fault)) }
    };
    relays.urls.iter().map(ask).collect()
}
