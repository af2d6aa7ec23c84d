"""What happens on the demo's day: mails that go out, and what comes of each. Pure; times are aware."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Final

# How busy the hours of a day are, from midnight on, where the recipients live.
HOURS: Final = (2, 1, 1, 1, 1, 3, 8, 14, 20, 22, 18, 16, 19, 17, 14, 14, 15, 18, 22, 26, 28, 22, 12, 5)
ZONE: Final = timezone(timedelta(hours=1))
MAILS: Final = 1_500
TARGETS: Final = (
    "https://shop.example.com/night-trains?utm_source=mail",
    "https://shop.example.com/islands/texel",
    "https://shop.example.com/account/bookings",
    "https://shop.example.com/voucher?code=VERTREK10",
)
SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "newsletter": ("Night trains: 12 new destinations", "Where to go when it rains 🌧"),
    "booking": ("Your booking is confirmed", "Your tickets for Saturday"),
    "reminder": ("Still thinking about Texel?", "Your basket is waiting"),
    "survey": ("How was your journey?",),
}
BROWSERS: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605",
)
LANGUAGES: Final = ("nl-NL,nl;q=0.9,en;q=0.8", "nl,en-US;q=0.7", "de-DE,de;q=0.9", "fr-BE,fr;q=0.9,nl;q=0.6")
# Through whom a mailbox provider's users see the pictures of their mails.
PROXY: Final[dict[str, Any]] = {
    "ip": "66.249.93.41",
    "useragent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
}
TAKEN: Final[dict[str, Any]] = {"code": 250, "extended": "2.0.0", "description": "OK: queued"}
BOUNCE: Final = "Content-Type: text/plain\n\nThe mailbox of this user is full (552 5.2.2).\n"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that comes of a mail: an event's type, its moment, and what is seen."""

    type: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to the person of this number, and what comes of it, in order of time."""

    person: int
    sent: datetime
    kind: str
    subject: str
    happenings: list[Happening] = field(default_factory=list)


def a_day(start: datetime, end: datetime, people: int, chance: Random, mails: int = MAILS) -> list[Mail]:
    """The mails that go out from `start` to `end`, `mails` in 24 hours; nothing comes of one after `end`."""
    number = round(mails * (end - start) / timedelta(days=1))
    planned = [_mail(_moment(start, end, chance), people, chance) for _ in range(number)]
    return [_until(mail, end) for mail in sorted(planned, key=lambda mail: mail.sent)]


def _moment(start: datetime, end: datetime, chance: Random) -> datetime:
    """Busy hours are likelier than others; to the millisecond, as ids are."""
    while True:
        moment = start + chance.random() * (end - start)
        if chance.random() * max(HOURS) <= HOURS[moment.astimezone(ZONE).hour]:
            return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _mail(sent: datetime, people: int, chance: Random) -> Mail:
    kind = chance.choices(list(SUBJECTS), (60, 25, 11, 4))[0]
    mail = Mail(chance.randrange(people), sent, kind, chance.choice(SUBJECTS[kind]))
    mail.happenings.extend(_happenings(mail, chance))
    return mail


def _happenings(mail: Mail, chance: Random) -> Iterator[Happening]:
    arrived = mail.sent + timedelta(milliseconds=round(chance.lognormvariate(7.3, 0.8)))
    if chance.random() < 0.012:
        yield Happening("bounce", arrived, {"envelope": "bounces@mail.example.com", "mime": BOUNCE})
        return
    yield Happening("delivery", arrived, TAKEN)
    if chance.random() > (0.78 if mail.kind == "booking" else 0.46):
        return
    seen = {
        "ip": f"198.51.100.{chance.randint(1, 250)}",
        "useragent": chance.choice(BROWSERS),
        "accept-language": chance.choice(LANGUAGES),
    }
    picture = PROXY if chance.random() < 0.25 else seen
    opened = arrived + timedelta(milliseconds=round(chance.lognormvariate(14.2, 1.3)))
    yield Happening("open", opened, picture)
    if chance.random() < 0.36:
        link = chance.randint(1, len(TARGETS))
        clicked = opened + timedelta(milliseconds=round(chance.lognormvariate(9.6, 0.8)))
        yield Happening("click", clicked, seen | {"original": TARGETS[link - 1], "link": link})
    elif mail.kind == "newsletter" and chance.random() < 0.012:
        yield Happening("unsubscribe", opened + timedelta(seconds=20), seen)
    if chance.random() < 0.18:
        yield Happening("open", opened + timedelta(hours=chance.uniform(0.1, 9)), picture)


def _until(mail: Mail, end: datetime) -> Mail:
    kept = sorted((each for each in mail.happenings if each.at < end), key=lambda each: each.at)
    return Mail(mail.person, mail.sent, mail.kind, mail.subject, kept)
