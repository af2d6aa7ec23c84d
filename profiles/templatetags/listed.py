"""The rows of a list. The theme's own tag makes the list's heads anew for each row, and a template for each box."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django import template
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField, ManyToOneRel, Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from unfold.templatetags.unfold_list import CHECKBOX_CLASSES, LINK_CLASSES, ROW_CLASSES, result_headers
from unfold.utils import display_for_field, display_for_value

TICK = "action_checkbox"
NAME = '<th scope="row" class="{}" data-label="{}">{}</th>'
CELL = '<td class="{}" data-label="{}">{}</td>'

register = template.Library()


class Column(NamedTuple):
    """A column of a list: a field or a method, how its cells look, and whether they lead to the row's page."""

    name: str
    label: str
    cell: str
    classes: str
    is_link: bool = False


@register.inclusion_tag("admin/listed.html")
def listed(cl: Any, may_add: bool) -> dict[str, Any]:
    """The list, whose rows the ChangeList `cl` has found; `may_add`: whether its reader may add a first one."""
    heads = list(result_headers(cl))
    columns = list(_columns(cl, heads))
    return {
        "cl": cl,
        "result_headers": heads,
        "num_sorted_fields": sum(1 for head in heads if head.get("sorted")),
        "rows": [_row(cl, row, columns) for row in cl.result_list],
        "has_add_permission": may_add,
    }


def _columns(cl: Any, heads: list[dict[str, Any]]) -> Iterator[Column]:
    links = cl.list_display_links or [name for name in cl.list_display if name != TICK][:1]
    for name, head in zip(cl.list_display, heads, strict=True):
        if name == TICK:
            yield Column(name, _("Select record"), CELL, " ".join(CHECKBOX_CLASSES))
        else:
            # The first link is what a row is called.
            cell = NAME if name == links[0] else CELL
            yield Column(name, head["text"], cell, " ".join([f"field-{name}", *ROW_CLASSES]), name in links)


def _row(cl: Any, row: Model, columns: list[Column]) -> SafeString:
    return format_html_join("", "{}", ((_cell(cl, row, column),) for column in columns))


def _cell(cl: Any, row: Model, column: Column) -> SafeString:
    shown = _shown(cl, row, column.name)
    if column.is_link:
        shown = format_html('<a href="{}" class="{}">{}</a>', _address(cl, row), " ".join(LINK_CLASSES), shown)
    return format_html(column.cell, column.classes, column.label, shown)


def _shown(cl: Any, row: Model, name: str) -> Any:
    nothing = cl.model_admin.get_empty_value_display()
    try:
        field, method, value = lookup_field(name, row, cl.model_admin)
    except ObjectDoesNotExist:
        return nothing
    if isinstance(field, BooleanField) or getattr(method, "boolean", False):
        return _flag(value, get_language())
    if field is None or field.auto_created:
        return display_for_value(value, nothing)
    if isinstance(field.remote_field, ManyToOneRel):
        related = getattr(row, field.name)
        return nothing if related is None else related
    return display_for_field(value, field, nothing)


@lru_cache(maxsize=256)
def _flag(value: bool | None, language: str | None) -> str:
    """Yes or no as a sign, whose title is in this language: a template that a list has on each row."""
    return str(display_for_value(value, "", boolean=True))


def _address(cl: Any, row: Model) -> str:
    """Where the row's page is, from which one comes back to the list as it is now."""
    address: str = cl.url_for_result(row)
    if not cl.preserved_filters:
        return address
    return str(add_preserved_filters({"preserved_filters": cl.preserved_filters, "opts": cl.opts}, address))
