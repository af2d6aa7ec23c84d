"""What all pages of the dashboard have in common: careful forms, lists that don't count to the end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import CHECKBOX_CLASSES

from access.pages import Limited, is_key
from access.reach import limit
from profiles.keeping import is_needed
from profiles.showing import NOTHING

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _ModelAdmin

    ModelAdmin = _ModelAdmin[Any]
    List = ModelAdmin
    ModelForm = forms.ModelForm[Any]
    AnyPaginator = Paginator[Any]
else:
    from unfold.admin import ModelAdmin

    List = object
    ModelForm, AnyPaginator = forms.ModelForm, Paginator

TICK = '<input type="checkbox" name="{}" value="{}" aria-label="{}" class="{}">'
TICK_CLASSES = " ".join([*CHECKBOX_CLASSES, "action-select"])


class CappedPaginator(AnyPaginator):
    """Counts no further than MOST rows: a list of millions opens as fast as a short one."""

    MOST = 10_000
    template_name = "admin/capped_pagination.html"

    @cached_property
    def count(self) -> int:
        """The number of rows, or MOST where there are more."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MOST].count())

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than the count says, as far as anybody looked."""
        return self.count >= self.MOST


class CarefulBoundField(forms.BoundField):
    """Brings back what the page first showed, however often the form comes back with errors."""

    def as_widget(self, widget: Any = None, attrs: Any = None, only_initial: bool = False) -> SafeString:
        # A choice of none leaves no trace in a form; Django would take what was chosen since for what was shown.
        if only_initial and self.form.is_bound and self.html_initial_name not in self.form.data:
            return SafeString("")
        return super().as_widget(widget, attrs, only_initial)


class CarefulForm(ModelForm):
    """Changes what its reader changed; what others changed since the page was opened stays as they left it."""

    bound_field_class = CarefulBoundField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            # The page brings back what it showed, so that a difference is known from a page that is merely old.
            for field in self.fields.values():
                field.show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            for name in cleaned.keys() - set(self.changed_data):
                if name in self._model_field_names():
                    cleaned[name] = self._current(name)
        return cleaned

    def changed_fields(self) -> set[str]:
        """The fields of the model's own table that have to be written."""
        return set(self.changed_data) & {field.name for field in self.instance._meta.concrete_fields}

    def _model_field_names(self) -> set[str]:
        return {field.name for field in self.instance._meta.get_fields()}

    def _current(self, name: str) -> Any:
        value = getattr(self.instance, name)
        return value.all() if isinstance(self.instance._meta.get_field(name), models.ManyToManyField) else value


class Listing(Limited, List):
    """A model's list: no slower for what there is besides, and rows that are made without a template for each box."""

    paginator = CappedPaginator
    change_list_template = "admin/page_list.html"
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_filter_submit = True
    empty_value_display = NOTHING

    def action_checkbox(self, obj: models.Model) -> SafeString:
        """The box that chooses a row, made without a template: a list has many."""
        return format_html(TICK, ACTION_CHECKBOX_NAME, obj.pk, _("Select record"), TICK_CLASSES)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Raises IncorrectLookupParameters, which leads to the whole list, for what PostgreSQL can't hold or take."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        # Django takes any lookup for a filter; only PostgreSQL knows what a pattern is, and how long it takes.
        if any(name.endswith(("__regex", "__iregex")) for name in request.GET):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Do what was chosen with the rows that were ticked; nothing where that is not what the page had in it."""
        key = self.model._meta.pk
        if all(is_key(key, each) for each in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            return super().response_action(request, queryset, *args, **kwargs)
        words = _("Nothing was done: what was ticked is not in this list. Load it anew, and choose again.")
        self.message_user(request, words, messages.ERROR)
        return None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """What is found by typing; nothing for a text that PostgreSQL can't hold."""
        if "\0" in search_term:
            return queryset.none(), False
        if (term := search_term.strip()) and (found := self.matches(queryset, term)) is not None:
            return found, False
        results: tuple[Any, bool] = super().get_search_results(request, queryset, search_term)
        return results

    def matches(self, queryset: Any, term: str) -> Any:
        """The rows that a term means, or None: those that hold it in one of the page's `search_fields`."""
        return None


class Page(Listing, ModelAdmin):
    """A model's pages: the list, and the form of one object."""

    form = CarefulForm
    warn_unsaved_form = True

    def found(self, request: HttpRequest, object_id: str, right: Literal["view", "change"] = "view") -> Any:
        """The row that a page of our own is about. Raises Http404, and PermissionDenied where the right is missing."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        has_right = self.has_change_permission if right == "change" else self.has_view_permission
        if not has_right(request, row):
            raise PermissionDenied
        return row

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what was changed, and no other column."""
        if not change:
            obj.save()
        elif fields := form.changed_fields():
            obj.save(update_fields=fields)


class UnwrittenPage(Page):
    """The pages of what nobody writes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadPage(UnwrittenPage):
    """The pages of what nobody removes by hand either."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class KeptWhileNeeded(Page):
    """An object that can be deleted one at a time, once nothing depends on it any more."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and super().has_delete_permission(request, obj) and not is_needed(obj)


class LookupFilter(AutocompleteSelectFilter):  # type: ignore[misc]  # unfold carries no types
    """By account, database or loop, found by typing: there may be thousands."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The form of the filter. It writes the name of what is chosen, so it knows only what its reader may see."""
        for choice in super().choices(changelist):
            field = choice["form"].fields[self.lookup_kwarg]
            field.queryset = limit(field.queryset.all(), self.request.user)
            yield choice
