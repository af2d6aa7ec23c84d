"""docs/events.md: every event with its source, its fields and an example POST, from what the code itself goes by."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from feedbackloops.protocol.payload import EVENT_TYPES, MIME_LIMIT, NAMES, EventFacts, build, form
from feedbackloops.protocol.samples import ABOUT_PROFILES, FACTS, OF_SUBPROFILE, SNAPSHOT
from profiles.sentences import Sentence, gettext_noop
from tracking.reports import LONGEST_ADDRESS, LONGEST_TEXT, LONGEST_USER_AGENT, REQUIRED

# An instant with its UUIDv7 (RFC 9562), and a message of some minutes before.
_AT: Final = datetime(2026, 3, 29, 9, 30, 5, tzinfo=UTC)
_EVENT: Final = UUID("019d38ed-d948-7c1e-8f0a-5b6f3e2d1c0b")
_MESSAGE: Final = UUID("019d38e3-2a10-7d44-9a31-7c2f10b4e5d6")

SOURCES: Final[Mapping[str, Sentence]] = MappingProxyType(
    {
        "click": Sentence(
            gettext_noop(
                "A recipient follows a tracked link. Each time is an event, also the second one of the same link. Of "
                "mails that we don't track, the provider that sends them may tell ([webhooks](esp.md))."
            )
        ),
        "open": Sentence(
            gettext_noop(
                "A recipient's mail program loads the pixel. Each time is an event. Of mails that we don't track, the "
                "provider that sends them may tell ([webhooks](esp.md))."
            )
        ),
        "delivery": Sentence(
            gettext_noop(
                "The recipient's mail server has taken the mail, as a report of the delivery tells (RFC 3464), or the "
                "provider that sends ([webhooks](esp.md))."
            )
        ),
        "failure": Sentence(
            gettext_noop(
                "The mail could not be delivered for good: the mail server refused it while it was sent (`state` says "
                "at which command), or it came back later (`bounce`). Providers that send ([webhooks](esp.md)) tell "
                "of a mail that they refused as well."
            )
        ),
        "bounce": Sentence(
            gettext_noop(
                "A mail came back about this message, whatever it says: a report of a failure, a machine's answer. "
                "Where a provider that sends tells of it ([webhooks](esp.md)) and keeps the mail, `mime` is a report "
                "in the same form (RFC 3464), written from what it told."
            )
        ),
        "abuse": Sentence(
            gettext_noop(
                "The recipient called the mail spam, and the mailbox provider tells of it, by a mail or through the "
                "provider that sends ([webhooks](esp.md)); `mime` is then a report in the same form (RFC 5965)."
            )
        ),
        "unsubscribe": Sentence(
            gettext_noop(
                "A recipient leaves: by the button that mail programs show (RFC 8058), or on the page that the link "
                "in the mail leads to; or by a link of the provider that sends ([webhooks](esp.md)). Each press is an "
                "event. What it changes of the profile is an `update` or a `delete` of its own."
            )
        ),
        "create": Sentence(gettext_noop("A profile or a subprofile was made: by staff, by an import, by a program.")),
        "update": Sentence(
            gettext_noop("A profile or a subprofile was changed: by staff, by a program, by an unsubscribe.")
        ),
        "delete": Sentence(
            gettext_noop(
                "A profile or a subprofile was removed. With a profile go its subprofiles, each with a `delete` of "
                "its own."
            )
        ),
    }
)
_PHP_TIME: Final = "`YYYY-MM-DD HH:MM:SS`"
MEANINGS: Final[Mapping[str, Sentence]] = MappingProxyType(
    {
        "type": Sentence(gettext_noop("which of those below it is")),
        "timestamp": Sentence(
            gettext_noop("when it happened, %(format)s in UTC; not when it was sent"), format=_PHP_TIME
        ),
        "time": Sentence(gettext_noop("the same instant in Unix seconds")),
        "event": Sentence(gettext_noop("the event's id, a UUID; the same in every retry")),
        "id": Sentence(gettext_noop("the message's id, a UUID")),
        "recipient": Sentence(gettext_noop("the address that the message went to")),
        "tags": Sentence(gettext_noop("the message's tags: texts of up to 200 characters")),
        "ip": Sentence(gettext_noop("IPv4 or IPv6 address that the request came from, as text")),
        "useragent": Sentence(
            gettext_noop("the request's User-Agent, up to %(most)s characters"), most=f"{LONGEST_USER_AGENT:,}"
        ),
        "referer": Sentence(gettext_noop("the request's Referer, up to %(most)s characters"), most=f"{LONGEST_TEXT:,}"),
        "original": Sentence(gettext_noop("the URL that the link leads to, as it stood in the mail")),
        "link": Sentence(gettext_noop("which of the mail's links it is, counted from 1")),
        "first": Sentence(
            gettext_noop(
                "`1` on the first open of the message, or the first click on this link, that no machine made; left "
                "out otherwise"
            )
        ),
        "verdict": Sentence(
            gettext_noop(
                "who made it: `human`, `proxy` (a person's mailbox provider: neither time nor address is the "
                "person's), `machine` (a scanner, a robot) or `unknown`; [more](people.md)"
            )
        ),
        "reasons": Sentence(
            gettext_noop("what the verdict follows from: words such as `browser`, `apple-mail-privacy`, `burst`")
        ),
        "client": Sentence(gettext_noop("the program that it was made with, such as `Firefox 140`")),
        "os": Sentence(gettext_noop("the system that it runs on, such as `iOS 18`; not of machines and proxies")),
        "device": Sentence(gettext_noop("the device, such as `iPhone`; not of machines and proxies")),
        "profile": Sentence(gettext_noop("the profile's number")),
        "subprofile": Sentence(
            gettext_noop("the subprofile's number, where it is one; `profile` is then the one that it belongs to")
        ),
        "collection": Sentence(gettext_noop("the number of the subprofile's collection")),
        "database": Sentence(gettext_noop("the number of the profile's database")),
        "fields": Sentence(gettext_noop("the profile's (or subprofile's) fields: names and texts")),
        "interests": Sentence(gettext_noop("the profile's interests: texts; a subprofile has none")),
        "parameters": Sentence(
            gettext_noop("the fields that this change set; one that it removed is set to the empty text")
        ),
        "created": Sentence(
            gettext_noop("when the profile or subprofile was made, %(format)s in UTC"), format=_PHP_TIME
        ),
        "modified": Sentence(gettext_noop("when it was last changed, %(format)s in UTC"), format=_PHP_TIME),
        "code": Sentence(gettext_noop("SMTP reply code (RFC 5321), a number from 200 to 599")),
        "extended": Sentence(gettext_noop("enhanced status code (RFC 3463), such as `5.1.1`")),
        "description": Sentence(
            gettext_noop("the mail server's words, up to %(most)s characters"), most=f"{LONGEST_TEXT:,}"
        ),
        "action": Sentence(gettext_noop("`failed`")),
        "state": Sentence(
            gettext_noop(
                "the SMTP command at which it failed (`mail`, `rcpt`, `data`); `bounce` when it was reported later"
            )
        ),
        "envelope": Sentence(
            gettext_noop("the address that it came back to, up to %(most)s characters"), most=LONGEST_ADDRESS
        ),
        "mime": Sentence(
            gettext_noop("the raw mail, headers and all, up to %(most)s bytes; what is not UTF-8 in it is replaced"),
            most=f"{MIME_LIMIT:,}",
        ),
        "mime_truncated": Sentence(gettext_noop("`1` where `mime` was cut")),
        "emailfrom": Sentence(
            gettext_noop("who complained, or who told of it, up to %(most)s characters"), most=LONGEST_ADDRESS
        ),
    }
)
# A page of the documents, named in brackets or at the end.
_LINK: Final = re.compile(r"(?:; | \()\[[^]]*\]\([^)]*\)\)?")
ALWAYS: Final = ("type", "timestamp", "time", "event")
_OF_PROFILES: Final = ("profile", "database", "fields", "parameters", "created", "modified")
_HEAD: Final = """# Events

