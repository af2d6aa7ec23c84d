"""Registering messages in sets: however many, each account's profiles are looked up once and all are stored at once."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from profiles.addresses import normal_address
from profiles.finding import profiles_at
from profiles.models import Account, Profile
from profiles.saying import said
from profiles.sentences import Sentence, gettext_noop
from profiles.snapshots import text_problem
from tracking.mailids import normal_message_id
from tracking.models import SUBJECT_SHOWN, Message, Source
from tracking.refusing import follow_messages

T = TypeVar("T")

# Looser than RFC 5322, which few mail servers keep to: the customer's own mail was sent there already.
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail to one recipient, to be registered.

    Without a profile, the one with the recipient's address is meant, in `database` (its number) or any of the account.
    `tracked` says whether its HTML is to have our pixel and our links; an account that tracks no mail and a profile
    that is not to be tracked have the last word. `message_id` is the header's; where that is empty, one is made up
    under `message_domain`, if there is one.
    """

    account: Account
    recipient: str
    tags: Iterable[str] = ()
    profile: Profile | None = None
    database: int | None = None
    tracked: bool = True
    subject: str = ""
    message_id: str = ""
    message_domain: str = ""
    source: str = Source.PROGRAM


def register_all(drafts: Sequence[Draft]) -> list[Message]:
    """Register the mails; their messages, in the same order.

    All or none: raises ValidationError, naming the recipient, for one that can't be registered, and django.db.Error
    when the database is away.
    """
    messages = [_checked(draft) for draft in drafts]
    _find_profiles(drafts, messages)
    _ask_consent(messages)
    registered = Message.objects.bulk_create(messages, batch_size=BATCH)
    if tracked := [message.pk for message in registered if message.tracked and message.profile_id]:
        # A profile may have changed its mind since it was asked.
        transaction.on_commit(partial(follow_messages, tracked), robust=True)
    return registered


def is_address(text: str) -> bool:
    """Whether a mail can have gone there."""
    return bool(_ADDRESS.fullmatch(text)) and text.isprintable()


def _checked(draft: Draft) -> Message:
    message = Message(
        account=draft.account,
        recipient=draft.recipient,
        profile=draft.profile,
        tags=_listed(draft.tags),
        tracked=draft.tracked and draft.account.tracks_mail,
        subject=_UNPRINTABLE.sub("", draft.subject)[:SUBJECT_SHOWN],
        internet_message_id=normal_message_id(draft.message_id),
        source=draft.source,
    )
    if draft.message_domain and not message.internet_message_id:
        message.internet_message_id = f"{message.pk.hex}@{draft.message_domain}"
    _check(message)
    return message


def _find_profiles(drafts: Sequence[Draft], messages: Sequence[Message]) -> None:
    wanted: dict[tuple[int, int | None], list[Message]] = defaultdict(list)
    for draft, message in zip(drafts, messages, strict=True):
        if draft.profile is None:
            wanted[message.account_id, draft.database].append(message)
    for (account, database), nameless in wanted.items():
        found = profiles_at(account, {message.recipient for message in nameless}, database)
        for message in nameless:
            message.profile_id = found.get(normal_address(message.recipient))


def _ask_consent(messages: Sequence[Message]) -> None:
    profiles = {message.profile_id for message in messages if message.tracked and message.profile_id}
    refusing = set(Profile.objects.filter(pk__in=profiles, tracked=False).values_list("pk", flat=True))
    for message in messages:
        message.tracked = message.tracked and message.profile_id not in refusing


def _listed(tags: Iterable[str]) -> list[str]:
    listed = list(tags)
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in listed):
        raise ValidationError(_('Tags are a list of texts, such as ["spring", "shoes"].'))
    for tag in listed:
        if problem := text_problem(tag, Sentence(gettext_noop("The tag %(tag)s"), tag=repr(tag[:40]))):
            raise ValidationError(said(problem))
    return listed


def _check(message: Message) -> None:
    if message.profile is not None and message.profile.account_id != message.account_id:
        raise ValidationError(_("The profile belongs to another account than the message."))
    if not is_address(message.recipient):
        told = {"address": message.recipient[:320]}
        raise ValidationError(_("%(address)r is not an e-mail address."), params=told)
    # The profile was checked, and its being there is the database's to say.
    message.clean_fields(exclude=["profile", "account"])
