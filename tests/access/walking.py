"""Every address of the dashboard, found by what is registered: a page that is added is walked through as well."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from feedbackloops.acts import ACTS
from feedbackloops.models import TestCall
from profiles.pages import LookupFilter
from tests.dashboard import url

SESSION_PAGES = {"login", "logout"}
# What stands for an argument of an address besides the ids of rows. A page with a new one has to be named here.
ARGUMENTS: dict[str, list[Any]] = {
    "act": list(ACTS),
    "part": ["health", "verification"],
    "app_label": ["feedbackloops", "profiles", "tracking", "api", "auth"],
}
Rows = Mapping[type[models.Model], list[Any]]


@dataclass(frozen=True, slots=True)
class Address:
    """A page, with the query that belongs to it; `about` is the model whose row it is about, if it is."""

    path: str
    about: type[models.Model] | None = None
    query: dict[str, Any] = field(default_factory=dict)


def addresses(rows: Rows) -> list[Address]:
    """All addresses of the dashboard; those about one row for each of these rows."""
    return [address for pattern, model in _patterns() for address in _of(pattern, model, rows)]


def lists(rows: Rows) -> list[Address]:
    """The lists, with every filter set to each of these rows."""
    found = [Address(_list(model)) for model in admin.site._registry]
    for model, page in admin.site._registry.items():
        for name in _looked_up(page):
            target = _field(model, name).related_model
            found += [Address(_list(model), None, {f"{name}__id__exact": id}) for id in rows.get(target, [])]
        found += [Address(_list(model), None, {"id__exact": id}) for id in rows.get(model, [])]
    return found


def searches(terms: list[str]) -> list[Address]:
    """The lists, and the search of the whole dashboard, with each of these terms."""
    found = [Address(_list(model), None, {"q": term}) for model in admin.site._registry for term in terms]
    return [*found, *(Address(reverse("admin:search"), None, {"q": term}) for term in terms)]


def autocompletes(terms: list[str]) -> list[Address]:
    """What any field or filter finds while these terms are typed into it."""
    found = []
    for model, page in admin.site._registry.items():
        names = {(model, name) for name in [*_looked_up(page), *page.autocomplete_fields]}
        names |= {(inline.model, name) for inline in page.inlines for name in inline.autocomplete_fields}
        for owner, name in names:
            source = {"app_label": owner._meta.app_label, "model_name": owner._meta.model_name, "field_name": name}
            found += [Address(reverse("admin:autocomplete"), None, source | {"term": term}) for term in terms]
    return found


def actions(client: Client, user: Any) -> list[tuple[type[models.Model], str]]:
    """The actions of every list that this user is offered."""
    request = client.get("/admin/").wsgi_request
    request.user = user
    return [(model, name) for model, page in admin.site._registry.items() for name in page.get_actions(request)]


def chosen(model: type[models.Model], action: str, ids: list[Any]) -> dict[str, Any]:
    """The form of a list with these rows ticked; confirmed, where that is asked for."""
    return {"action": action, "_selected_action": [str(id) for id in ids], "post": "yes", "confirmed": "yes"}


def content(response: Any) -> str:
    """What the browser gets: the page, where it is sent to, and what the next page is to tell."""
    return f"{response.content.decode('utf-8', 'replace')} {response.headers} {response.cookies}"


def get(client: Client, address: Address) -> Any:
    # What is told on the next page is told in answer to this one.
    client.cookies.pop("messages", None)
    return client.get(address.path, address.query)


def list_of(model: type[models.Model]) -> str:
    """The address of the model's list."""
    return _list(model)


def _patterns() -> Iterator[tuple[URLPattern, type[models.Model] | None]]:
    for each in admin.site.get_urls():
        patterns: list[Any] = each.url_patterns if isinstance(each, URLResolver) else [each]
        yield from ((pattern, _model_of(pattern)) for pattern in patterns if pattern.name)


def _model_of(pattern: URLPattern) -> type[models.Model] | None:
    name = str(pattern.name)
    fitting = (
        model for model in admin.site._registry if name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_")
    )
    return next(fitting, None)


def _of(pattern: URLPattern, model: type[models.Model] | None, rows: Rows) -> Iterator[Address]:
    if pattern.name == "view_on_site":
        for each, ids in rows.items():
            kind = ContentType.objects.get_for_model(each).pk
            yield from (Address(reverse("admin:view_on_site", args=[kind, id]), each) for id in ids)
        return
    names = list(pattern.pattern.converters or pattern.pattern.regex.groupindex)
    values = [_values(name, model, rows) for name in names]
    about = model if {"object_id", "id"} & set(names) else None
    for arguments in product(*values):
        yield Address(reverse(f"admin:{pattern.name}", kwargs=dict(zip(names, arguments, strict=True))), about)


def _values(name: str, model: type[models.Model] | None, rows: Rows) -> list[Any]:
    if name in ("object_id", "id"):
        assert model, "An address about a row has the name of its model."
        return [Group.objects.get().pk] if model is Group else rows[model]
    return rows[TestCall] if name == "call" else ARGUMENTS[name]


def _looked_up(page: Any) -> list[str]:
    return [each[0] for each in page.list_filter if isinstance(each, tuple) and each[1] is LookupFilter]


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def _list(model: type[models.Model]) -> str:
    return url(f"{model._meta.app_label}_{model._meta.model_name}", "changelist")
