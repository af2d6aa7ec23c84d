"""What the templates of charts need: numbers as SVG wants them, and columns in words."""

from collections.abc import Sequence

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from feedbackloops.charts import STEP, Cell, Column, Series

register = template.Library()

CELL = '<rect class="strip-{}" x="{}" width="8.5" height="10"><title>{}</title></rect>'
STRIP = '<svg class="strip" role="img" aria-label="{}" viewBox="0 0 {} 10" preserveAspectRatio="none">{}</svg>'


@register.filter
def plain(number: float) -> str:
    """A number with a point, whatever the viewer's language writes."""
    return f"{number:g}"


@register.filter
def localize_number(number: int) -> str:
    """A number with its thousands apart."""
    return number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def told(column: Column, series: Sequence[Series]) -> str:
    """A column in words, such as "14:00: Delivered 120, Failed 3"."""
    numbers = zip(series, column.numbers, strict=True)
    return f"{column.label}: {', '.join(f'{each.label} {localize_number(number)}' for each, number in numbers)}"


@register.simple_tag
def strip(cells: Sequence[Cell], words: str) -> SafeString:
    """The hours of a loop in colours, and what they come to in words."""
    # Without a template: a list has hundreds of cells.
    drawn = format_html_join("", CELL, ((cell.kind, plain(cell.x), _hour_told(cell)) for cell in cells))
    return format_html(STRIP, words, plain(STEP * len(cells)), drawn)


def _hour_told(cell: Cell) -> str:
    if cell.kind == "none":
        return _("%(hour)s: no calls") % {"hour": cell.label}
    numbers = {"hour": cell.label, "good": localize_number(cell.good), "bad": localize_number(cell.bad)}
    return _("%(hour)s: %(good)s delivered, %(bad)s failed") % numbers
