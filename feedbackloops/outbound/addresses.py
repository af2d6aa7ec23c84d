"""Which addresses a call may go to. Pure: no clock, no network, no settings."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")

# The first match names the reason, so a narrow network stands before a wide one around it.
# Sources: the IANA special-purpose address registries (RFC 6890), RFC 7526 for 6to4 relays.
_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "an address of this network"),
        ("10.0.0.0/8", "a private network address"),
        ("100.64.0.0/10", "an address behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.169.254/32", "a cloud metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private network address"),
        ("192.0.0.0/24", "reserved for protocol assignments"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private network address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 clothes"),
        ("::/96", "an IPv4 address in IPv6 clothes"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("100::/64", "a discard address"),
        ("2001::/32", "a Teredo address"),
        ("2001:2::/48", "a benchmarking address"),
        ("2001:10::/28", "an ORCHID identifier"),
        ("2001:20::/28", "an ORCHID identifier"),
        ("2001::/23", "reserved for protocol assignments"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
        ("5f00::/16", "a segment routing identifier"),
        ("fc00::/7", "a private network address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)


def problem(address: str | Address, allowed: Sequence[Network] = ()) -> str | None:
    """Return None when a call may go to `address`, else why not, as a clause that starts with "it is".

    `allowed` are the operator's networks and outweigh every refusal but a scope id (RFC 4007). An IPv4-mapped
    address (RFC 4291, 2.5.5.2) is looked up among them by the IPv4 address that it carries.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "it is not an IP address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return "it is an address with a scope id"
    if _is_allowed(parsed, allowed):
        return None
    return _refusal(parsed)


def _is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    meant = mapped or address
    return any(meant in network for network in allowed)


def _refusal(address: Address) -> str | None:
    for network, what in _REFUSED:
        if address in network:
            return f"it is {what} ({network})"
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return f"it is outside the global unicast addresses ({_GLOBAL_UNICAST})"
    if not address.is_global:
        return "it is not a public address"
    return None
