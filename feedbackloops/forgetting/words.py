"""What was removed of a person, and where something is left, in words for people."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from django.apps import apps
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

COUNTED: Final[Mapping[str, str | Promise]] = {
    "profiles": _("Profiles"),
    "subprofiles": _("Subprofiles"),
    "messages": _("Messages"),
    "events": _("Events"),
    "deliveries": _("Deliveries"),
    "pending": _("of these still to be sent"),
    "attempts": _("Attempts, with what was answered"),
    "snapshots": _("Snapshots"),
    "parked": _("Parked events"),
    "links": _("Notes of which links were opened or clicked"),
    "acts": _("Entries of the log on all these"),
    "unread_mails": _("Unread mails about the person"),
    "test_calls": _("Test calls that name the person"),
    "answers": _("Answers to calls about others, emptied since they name the person"),
    "texts": _("Texts about other things, cleared of the person’s name"),
    "kept_answers": _("Answers that the API has kept, emptied"),
    "spooled": _("Hits waiting in this host’s spool"),
}
ADVICE: Final = _(
    "All was gone through twice. What is left tells of others or is nobody’s, so only people can judge it: look there "
    "for the address, and change what names the person."
)
_SPOOL: Final = "spool/"
# What staff know by other names than those of models and their fields.
_PLACES: Final[Mapping[str, str | Promise]] = {
    "profiles_profile.fields": _("Fields of other profiles"),
    "profiles_profile.address": _("The address of other profiles"),
    "profiles_profile.interests": _("Interests of other profiles"),
    "profiles_subprofile.fields": _("Fields of other profiles’ subprofiles"),
    "tracking_event.data": _("Events of others: what happened"),
    "feedbackloops_snapshot.data": _("Snapshots of others"),
    "tracking_message.recipient": _("Messages of other profiles, to the same address"),
    "tracking_unreadmail.raw": _("Unread mails that can’t be told to be of this account"),
    "tracking_unreadmail.sender": _("Unread mails that can’t be told to be of this account: the sender"),
    "feedbackloops_parkedevent.error": _("Errors of parked events that are nobody’s"),
    "django_admin_log.change_message": _("Entries of the log that can’t be told to be of this account"),
    "django_admin_log.object_repr": _("Entries of the log that can’t be told to be of this account: the title"),
}


def counted(kind: str) -> str:
    """What was counted, such as "Messages"."""
    return str(COUNTED.get(kind, kind.replace("_", " ")))


def place(name: str) -> str:
    """Where something is left (a table's column, or a file of the spool), as staff know it."""
    if name.startswith(_SPOOL):
        return gettext("This host’s spool, in the file %(file)s") % {"file": name.removeprefix(_SPOOL)}
    if name in _PLACES:
        return str(_PLACES[name])
    table, _dot, column = name.partition(".")
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table == table:
            field = next((each for each in model._meta.concrete_fields if each.column == column), None)
            return f"{capfirst(model._meta.verbose_name_plural)}: {field.verbose_name if field else column}"
    return name


def places(left: Mapping[str, int]) -> dict[str, int]:
    """Where something is left, with how many rows, for people who know nothing of tables."""
    told: Counter[str] = Counter()
    for name, number in left.items():
        said = place(name)
        told[gettext("Elsewhere in the database") if said == name else said] += number
    return dict(told)
