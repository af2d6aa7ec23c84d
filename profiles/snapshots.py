"""A profile as plain data, under the names that the wire contract gives it."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from profiles.sentences import Sentence, gettext_noop


class Action(enum.StrEnum):
    """What was done to a profile or a subprofile; the values are the event types of the wire contract."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """One change of one profile or subprofile: `facts` in the wire's names, as they stand after the change."""

    action: Action
    account: int
    facts: dict[str, Any]


def enrichment(profile: int, database: int, fields: Mapping[str, str], interests: Iterable[str]) -> dict[str, Any]:
    """What every event of this profile's recipient carries."""
    return {"profile": profile, "database": database, "fields": dict(fields), "interests": list(interests)}


def subprofile_facts(
    profile: int, subprofile: int, collection: int, database: int, fields: Mapping[str, str]
) -> dict[str, Any]:
    """What an event of a subprofile tells of it."""
    numbers = {"profile": profile, "subprofile": subprofile, "collection": collection, "database": database}
    return {**numbers, "fields": dict(fields)}


def wire_time(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS`; the moment must be in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The fields that `after` sets to a value of their own; one that is gone counts as set to the empty value."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return changed | {name: "" for name in before if name not in after}


def fields_problem(fields: object) -> Sentence | None:
    """Why these can't be a profile's fields, in a sentence for the person who entered them; None when they can."""
    if not isinstance(fields, dict):
        return Sentence(gettext_noop('Fields are a map from a name to a text, such as {"firstname": "Ann"}.'))
    for name, value in fields.items():
        if not isinstance(name, str) or not isinstance(value, str):
            words = gettext_noop("The field %(name)s holds %(value)s. Names and values are texts: put them in quotes.")
            return Sentence(words, name=f"{name!r:.40}", value=f"{value!r:.40}")
        what = Sentence(gettext_noop("The field %(name)s"), name=repr(name[:40]))
        if problem := text_problem(name, what) or text_problem(value, what):
            return problem
    return None


def interests_problem(interests: object) -> Sentence | None:
    """As fields_problem, for the list of interests."""
    if not isinstance(interests, list | tuple) or not all(isinstance(each, str) for each in interests):
        return Sentence(gettext_noop('Interests are a list of texts, such as ["shoes", "music"].'))
    what = Sentence(gettext_noop("An interest"))
    return next((problem for each in interests if (problem := text_problem(each, what))), None)


def text_problem(text: str, what: str) -> Sentence | None:
    """Why PostgreSQL can't hold this text, which is called `what`: a NUL character, or half of a surrogate pair."""
    if "\0" in text:
        return Sentence(
            gettext_noop("%(what)s holds a NUL character, which no database field can; take it out."), what=what
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        words = gettext_noop("%(what)s holds half of a surrogate pair, which is no character; take it out.")
        return Sentence(words, what=what)
    return None
