"""Whether a person lets us see what they open and click. Pure."""

from collections.abc import Mapping
from typing import Final

NOT_ASKED: Final = "not-asked"
OPT_OUT: Final = "opt-out"
OPT_IN: Final = "opt-in"

# What a field may hold for a yes and for a no, whatever its case and the white space around it.
YES: Final = ("1", "on", "true", "y", "yes")
NO: Final = ("0", "false", "n", "no", "off")


def consents(fields: Mapping[str, str], rule: str, name: str) -> bool:
    """Whether a profile with these fields is tracked, by its database's rule and the field of that name.

    Opt-out: unless the field says no. Opt-in: only where it says yes. Else always.
    """
    value = fields.get(name, "").strip().lower()
    if rule == OPT_OUT:
        return value not in NO
    return rule != OPT_IN or value in YES
