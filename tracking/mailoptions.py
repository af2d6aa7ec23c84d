"""What a mail of Django's says of how it is to be tracked: by attributes, or by headers that don't go out. Pure.

| attribute | header | |
| --- | --- | --- |
| account | X-Suite-Account | whose it is: an Account, its name or its number |
| tags | X-Suite-Tags | a list of texts; in the header with commas between them |
| tracking | X-Suite-Tracking | whether opens and clicks are tracked |
| list_unsubscribe | X-Suite-Unsubscribe | whether List-Unsubscribe is added (RFC 2369, RFC 8058) |
| database | X-Suite-Database | where the recipient's profile is looked for: a Database, its name or its number |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "x-suite-"
_SWITCH: Final = {
    "on": True,
    "yes": True,
    "true": True,
    "1": True,
    "off": False,
    "no": False,
    "false": False,
    "0": False,
}
_KNOWN: Final = ("account", "tags", "tracking", "unsubscribe", "database")


@dataclass(frozen=True, slots=True)
class MailOptions:
    """What the mail says; "" and None stand for what it says nothing of."""

    account: Any = ""
    tags: tuple[str, ...] = ()
    tracking: bool = True
    unsubscribe: bool = False
    database: Any = ""


def options_of(mail: Any) -> MailOptions:
    """What an EmailMessage says; an attribute goes before a header. Raises ValueError, in words for its program."""
    headers = _headers(mail.extra_headers)
    return MailOptions(
        account=_said(getattr(mail, "account", None), headers.get("account", "")),
        tags=_tags(getattr(mail, "tags", None), headers.get("tags", "")),
        tracking=_switch("tracking", getattr(mail, "tracking", None), headers.get("tracking", "on")),
        unsubscribe=_switch("unsubscribe", getattr(mail, "list_unsubscribe", None), headers.get("unsubscribe", "off")),
        database=_said(getattr(mail, "database", None), headers.get("database", "")),
    )


def without_options(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that go out."""
    return {name: value for name, value in headers.items() if not name.lower().startswith(PREFIX)}


def _headers(headers: Mapping[str, Any]) -> dict[str, str]:
    ours = {name.lower().removeprefix(PREFIX): str(value) for name, value in headers.items()
            if name.lower().startswith(PREFIX)}  # fmt: skip
    if strange := sorted(ours.keys() - set(_KNOWN)):
        names = ", ".join(f"X-Suite-{name.title()}" for name in _KNOWN)
        raise ValueError(f"There is no header X-Suite-{strange[0].title()}; there are {names}.")
    return ours


def _said(attribute: Any, header: str) -> Any:
    return header.strip() if attribute is None else attribute


def _tags(attribute: Any, header: str) -> tuple[str, ...]:
    if attribute is None:
        return tuple(tag.strip() for tag in header.split(",") if tag.strip())
    if isinstance(attribute, str):
        raise ValueError('The tags of a mail are a list of texts, such as ["spring", "shoes"].')
    return tuple(attribute)


def _switch(name: str, attribute: Any, header: str) -> bool:
    if attribute is not None:
        return bool(attribute)
    switch = _SWITCH.get(header.strip().lower())
    if switch is None:
        raise ValueError(f"The header X-Suite-{name.title()} has to be on or off, not {header!r:.40}.")
    return switch
