"""What a User-Agent tells: whether it is a known robot, and which program, system and device a person has."""

from dataclasses import dataclass
from typing import Final

import crawleruseragents
import ua_parser

# Families that ua-parser knows, and that are how people read mail.
MAIL_PROGRAMS: Final = frozenset(
    {
        "Airmail",
        "Apple Mail",
        "Foxmail",
        "Lotus Notes",
        "Mail",
        "Outlook",
        "Outlook-iOS",
        "Postbox",
        "Spark",
        "Thunderbird",
        "Windows Live Mail",
        "eM Client",
    }
)
# All browsers call themselves so, and programs that are none mostly don't.
_BROWSERS: Final = ("Mozilla/", "Opera/", "Dalvik/")
# What ua-parser calls devices of which it knows nothing, or that are robots.
_NO_DEVICES: Final = frozenset({"Spider", "Generic Smartphone", "Generic Feature Phone", "K", "iOS-Device"})
LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Agent:
    """`client`, `os` and `device` as people know them (Firefox 140, iOS 18, iPhone); "" for what is unknown."""

    is_robot: bool = False
    is_browser: bool = False
    is_mail_program: bool = False
    client: str = ""
    os: str = ""
    device: str = ""


def agent_of(useragent: str) -> Agent:
    """What this tells. It takes about 0.2 ms: remember what came of it."""
    if not useragent:
        return Agent()
    found = ua_parser.parse(useragent)
    family = found.user_agent.family if found.user_agent else ""
    device = found.device.family if found.device else ""
    is_mail_program = family in MAIL_PROGRAMS
    return Agent(
        # Those that it has no name for, it mostly knows for what they are.
        is_robot=crawleruseragents.is_crawler(useragent) or device == "Spider",
        is_browser=bool(family) and useragent.startswith(_BROWSERS) and not is_mail_program,
        is_mail_program=is_mail_program,
        client=_named(family, found.user_agent.major if found.user_agent else None),
        os=_named(found.os.family, found.os.major) if found.os else "",
        device="" if device in _NO_DEVICES else device[:LONGEST],
    )


def _named(family: str, version: str | None) -> str:
    return f"{family} {version or ''}".strip()[:LONGEST]
