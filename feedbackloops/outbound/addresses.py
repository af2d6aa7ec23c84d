"""Which addresses a call may go to. Pure: no clock, no network, no settings."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from profiles.sentences import Sentence, gettext_noop

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# RFC 5214, 6.1: such an interface identifier, whatever its u and g bits, has an IPv4 address behind it.
_ISATAP, _U_AND_G = 0x00005EFE, 0x03000000

# The first match names the reason, so a narrow network stands before a wide one around it.
# Sources: the IANA special-purpose address registries (RFC 6890), RFC 7526 for 6to4 relays, the clouds' own documents
# for their metadata: Azure's stands among the public addresses.
_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", gettext_noop("an address of this network")),
        ("10.0.0.0/8", gettext_noop("a private network address")),
        ("100.100.100.200/32", gettext_noop("a cloud metadata address")),
        ("100.64.0.0/10", gettext_noop("an address behind a carrier's NAT")),
        ("127.0.0.0/8", gettext_noop("a loopback address")),
        ("168.63.129.16/32", gettext_noop("a cloud metadata address")),
        ("169.254.169.254/32", gettext_noop("a cloud metadata address")),
        ("169.254.0.0/16", gettext_noop("a link-local address")),
        ("172.16.0.0/12", gettext_noop("a private network address")),
        ("192.0.0.192/32", gettext_noop("a cloud metadata address")),
        ("192.0.0.0/24", gettext_noop("reserved for protocol assignments")),
        ("192.0.2.0/24", gettext_noop("a documentation address")),
        ("192.88.99.0/24", gettext_noop("a 6to4 relay address")),
        ("192.168.0.0/16", gettext_noop("a private network address")),
        ("198.18.0.0/15", gettext_noop("a benchmarking address")),
        ("198.51.100.0/24", gettext_noop("a documentation address")),
        ("203.0.113.0/24", gettext_noop("a documentation address")),
        ("224.0.0.0/4", gettext_noop("a multicast address")),
        ("255.255.255.255/32", gettext_noop("the broadcast address")),
        ("240.0.0.0/4", gettext_noop("a reserved address")),
        ("::/128", gettext_noop("the unspecified address")),
        ("::1/128", gettext_noop("a loopback address")),
        ("::ffff:0:0/96", gettext_noop("an IPv4 address in IPv6 clothes")),
        ("::/96", gettext_noop("an IPv4 address in IPv6 clothes")),
        ("64:ff9b::/96", gettext_noop("a NAT64 address")),
        ("64:ff9b:1::/48", gettext_noop("a NAT64 address")),
        ("100::/64", gettext_noop("a discard address")),
        ("2001::/32", gettext_noop("a Teredo address")),
        ("2001:2::/48", gettext_noop("a benchmarking address")),
        ("2001:10::/28", gettext_noop("an ORCHID identifier")),
        ("2001:20::/28", gettext_noop("an ORCHID identifier")),
        ("2001::/23", gettext_noop("reserved for protocol assignments")),
        ("2001:db8::/32", gettext_noop("a documentation address")),
        ("2002::/16", gettext_noop("a 6to4 address")),
        ("3fff::/20", gettext_noop("a documentation address")),
        ("5f00::/16", gettext_noop("a segment routing identifier")),
        ("fd00:ec2::/32", gettext_noop("a cloud metadata address")),
        ("fd20:ce::254/128", gettext_noop("a cloud metadata address")),
        ("fc00::/7", gettext_noop("a private network address")),
        ("fe80::/10", gettext_noop("a link-local address")),
        ("fec0::/10", gettext_noop("a site-local address")),
        ("ff00::/8", gettext_noop("a multicast address")),
    )
)
_OUTSIDE = gettext_noop("outside the global unicast addresses")


def problem(address: str | Address, allowed: Sequence[Network] = ()) -> str | None:
    """Return None when a call may go to `address`, else why not, as a clause that starts with "it is".

    `allowed` are the operator's networks and outweigh every refusal but a scope id (RFC 4007). An IPv4-mapped
    address (RFC 4291, 2.5.5.2) is looked up among them by the IPv4 address that it carries. A NAT64 address
    (RFC 6052, 3.1) has to pass with both: allowing the prefix opens no way into the operator's own networks.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return Sentence(gettext_noop("it is not an IP address"))
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return Sentence(gettext_noop("it is an address with a scope id"))
    if not _is_allowed(parsed, allowed):
        return _refusal(parsed)
    return problem(_last_32_bits(parsed), allowed) if parsed in _NAT64 else None


def inner_parts(network: Network) -> list[tuple[Network, str]]:
    """Return the parts of a network whose addresses are refused, with what they are; none for a public network.

    Cloud metadata comes first: it gives away most.
    """
    parts: dict[Network, str] = {}
    for refused, what in _REFUSED:
        if refused.version == network.version and refused.overlaps(network):
            # Of two networks that overlap, one holds the other.
            parts.setdefault(max(refused, network, key=_prefix_length), what)
    if not parts and isinstance(network, IPv6Network) and not network.subnet_of(_GLOBAL_UNICAST):
        parts[network] = _OUTSIDE
    return sorted(parts.items(), key=lambda part: "metadata" not in part[1])


def _prefix_length(network: Network) -> int:
    return network.prefixlen


def _is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    meant = mapped or address
    return any(meant in network for network in allowed)


def _last_32_bits(address: Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _refusal(address: Address) -> str | None:
    for network, what in _REFUSED:
        if address in network:
            return _it_is(what, network)
    if isinstance(address, IPv6Address):
        if address not in _GLOBAL_UNICAST:
            return _it_is(_OUTSIDE, _GLOBAL_UNICAST)
        if (int(address) >> 32 & 0xFFFFFFFF) & ~_U_AND_G == _ISATAP:
            return Sentence(gettext_noop("it is an ISATAP address, which leads to an IPv4 address"))
    if not address.is_global:
        return Sentence(gettext_noop("it is not a public address"))
    return None


def _it_is(what: str, network: Network) -> Sentence:
    return Sentence(gettext_noop("it is %(what)s (%(network)s)"), what=Sentence(what), network=str(network))
