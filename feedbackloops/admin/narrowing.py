"""Choosing what a loop's calls carry."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms
from django.db import connection
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from feedbackloops.models import FeedbackLoop
from feedbackloops.models.loops import Part
from feedbackloops.protocol.catalogue import example_of
from feedbackloops.protocol.narrowing import Narrowing

LOOKED_AT: Final = 500
MOST_OFFERED: Final = 200
ANY: Final = "…"
FIELDS_HELP: Final = _(
    "Tick none, and all are sent. Those are offered that the account’s newest profiles and its subprofiles have."
)
FIELDS_LATER: Final = _(
    "Tick none, and all are sent. Once the account is chosen, those are offered that its newest profiles and its "
    "subprofiles have."
)
LEFT_OUT_HELP: Final = _(
    "What the script does not need. It is kept here all the same. With the recipient’s address go the words of mail "
    "servers, which often name it. Mails that came back name it, too: leave them out as well."
)
_NAMES: Final = """
SELECT DISTINCT jsonb_object_keys(held.fields) FROM (
    (SELECT fields FROM profiles_profile WHERE account_id = %(account)s ORDER BY id DESC LIMIT %(most)s)
    UNION ALL
    (SELECT fields FROM profiles_subprofile WHERE account_id = %(account)s LIMIT %(most)s)
) held ORDER BY 1 LIMIT %(offered)s
"""


class FieldNames(forms.MultipleChoiceField):
    """Names of profile fields: those that are offered, and any that was chosen while it was."""

    def __init__(self) -> None:
        widget = UnfoldAdminCheckboxSelectMultipleWidget()
        label = _("Fields of profiles that are sent")
        super().__init__(label=label, required=False, widget=widget, help_text=FIELDS_HELP)

    def offer(self, account: int | None, chosen: Iterable[str]) -> None:
        """Offer what profiles of the account have, and what is chosen already."""
        names = sorted({*(_names(account) if account else ()), *chosen})
        self.choices = [(name, name) for name in names if name]

    def valid_value(self, value: str) -> bool:
        return bool(value) and "\0" not in value


def field_choice(account: int) -> SafeString:
    """The checkboxes of the fields that the account's profiles have, as the form of a new loop has them."""
    field = FieldNames()
    field.offer(account, ())
    shown: SafeString = field.widget.render("only_fields", [], {"id": "id_only_fields"})
    return shown


class PartsField(forms.MultipleChoiceField):
    """What is left out."""

    def __init__(self) -> None:
        widget = UnfoldAdminCheckboxSelectMultipleWidget()
        label = _("Left out of calls")
        super().__init__(choices=Part.choices, label=label, required=False, widget=widget, help_text=LEFT_OUT_HELP)


def left_out_labels(loop: FeedbackLoop) -> list[str]:
    """What the loop leaves out of its calls, for people; empty where that is nothing."""
    labels = [str(part.label) for part in Part if part in loop.left_out]
    if loop.only_fields:
        words = gettext("All fields of the profile but: %(names)s")
        labels.append(words % {"names": ", ".join(sorted(loop.only_fields))})
    return labels


def narrowed_example(type: str, narrowing: Narrowing | None) -> dict[str, Any]:
    """The example of an event as a loop that leaves this out would get it, with the names of the fields that it has."""
    example = example_of(type)
    if narrowing is None:
        return example
    if narrowing.fields and "fields" in example:
        known: Mapping[str, str] = example["fields"]
        example = {**example, "fields": {name: known.get(name, ANY) for name in sorted(narrowing.fields)}}
    return narrowing.narrowed(example)


def _names(account: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, {"account": account, "most": LOOKED_AT, "offered": MOST_OFFERED})
        return [name for (name,) in cursor.fetchall()]
