//! Which addresses may be dialled. Our own because no crate refuses every address that carries a private or
//! metadata address inside, and because the address that is vetted must be the one that is dialled.
//!
//! The tables follow the IANA special-purpose registries (RFC 6890 and its updates) and the address
//! families that carry an IPv4 address inside an IPv6 one: v4-mapped and v4-compatible (RFC 4291),
//! NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056) and Teredo (RFC 4380).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses may be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A configured endpoint: loopback and LAN too, never link-local or cloud metadata.
    Configured,
    /// A URL that a task named: public addresses only.
    Public,
}

/// A block of IPv4 addresses, its prefix length, and what it is.
type Block4 = (Ipv4Addr, u32, &'static str);

/// A block of IPv6 addresses, its prefix length, and what it is.
type Block6 = (Ipv6Addr, u32, &'static str);

const METADATA: &str = "it serves cloud metadata";
const LINK_LOCAL: &str = "it is link-local, where cloud metadata is served";
const UNSPECIFIED: &str = "it is the unspecified address or its network";
const MULTICAST: &str = "it is multicast";
const DOCUMENTATION: &str = "it is reserved for documentation";
const SPECIAL: &str = "it is reserved for a special purpose";

/// IPv4 blocks that are never dialled.
const NEVER_4: &[Block4] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, UNSPECIFIED),
    (Ipv4Addr::new(100, 100, 100, 200), 32, METADATA),
    (Ipv4Addr::new(168, 63, 129, 16), 32, METADATA),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LINK_LOCAL),
    (Ipv4Addr::new(192, 0, 0, 192), 32, METADATA),
    (Ipv4Addr::new(224, 0, 0, 0), 4, MULTICAST),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "it is the broadcast address"),
];

/// IPv4 blocks that are not public.
const PRIVATE_4: &[Block4] = &[
    (Ipv4Addr::new(10, 0, 0, 0), 8, "it is private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "it is behind a carrier's NAT"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "it is loopback"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "it is private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 0, 2, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(192, 31, 196, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 52, 193, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "it is a 6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "it is private"),
    (Ipv4Addr::new(192, 175, 48, 0), 24, SPECIAL),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "it is reserved for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(203, 0, 113, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "it is reserved"),
];

/// IPv6 blocks that are never dialled.
const NEVER_6: &[Block6] = &[
    (Ipv6Addr::UNSPECIFIED, 128, UNSPECIFIED),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, METADATA),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, METADATA),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LINK_LOCAL),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, MULTICAST),
];

/// IPv6 blocks that are not public. What lies outside 2000::/3 and is not named here is refused too.
const PRIVATE_6: &[Block6] = &[
    (Ipv6Addr::LOCALHOST, 128, "it is loopback"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "it is a local NAT64 address"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 32, "it is a discard address"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "it is a Teredo address"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, SPECIAL),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, DOCUMENTATION),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, SPECIAL),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, DOCUMENTATION),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "it is a segment routing address"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "it is private"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "it is site-local"),
];

/// The only IPv6 block that holds public addresses.
const GLOBAL_6: Block6 = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, "");

/// Whether this address may be dialled; if not, why, as a clause that follows the address in a
/// sentence.
///
/// [`Reach::Configured`] refuses link-local, cloud-metadata, unspecified, multicast and broadcast
/// addresses, also inside an IPv6 address that carries them. [`Reach::Public`] allows only globally
/// routed unicast addresses.
pub fn vet(ip: IpAddr, reach: Reach) -> Result<(), &'static str> {
    match ip {
        IpAddr::V4(ip) => vet_v4(ip, reach),
        IpAddr::V6(ip) => vet_v6(ip, reach),
    }
}

fn vet_v4(ip: Ipv4Addr, reach: Reach) -> Result<(), &'static str> {
    refuse_in_4(ip, NEVER_4)?;
    match reach {
        Reach::Configured => Ok(()),
        Reach::Public => refuse_in_4(ip, PRIVATE_4),
    }
}

fn vet_v6(ip: Ipv6Addr, reach: Reach) -> Result<(), &'static str> {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return vet_v4(inner, reach);
    }
    refuse_in_6(ip, NEVER_6)?;
    if ip != Ipv6Addr::LOCALHOST {
        for inner in carried(ip).into_iter().flatten() {
            vet_v4(inner, reach)?;
        }
    }
    if reach == Reach::Configured {
        return Ok(());
    }
    refuse_in_6(ip, PRIVATE_6)?;
    if within_6(ip, &GLOBAL_6) || is_nat64(ip) { Ok(()) } else { Err("it is not a public address") }
}

