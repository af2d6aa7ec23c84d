"""How the pages of the dashboard write times and links. Template tags use it, so it stays clear of unfold."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

NOTHING = "–"
SHOWN_FIELDS = 3
SHOWN_OF_ACCOUNT = 20


def when(moment: datetime | None) -> str:
    """The moment in the viewer's zone, with the zone's name."""
    return date_format(localtime(moment), "j M Y, H:i:s T") if moment else NOTHING


def short_when(moment: datetime | None) -> str:
    """The day and the time in the viewer's zone, where there is little room."""
    return date_format(localtime(moment), "j M, H:i:s") if moment else NOTHING


def badge(text: str, kind: str = "") -> str:
    """A text on a coloured ground; the kinds are success, info, warning and danger."""
    return _badge(str(text), kind)


@lru_cache(maxsize=256)
def _badge(text: str, kind: str) -> str:
    # A list has a hundred of a few words.
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


def fields_shown(fields: Mapping[str, str]) -> str:
    """The first fields of a profile that hold anything, in a line."""
    filled = [(name, value) for name, value in fields.items() if value]
    shown = ", ".join(f"{name}: {Truncator(value).chars(40)}" for name, value in filled[:SHOWN_FIELDS])
    more = len(filled) - SHOWN_FIELDS
    if more <= 0:
        return shown or NOTHING
    words = ngettext("%(fields)s, and %(count)d more", "%(fields)s, and %(count)d more", more)
    return words % {"fields": shown, "count": more}


def link(model: type[models.Model], pk: Any, text: Any) -> str:
    """A link to an object's page."""
    try:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return str(text)
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def related(obj: models.Model, name: str) -> Any:
    """What a foreign key of a history row leads to; None when that is gone, as history outlives what it is about."""
    try:
        return getattr(obj, name)
    except ObjectDoesNotExist:
        return None


def related_link(obj: models.Model, name: str) -> str:
    """A link to what a foreign key leads to, or its number when that is gone."""
    field: Any = obj._meta.get_field(name)
    pk = getattr(obj, field.attname)
    if pk is None:
        return NOTHING
    target = related(obj, name)
    return link(field.related_model, pk, target) if target else gettext("%(number)s (deleted)") % {"number": pk}


def rows_of_account(
    model: type[models.Model], account: models.Model, user: User | AnonymousUser
) -> dict[str, Any] | None:
    """What an account's page shows of this model: `rows`, the newest; ways to `all` and to `add` one, if any.

    None for who may see none of them.
    """
    app, name = model._meta.app_label, model._meta.model_name
    if not any(user.has_perm(f"{app}.{right}_{name}") for right in ("view", "change")):
        return None
    found = list(model._default_manager.filter(account=account)[: SHOWN_OF_ACCOUNT + 1])
    every, add = reverse(f"admin:{app}_{name}_changelist"), reverse(f"admin:{app}_{name}_add")
    return {
        "rows": found[:SHOWN_OF_ACCOUNT],
        "all": f"{every}?account__id__exact={account.pk}" if len(found) > SHOWN_OF_ACCOUNT else "",
        "add": f"{add}?account={account.pk}" if user.has_perm(f"{app}.add_{name}") else "",
    }
