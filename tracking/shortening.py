"""IP addresses as an account has them kept. Pure."""

from ipaddress import ip_network
from typing import Final

WHOLE: Final = "whole"
SHORTENED: Final = "shortened"
NONE: Final = "none"

_PREFIXES: Final = {4: 24, 6: 48}


def kept_address(address: str, keeping: str) -> str:
    """The address whole, as the first one of its network (IPv4: /24, IPv6: /48), or "" for none at all.

    What is no address is not kept unless all is.
    """
    if keeping == WHOLE:
        return address
    if keeping == NONE:
        return ""
    try:
        bare = address.partition("%")[0]
        prefix = _PREFIXES[6 if ":" in bare else 4]
        return str(ip_network(f"{bare}/{prefix}", strict=False).network_address)
    except ValueError:
        return ""