/// The IPv4 addresses that packets to this address may end at.
fn carried(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let whole = u128::from(ip);
    let segments = ip.segments();
    let last = Ipv4Addr::from(whole as u32);
    match segments {
        [0, 0, 0, 0, 0, 0, _, _] => [Some(last), None],
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => [Some(last), None],
        // A local NAT64 prefix may be /96 or /48; in the latter bits 64 to 71 are skipped. Reading one
        // as the other gives an address in 0.0.0.0/8, which says nothing.
        [0x64, 0xff9b, 1, ..] => {
            let high = (whole >> 64) as u16;
            let low = (whole >> 40) as u16;
            let other = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
            [last, other].map(|inner| Some(inner).filter(|inner| inner.octets()[0] != 0))
        }
        [0x2002, ..] => [Some(Ipv4Addr::from((whole >> 80) as u32)), None],
        // Teredo: the server in clear, the client with every bit turned over.
        [0x2001, 0, ..] => {
            [Some(Ipv4Addr::from((whole >> 64) as u32)), Some(Ipv4Addr::from(!(whole as u32)))]
        }
        _ => [None, None],
    }
}

fn is_nat64(ip: Ipv6Addr) -> bool {
    matches!(ip.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _])
}

fn refuse_in_4(ip: Ipv4Addr, blocks: &[Block4]) -> Result<(), &'static str> {
    let inside = |(base, bits, _): &&Block4| (u32::from(ip) ^ u32::from(*base)) >> (32 - bits) == 0;
    blocks.iter().find(inside).map_or(Ok(()), |(_, _, why)| Err(*why))
}

fn refuse_in_6(ip: Ipv6Addr, blocks: &[Block6]) -> Result<(), &'static str> {
    blocks.iter().find(|block| within_6(ip, block)).map_or(Ok(()), |(_, _, why)| Err(*why))
}

fn within_6(ip: Ipv6Addr, (base, bits, _): &Block6) -> bool {
    (u128::from(ip) ^ u128::from(*base)) >> (128 - bits) == 0
}

/// Names under which clouds serve metadata. A proxy resolves them itself, so no address of theirs is vetted.
const METADATA_NAMES: &[&str] = &[
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.tencentyun.com",
];

pub(super) fn is_metadata_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    METADATA_NAMES.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(ip: &str, reach: Reach) -> bool {
        vet(ip.parse().unwrap(), reach).is_ok()
    }

    #[test]
    fn link_local_and_metadata_are_refused_in_every_form() {
        for ip in "\
            169.254.169.254 169.254.0.1 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 0.0.0.0 \
            0.1.2.3 224.0.0.1 239.255.255.255 255.255.255.255 :: fe80::1 febf::1 ff02::1 fd00:ec2::254 \
            fd20:ce::254 ::ffff:169.254.169.254 ::ffff:0.0.0.0 ::169.254.169.254 64:ff9b::169.254.169.254 \
            64:ff9b::100.100.100.200 64:ff9b:1::169.254.169.254 64:ff9b:1:a9fe:a9:fe00:: 2002:a9fe:a9fe::1 \
            2002:6464:64c8:: 2001:0:a9fe:a9fe::1 2001:0:808:808::5601:5601"
            .split_whitespace()
        {
            assert!(!allowed(ip, Reach::Configured), "{ip}");
            assert!(!allowed(ip, Reach::Public), "{ip}");
        }
    }

    #[test]
    fn a_configured_endpoint_may_be_loopback_or_lan_and_a_tasks_url_may_not() {
        for ip in "\
            127.0.0.1 127.255.255.255 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 \
            100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 \
            198.51.100.1 203.0.113.1 240.0.0.1 ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::8.8.8.8 \
            64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 2002:0a00:0001::1 2001:0:808:808::f7f7:f7f7 2001:10::1 \
            2001:db8::1 3fff::1 3fff:fff::1 5f00::1 100::1 fc00::1 fdff::1 fec0::1 4000::1"
            .split_whitespace()
        {
            assert!(allowed(ip, Reach::Configured), "{ip}");
            assert!(!allowed(ip, Reach::Public), "{ip}");
        }
    }

    #[test]
    fn public_addresses_are_always_allowed() {
        for ip in "\
            1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
            169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 \
            198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2001:4860:4860::8888 2a00::1 \
            ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1"
            .split_whitespace()
        {
            assert!(allowed(ip, Reach::Configured), "{ip}");
            assert!(allowed(ip, Reach::Public), "{ip}");
        }
    }

    #[test]
    fn metadata_names_are_known_in_any_case_and_with_a_final_dot() {
        assert!(is_metadata_name("Metadata.Google.Internal."));
        assert!(!is_metadata_name("metadata.example.com"));
    }
}
