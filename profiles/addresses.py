"""The e-mail address of a profile, as it is looked up. Pure."""

import re
from email.utils import parseaddr
from typing import Final

LONGEST_ADDRESS: Final = 320

# As PostgreSQL's regular expressions understand it, too: `Profile.address` is made on either side.
ADDRESS: Final = r"^[^\s@<>]+@[^\s@<>]+$"
_ADDRESS = re.compile(ADDRESS)


def bare_address(text: str) -> str:
    """The address that a header names, without the name beside it (RFC 5322, 3.4); "" where it names none."""
    try:
        return parseaddr(text)[1]
    except RecursionError:
        # It goes into each comment in a comment, and a stranger wrote hundreds.
        return ""


def normal_address(text: str) -> str:
    """An address as it is compared: alone (`Ann <ann@example.com>` has a name beside it), in lower case."""
    address = bare_address(text) or text
    return address.strip().lower()


def whole_address(text: str) -> str:
    """The text in lower case where it is an address and nothing else; "" where it is not."""
    address = text.strip(" ").lower()
    return address if _ADDRESS.search(address) and len(address) <= LONGEST_ADDRESS else ""


def address_in(fields: dict[str, str], name: str) -> str:
    """The address that a profile's field of this name holds; "" where it holds none."""
    return whole_address(fields.get(name, ""))
