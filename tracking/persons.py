"""Whom an event is about, in a few words: for lists of events, and of what follows from them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from profiles.addresses import address_in
from profiles.models import Database
from profiles.showing import NOTHING, related
from tracking.models import Event


def persons_of(events: Collection[Event]) -> dict[UUID, str]:
    """For each event the recipient of its message; else the address of its profile, or the profile's number.

    It asks no more than what fields hold the addresses, in one query, where messages were fetched before.
    """
    about = {event.pk: _recipient(event) for event in events}
    profiles = {event.pk: event.data for event in events if not about[event.pk] and "profile" in event.data}
    names = _address_fields({facts.get("database") for facts in profiles.values()} - {None})
    for id, facts in profiles.items():
        about[id] = _profile(facts, names.get(facts.get("database"), ""))
    return {id: words or NOTHING for id, words in about.items()}


def _recipient(event: Event) -> str:
    message = related(event, "message") if event.message_id else None
    return message.recipient if message else ""


def _address_fields(databases: set[int]) -> dict[int, str]:
    # Asked where there is none, too: what a page asks does not depend on what it shows.
    return dict(Database.objects.filter(pk__in={0, *databases}).values_list("pk", "email_field"))


def _profile(facts: dict[str, Any], name: str) -> str:
    """A subprofile's fields are not those of its person."""
    address = "" if "subprofile" in facts else address_in(facts.get("fields", {}), name)
    return address or gettext("Profile %(number)s") % {"number": facts["profile"]}
