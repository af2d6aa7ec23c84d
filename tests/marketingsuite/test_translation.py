"""Every text of the dashboard can be translated: no screen has one that is not marked."""

import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import models
from django.test import Client
from django.utils.timezone import now

from api.scopes import Scope
from esp.providers import PROVIDERS
from feedbackloops import doorbell
from feedbackloops.models import FeedbackLoop
from feedbackloops.protocol import payload
from feedbackloops.protocol.catalogue import ALWAYS
from marketingsuite.demo.day.cast import UNVERIFIED, Cast, gather
from marketingsuite.demo.day.filling import fill
from screens.pages import screens
from tests.access import walking
from tests.access.planted import plant
from tests.dashboard import Rings
from tests.factories import make_test_call
from tests.marketingsuite.pseudo import any_of, pseudo_language, unmarked

pytestmark = pytest.mark.django_db

PLANTED = "Quxified"
# Names, and codes as they are written in every language.
NAMES = {"Marketing Suite", *(each.label for each in PROVIDERS.values())}
# Where the consoles of providers have what, in their own words.
MENUS = {text for each in PROVIDERS.values() for text in (each.menu, each.tells, each.sees) if text}
CODES = {"Message-ID", "User-Agent", "Accept-Language", "JSON", "ID", "URL", *Scope.values}
# What Django makes of a relation, before any language is chosen.
DJANGOS = {"Reach-account relationships", "Reach-account relationship", "Reach_accounts object"}
# Fields of the wire contract, which stand alone where they do.
FIELDS = {*ALWAYS, *(name for names in payload.NAMES.values() for name in names)}
PRESSES = ["reveal", "rotate", "end", "begin", "codes", "off"]
# Ids, digests and times.
NOISE = (
    r"account-\d+|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|v1,\S{40,}|\b[0-9a-f]{16,}\b|sha-256=\S+"
    r"|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|\d{4}, [\d:]{8} UTC"
)


def texts_in(value: Any) -> Iterator[str]:
    """The texts of a column, those in JSON and arrays as well; line by line, and header by header."""
    if isinstance(value, str):
        yield value
        for line in value.splitlines():
            yield from (line, *line.split(": ", 1), *re.findall(r"\((.+)\)", line))
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)


def data() -> set[str]:
    """All that the rows hold, but for what the code has words for."""
    found: set[str] = set()
    for model in apps.get_models():
        if model._meta.label not in ("auth.Permission", "contenttypes.ContentType"):
            fields = [field for field in model._meta.concrete_fields if not field.choices]
            names = [field.name for field in fields if not isinstance(field, models.BinaryField)]
            for row in model._base_manager.values_list(*names):
                found.update(text for value in row for text in texts_in(value))
    return found


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard


@pytest.fixture
def cast() -> Cast:
    """The demo's day."""
    cast = gather("http://localhost:9")
    for name, loop in cast.loops.items():
        if name != UNVERIFIED:
            FeedbackLoop.objects.filter(pk=loop.pk).update(verified_place=loop.place, verified=now())
    fill(cast, now(), Random(7), mails=40)
    FeedbackLoop.objects.update(status="active")
    make_test_call(FeedbackLoop.objects.exclude(verified_place="")[0])
    return cast


def outside(response: Any, known: re.Pattern[str]) -> list[str]:
    """The words of the page that are neither marked nor known."""
    if "html" not in response.get("Content-Type", ""):
        return []
    return [text for text in unmarked(response.content.decode(), known) if text not in FIELDS]


def pages(rows: walking.Rows) -> list[walking.Address]:
    """Every address of the dashboard, and every filter."""
    found = [*walking.addresses(rows), *walking.lists(rows)]
    return [address for address in found if address.path != "/admin/logout/"]


def test_every_text_of_every_screen_is_marked_for_translation(admin_client: Client, cast: Cast) -> None:
    Group.objects.create(name=PLANTED)
    rows = plant(PLANTED).rows
    visits: list[tuple[str, dict[str, Any]]] = [(path, {}) for path in screens(cast.account).values()]
    visits += [(page.path, page.query) for page in pages(rows)]
    known = any_of({*data(), *NAMES, *MENUS, *CODES, *DJANGOS}, NOISE)
    found: dict[str, str] = {}
    with pseudo_language():
        for path, query in visits:
            found |= dict.fromkeys(outside(admin_client.get(path, query), known), path)
        found |= dict.fromkeys(outside(Client().get("/admin/login/"), known), "login")
    assert not found, told(found)


def test_what_pages_answer_to_forms_and_buttons_is_marked_for_translation(
    admin_client: Client, admin_user: User, rings: Rings
) -> None:
    Group.objects.create(name=PLANTED)
    rows = {model: ids[:1] for model, ids in plant(PLANTED).rows.items()}
    paths = {page.path for page in walking.addresses(rows)} - {"/admin/logout/"}
    forms: list[tuple[str, dict[str, Any]]] = [(path, {}) for path in sorted(paths) if "/delete/" not in path]
    forms += [(path, {"act": act}) for path in paths if path.endswith(("/secret/", "-factor/")) for act in PRESSES]
    forms += [
        (walking.list_of(model), walking.chosen(model, action, rows.get(model, [])))
        for model, action in walking.actions(admin_client, admin_user)
        if action != "delete_selected"
    ]
    known = any_of({*data(), *NAMES, *MENUS, *CODES, *DJANGOS}, NOISE)
    found: dict[str, str] = {}
    with pseudo_language():
        for path, form in forms:
            answer = admin_client.post(path, form, follow=True)
            found |= dict.fromkeys(outside(answer, known), f"{path} {form}")
    assert not found, told(found)


def told(found: dict[str, str]) -> str:
    return "\n".join(f"{path}: {text}" for text, path in found.items())