Every event that a [feedback loop](glossary.md#feedback-loop) sends: where it comes from, what each field may hold, and
an example call, as a form and as JSON. How calls are made, signed and repeated stands in
[Receiving events](receiving.md).

This page is written by `manage.py event_catalogue` from what the code itself sends; change it there.

A field with a `?` is left out when it is not known. `[]` is a list and `[…]` a map; in JSON their names have no
brackets, and in a form an empty one leaves no trace. New fields may be added at any time: ignore those that you don't
know. In the examples each pair of the form has a line of its own, which a real body does not have.

## Every event

| field | holds |
| --- | --- |
"""


def plain(text: str) -> str:
    """What a source or a meaning says, without what is only Markdown: links into the documents, marks of code."""
    return _LINK.sub("", text).replace("`", "")


def catalogue() -> str:
    """The page, as Markdown."""
    every = "".join(f"| `{name}` | {MEANINGS[name]} |\n" for name in ALWAYS)
    return "\n".join([_HEAD + every, *(_section(type) for type in EVENT_TYPES)])


def example_of(type: str) -> dict[str, Any]:
    """What a call about a sample event of this type holds."""
    is_profile = type in ABOUT_PROFILES
    facts = EventFacts(_EVENT, type, _AT, FACTS[type], None if is_profile else _MESSAGE)
    return build(facts, None if is_profile else SNAPSHOT)


def sample_of(type: str) -> dict[str, Any]:
    """What such a call holds but for what every event has."""
    return {name: value for name, value in example_of(type).items() if name not in ALWAYS}


def subprofile_example(type: str) -> dict[str, Any]:
    """What a call about a sample subprofile holds."""
    of_profile = {name: FACTS[type][name] for name in ("created", "modified") if name in FACTS[type]}
    set_by_it = {} if type == "delete" else {"parameters": {"total": "89.95"}}
    return build(EventFacts(_EVENT, type, _AT, OF_SUBPROFILE | set_by_it | of_profile), None)


def _section(type: str) -> str:
    return _about(type, example_of(type)) + (_of_subprofile(type) if type in ABOUT_PROFILES else "")


def _of_subprofile(type: str) -> str:
    example = json.dumps(subprofile_example(type), ensure_ascii=False, indent=2)
    return f"\nOf a subprofile:\n\n```json\n{example}\n```\n"


def _about(type: str, example: Mapping[str, Any]) -> str:
    body = form(example).decode("ascii").replace("&", "&\n")
    return "\n".join(
        [
            f"## {type}\n",
            f"{SOURCES[type]}\n",
            "| field | holds |\n| --- | --- |",
            *_rows(type, example),
            f"\n```text\n{body}\n```\n",
            f"```json\n{json.dumps(example, ensure_ascii=False, indent=2)}\n```\n",
        ]
    )


def _rows(type: str, example: Mapping[str, Any]) -> Iterator[str]:
    for name in NAMES[type]:
        mark = "" if is_always_there(type, name) else "?"
        yield f"| `{name}{_brackets(example.get(name))}{mark}` | {MEANINGS[name]} |"
        if name == "mime":
            yield f"| `mime_truncated?` | {MEANINGS['mime_truncated']} |"


def is_always_there(type: str, name: str) -> bool:
    """Whether each event of this type has the field."""
    if type in ABOUT_PROFILES:
        return name in _OF_PROFILES
    return name == "id" or name in REQUIRED.get(type, ())


def _brackets(value: Any) -> str:
    return "[…]" if isinstance(value, dict) else "[]" if isinstance(value, list) else ""
