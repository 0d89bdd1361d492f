//! Which addresses a delivery may go to.
//!
//! An endpoint's URL is the operator's, but the name in it is resolved by others: without a rule, whoever
//! answers for that name could make the terminal talk to its own network. So only public addresses are
//! connected to, and those in a network that the operator allowed for the endpoint.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What an address is for, after the special-purpose registries of IANA (RFC 6890).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// On the public network.
    Public,
    /// `0.0.0.0/8`, `::`
    Unspecified,
    /// The terminal itself.
    Loopback,
    /// A private network (RFC 1918, RFC 4193).
    Private,
    /// One link, and on many clouds the service that gives out credentials.
    LinkLocal,
    /// The network of a provider, behind its address translation (RFC 6598).
    Shared,
    /// Many receivers at once, or all.
    Multicast,
    /// An address of IPv4 in one of IPv6: mapped, compatible, translated, tunnelled.
    Embedded,
    /// Everything else that is not on the public network: documentation, benchmarks, reserved.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Shared => "shared",
            Self::Multicast => "multicast",
            Self::Embedded => "IPv4 in IPv6",
            Self::Reserved => "reserved",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), length)
}

/// Networks of IPv4 that are not public. The first that holds an address says what it is.
const V4: [(Ipv4Net, AddressKind); 16] = [
    (v4(0, 0, 0, 0, 8), AddressKind::Unspecified),
    (v4(10, 0, 0, 0, 8), AddressKind::Private),
    (v4(100, 64, 0, 0, 10), AddressKind::Shared),
    (v4(127, 0, 0, 0, 8), AddressKind::Loopback),
    (v4(169, 254, 0, 0, 16), AddressKind::LinkLocal),
    (v4(172, 16, 0, 0, 12), AddressKind::Private),
    (v4(192, 0, 0, 0, 24), AddressKind::Reserved),
    (v4(192, 0, 2, 0, 24), AddressKind::Reserved),
    (v4(192, 88, 99, 0, 24), AddressKind::Reserved),
    (v4(192, 168, 0, 0, 16), AddressKind::Private),
    (v4(198, 18, 0, 0, 15), AddressKind::Reserved),
    (v4(198, 51, 100, 0, 24), AddressKind::Reserved),
    (v4(203, 0, 113, 0, 24), AddressKind::Reserved),
    (v4(224, 0, 0, 0, 4), AddressKind::Multicast),
    (v4(255, 255, 255, 255, 32), AddressKind::Multicast),
    (v4(240, 0, 0, 0, 4), AddressKind::Reserved),
];

/// The same of IPv6. What is in none of them and not in `2000::/3` is reserved.
const V6: [(Ipv6Net, AddressKind); 13] = [
    (v6(0x64, 0xff9b, 0, 96), AddressKind::Embedded),
    (v6(0x64, 0xff9b, 1, 48), AddressKind::Embedded),
    (v6(0x2001, 0, 0, 32), AddressKind::Embedded),
    (v6(0x2001, 0, 0, 23), AddressKind::Reserved),
    (v6(0x2001, 0xdb8, 0, 32), AddressKind::Reserved),
    (v6(0x2002, 0, 0, 16), AddressKind::Embedded),
    (v6(0x2620, 0x4f, 0x8000, 48), AddressKind::Reserved),
    (v6(0x3fff, 0, 0, 20), AddressKind::Reserved),
    (v6(0xfc00, 0, 0, 7), AddressKind::Private),
    (v6(0xfe80, 0, 0, 10), AddressKind::LinkLocal),
    (v6(0xfec0, 0, 0, 10), AddressKind::Private),
    (v6(0xff00, 0, 0, 8), AddressKind::Multicast),
    (v6(0x2000, 0, 0, 3), AddressKind::Public),
];

