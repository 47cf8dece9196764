//! The address of a task's output: what a card may link to or show.

use super::context::Context;
use super::swarmui::image_url::address;
use crate::event::is_picture;
use serde_json::Value as Json;
use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The http or https address of an output; a relative one is prefixed with `host.base_url`.
pub(super) fn output_url(output: &Json, context: &Context) -> Option<Url> {
    let given = output.get("url").and_then(Json::as_str).filter(|url| !url.is_empty())?;
    let url = match Url::parse(given) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let base = context.text_at(&["host", "base_url"])?;
            Url::parse(&address(given, base)).ok()?
        }
        Err(_) => return None,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}

pub(super) fn is_image(output: &Json, url: &Url) -> bool {
    is_picture(output, url.path())
}

/// Whether another server could fetch it, as chat platforms do to show an image. Judges the name only and protects
/// nothing.
pub(super) fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let local = ["localhost", "local", "internal", "lan", "home", "test", "invalid"];
            name.contains('.') && !local.contains(&name.rsplit('.').next().unwrap_or_default())
        }
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || a == 0
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.to_ipv4_mapped() {
        Some(mapped) => is_public_v4(mapped),
        // Only 2000::/3 is routed.
        None => address.segments()[0] & 0xe000 == 0x2000,
    }
}
