"""What the templates of charts need: numbers as SVG wants them, and columns in words."""

from collections.abc import Sequence

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from feedbackloops.charts import STEP, Cell, Column, Series

register = template.Library()


@register.filter
def plain(number: float) -> str:
    """A number with a point, whatever the viewer's language writes."""
    return f"{number:g}"


@register.filter
def times_ten(number: int) -> str:
    """The width of so many cells."""
    return plain(STEP * number)


@register.filter
def localize_number(number: int) -> str:
    """A number with its thousands apart."""
    return number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def told(column: Column, series: Sequence[Series]) -> str:
    """A column in words, such as "14:00: Delivered 120, Failed 3"."""
    numbers = zip(series, column.numbers, strict=True)
    return f"{column.label}: {', '.join(f'{each.label} {localize_number(number)}' for each, number in numbers)}"


@register.filter
def hour_told(cell: Cell) -> str:
    """A cell of a health strip in words."""
    if cell.kind == "none":
        return _("%(hour)s: no calls") % {"hour": cell.label}
    numbers = {"hour": cell.label, "good": localize_number(cell.good), "bad": localize_number(cell.bad)}
    return _("%(hour)s: %(good)s delivered, %(bad)s failed") % numbers