impl AddressKind {
    /// What this address is for.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => V4
                .iter()
                .find(|(network, _)| network.contains(&address))
                .map_or(Self::Public, |(_, kind)| *kind),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Self::Unspecified,
            IpAddr::V6(Ipv6Addr::LOCALHOST) => Self::Loopback,
            // ::a.b.c.d and ::ffff:a.b.c.d, and ::ffff:0:a.b.c.d of RFC 2765.
            IpAddr::V6(address)
                if matches!(
                    address.segments(),
                    [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _]
                ) =>
            {
                Self::Embedded
            }
            IpAddr::V6(address) => V6
                .iter()
                .find(|(network, _)| network.contains(&address))
                .map_or(Self::Reserved, |(_, kind)| *kind),
        }
    }
}

/// Whether a delivery may go to an address: to a public one, and to one in an allowed network; over
/// plain HTTP only to the latter. The error says what the address is.
pub(crate) fn permitted(address: IpAddr, allowed: &[IpNet], tls: bool) -> Result<(), AddressKind> {
    let kind = AddressKind::of(address);
    let in_allowed = allowed.iter().any(|network| network.contains(&address));
    if in_allowed || (tls && kind == AddressKind::Public) {
        Ok(())
    } else {
        Err(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn every_form_of_an_inner_address_is_known() {
        use AddressKind::{
            Embedded, LinkLocal, Loopback, Multicast, Private, Public, Reserved, Shared,
            Unspecified,
        };
        for (kind, texts) in [
            (
                Public,
                "8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0",
            ),
            (
                Public,
                "192.167.255.255 192.169.0.0 198.17.255.255 223.255.255.255",
            ),
            (Public, "2606:4700::1111 2a00:1450::1 3ffe::1"),
            (Unspecified, "0.0.0.0 0.1.2.3 ::"),
            (Loopback, "127.0.0.1 127.255.255.254 ::1"),
            (
                Private,
                "10.0.0.1 172.16.0.1 172.31.255.255 192.168.255.255 fc00::1 fdff::1 fec0::1",
            ),
            (LinkLocal, "169.254.169.254 fe80::1 febf::1"),
            (Shared, "100.64.0.0 100.127.255.255"),
            (
                Multicast,
                "224.0.0.1 239.255.255.255 255.255.255.255 ff02::1",
            ),
            (
                Embedded,
                "::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::8.8.8.8 ::ffff:0:10.0.0.1",
            ),
            (
                Embedded,
                "64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1:: 2001:0:4136:e378::1",
            ),
            (
                Reserved,
                "192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1",
            ),
            (
                Reserved,
                "203.0.113.1 240.0.0.1 255.255.255.254 100::1 2001:2::1 2001:db8::1",
            ),
            (Reserved, "3fff::1 5f00::1 4000::1 2620:4f:8000::1"),
        ] {
            for text in texts.split(' ') {
                assert_eq!(AddressKind::of(address(text)), kind, "{text}");
            }
        }
    }

    #[test]
    fn only_what_is_public_or_allowed_is_permitted() {
        let lan: IpNet = "192.168.1.0/24".parse().expect("a network");
        for (text, allowed, tls, expected) in [
            ("8.8.8.8", &[][..], true, Ok(())),
            ("8.8.8.8", &[], false, Err(AddressKind::Public)),
            ("8.8.8.8", &[lan], false, Err(AddressKind::Public)),
            ("192.168.1.20", &[], true, Err(AddressKind::Private)),
            ("192.168.1.20", &[lan], true, Ok(())),
            ("192.168.1.20", &[lan], false, Ok(())),
            ("192.168.2.20", &[lan], true, Err(AddressKind::Private)),
            ("127.0.0.1", &[lan], true, Err(AddressKind::Loopback)),
            (
                "::ffff:192.168.1.20",
                &[lan],
                true,
                Err(AddressKind::Embedded),
            ),
        ] {
            assert_eq!(
                permitted(address(text), allowed, tls),
                expected,
                "{text} {tls}"
            );
        }
    }
}
