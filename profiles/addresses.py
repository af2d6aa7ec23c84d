"""The e-mail address of a profile, as it is looked up. Pure."""

import re
from email.utils import parseaddr
from typing import Final

LONGEST_ADDRESS: Final = 320

# As PostgreSQL's regular expressions understand it, too: `Profile.address` is made on either side.
ADDRESS: Final = r"^[^\s@<>]+@[^\s@<>]+$"
_ADDRESS = re.compile(ADDRESS)


def normal_address(text: str) -> str:
    """An address as it is compared: alone (`Ann <ann@example.com>` has a name beside it), in lower case."""
    address = parseaddr(text)[1] or text
    return address.strip().lower()


def address_in(fields: dict[str, str], name: str) -> str:
    """The address that a profile's field of this name holds; "" where it holds none."""
    value = fields.get(name, "").strip(" ")
    return value.lower() if _ADDRESS.search(value) and len(value.lower()) <= LONGEST_ADDRESS else ""
