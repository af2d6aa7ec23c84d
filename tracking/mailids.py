"""What mails are compared by. Pure."""

import re
from typing import Final

# Lines of a header have 998 characters at the most (RFC 5322, 2.1.1); an index can't hold any more of it.
LONGEST_MESSAGE_ID: Final = 998

# Our id in an ESP's metadata, which its webhooks send back. Some ESPs have names of 20 characters at the most.
METADATA_KEY: Final = "suite_message"

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")


def normal_message_id(header: str) -> str:
    """A Message-ID as it is stored and compared: unfolded, without brackets; "" for what can't be one."""
    text = _UNPRINTABLE.sub("", header)
    inner = text.removeprefix("<").removesuffix(">")
    return inner if len(inner) <= LONGEST_MESSAGE_ID else ""
