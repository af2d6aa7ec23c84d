"""What staff are told of a tracking URL that they paste: what it says, whether it is ours, and who used it."""

from dataclasses import dataclass
from time import time
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.reach import limit, sees_all
from profiles.models import Account
from profiles.showing import when
from staff.finding import LARGEST_NUMBER, Found, may_see
from tracking.anatomy import Anatomy, Fault, take_apart
from tracking.blocking import BlockList
from tracking.hits import CLICK, OPEN, UNSUBSCRIBE
from tracking.ids import moment_of
from tracking.models import Block, Event, Message
from tracking.tokens import Link

SHOWN: Final = 20
# No further is counted: a link that a scanner follows has hits without end.
MOST_HITS: Final = 1000
SEEN: Final = ("ip", "useragent")

KINDS: Final[dict[str, Any]] = {
    OPEN: _("The pixel of a mail: it is loaded when the mail is opened"),
    CLICK: _("A link of a mail"),
    UNSUBSCRIBE: _("The link to unsubscribe"),
    "": _("A token alone; what it is for can't be told"),
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A tracking URL as its page shows it. `hits` has the newest of `count`; None where they are not shown."""

    kind: str
    verdict: str
    is_good: bool
    anatomy: Anatomy
    account: Account | None = None
    message: Message | None = None
    hits: list[Event] | None = None
    count: int = 0
    is_blocked: bool = False

    @property
    def link(self) -> Link | None:
        """What it stands for, as far as that can be read."""
        return self.anatomy.link

    @property
    def first(self) -> Any:
        """When the first of the hits that were counted happened."""
        return moment_of(self.hits[-1].pk) if self.hits else None

    @property
    def is_capped(self) -> bool:
        """Whether there may be more hits than were counted."""
        return self.count >= MOST_HITS

    @property
    def newest(self) -> list[Found]:
        """The newest hits."""
        return [
            Found(
                when(moment_of(each.pk)), " · ".join(each.data[name] for name in SEEN if name in each.data), _page(each)
            )
            for each in (self.hits or [])[:SHOWN]
        ]


def decode(text: str, user: Any) -> Decoded | None:
    """The tracking URL that this text is; None when it is none, or of no concern to this user.

    Of an account that the user does not see, nothing is told.
    """
    anatomy = take_apart(text, settings.TRACKING_KEYS, time()) if may_see(user, Message) else None
    if anatomy is None:
        return None
    kind, is_good = str(KINDS[anatomy.kind]), anatomy.fault is None
    link = anatomy.link
    if link is None:
        return Decoded(kind, _verdict(anatomy), is_good, anatomy)
    account = _account(link, user)
    if account is None and not sees_all(user):
        words = gettext("It is of an account that you do not see.")
        return Decoded(kind, words, False, Anatomy(anatomy.kind, anatomy.fault))
    message = limit(Message.objects.filter(pk=link.message, account=account), user).first() if account else None
    hits = _hits(anatomy, user)
    return Decoded(
        kind, _verdict(anatomy), is_good, anatomy, account, message, hits, len(hits or ()), _is_blocked(link)
    )


def _account(link: Link, user: Any) -> Account | None:
    if link.account > LARGEST_NUMBER:
        return None
    return limit(Account.objects.filter(pk=link.account), user).first()


def _hits(anatomy: Anatomy, user: Any) -> list[Event] | None:
    """Newest first; None where the URL is not one of ours, or the user may see no events."""
    link = anatomy.link
    if link is None or anatomy.fault not in (None, Fault.RETIRED) or not may_see(user, Event):
        return None
    # In no order: with one and a limit, PostgreSQL might walk through all of the history in that order.
    rows = Event.objects.filter(message_id=link.message, type=anatomy.kind).order_by()
    if link.index:
        rows = rows.filter(Q(data__link=link.index))
    return sorted(limit(rows, user)[:MOST_HITS], key=lambda event: event.pk, reverse=True)


def _is_blocked(link: Link) -> bool:
    """As the database has it; web processes know it within two seconds."""
    return BlockList.of(Block.objects.values_list("kind", "value")).blocks(link)


def _page(event: Event) -> str:
    return reverse("admin:tracking_event_change", args=[event.pk])


def _verdict(anatomy: Anatomy) -> str:
    if anatomy.fault is None:
        return gettext("It is genuine: our signature fits.")
    words = {
        Fault.INCOMPLETE: gettext(
            "It is not complete: characters are missing or were changed. Copy all of it, best from the mail's source."
        ),
        Fault.VERSION: gettext("It is of version %(version)s, which this installation does not know."),
        Fault.KEY: gettext(
            "It was signed with key %(key)s, which is not among TRACKING_KEYS (%(known)s): it is another "
            "installation's, or the key was taken out."
        ),
        Fault.FORGED: gettext(
            "Our signature does not fit: something was changed, or its end is missing. What it says may be wrong."
        ),
        Fault.RETIRED: gettext("It is genuine, but key %(key)s has retired: it leads nowhere any more."),
        Fault.MISPLACED: gettext("It was signed for another purpose (%(meant)s), so it does nothing at this address."),
    }
    known = ", ".join(map(str, settings.TRACKING_KEYS.keys))
    facts = {"version": anatomy.version, "key": anatomy.key, "known": known, "meant": anatomy.meant}
    return words[anatomy.fault] % facts
