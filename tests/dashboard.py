"""Using the dashboard as a browser does: forms come back as the page showed them, but for what was typed."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.models import Reach
from profiles.models import Account

HISTORY = re.compile(r'FROM "?(tracking_event|tracking_message|feedbackloops_delivery|feedbackloops_attempt)\b|LATERAL')
SCAN = re.compile(r"Seq Scan on (?:tracking_event|tracking_message|feedbackloops_delivery|feedbackloops_attempt)\w*")


class Rings(list[tuple[str, Any]]):
    """Hears what a process rings for, in the place of its doorbell."""

    def ring(self, task: str, arguments: Iterable[Any]) -> None:
        self.extend((task, argument) for argument in arguments)


class Page(HTMLParser):
    """The controls of the page's main form, by name, with what a browser would send for them."""

    def __init__(self, html: str, form: str) -> None:
        super().__init__(convert_charrefs=True)
        self.values: dict[str, list[str]] = defaultdict(list)
        self._form, self._inside, self._area, self._select = form, False, "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == self._form
        elif self._inside and tag == "input" and given.get("name"):
            self._take_input(given)
        elif self._inside and tag == "textarea":
            self._area = given["name"]
            self.values[self._area].append("")
        elif tag == "select":
            self._select = given.get("name", "")
        elif self._inside and tag == "option" and "selected" in given:
            self.values[self._select].append(given["value"])

    def handle_data(self, data: str) -> None:
        if self._area:
            # HTML drops the line break that follows the tag; Django's templates put one there.
            self.values[self._area][-1] += data.removeprefix("\n") if not self.values[self._area][-1] else data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._inside = False

    def _take_input(self, given: dict[str, str]) -> None:
        if given.get("type") in ("submit", "button"):
            return
        ticked = given.get("type") in ("checkbox", "radio")
        if not ticked or "checked" in given:
            self.values[given["name"]].append(given.get("value", "on" if ticked else ""))


def staff(*rights: str, accounts: Sequence[Account] | None = None) -> Client:
    """A browser that somebody with these permissions is logged in with, such as `feedbackloops.view_feedbackloop`;
    limited to `accounts`, where those are given."""
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    Reach.objects.create(user=user, all_accounts=accounts is None).accounts.set(accounts or [])
    for right in rights:
        app, codename = right.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user)
    return client


def url(model: str, page: str, *args: Any) -> str:
    """The address of a page, such as `url("profiles_account", "change", 1)`."""
    return reverse(f"admin:{model}_{page}", args=args)


def text(response: Any) -> str:
    """The page, which has to have come."""
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def opened(client: Client, model: str, *args: Any) -> dict[str, list[str]]:
    """What the form of a page would send as it stands; without an id, the form for a new object."""
    page = text(client.get(url(model, "change" if args else "add", *args)))
    return dict(Page(page, f"{model.split('_')[1]}_form").values)


def submitted(client: Client, model: str, form: dict[str, list[str]], *args: Any, **typed: Any) -> HttpResponse:
    """Send the form with what was typed into it; staying on the page, so that its messages can be read."""
    address = url(model, "change" if args else "add", *args)
    return client.post(address, form | typed | {"_continue": "1"}, follow=True)  # type: ignore[return-value]


def scans(client: Client, address: str, **query: Any) -> list[str]:
    """The tables of the history that a page reads from end to end although it need not."""
    return [scan for plan in plans(client, address, **query) for scan in SCAN.findall(plan)]


def plans(client: Client, address: str, **query: Any) -> list[str]:
    """How PostgreSQL answers what a page asks of the history.

    Small tables are read from end to end whatever indexes there are; PostgreSQL is told to avoid it where it can.
    """
    with CaptureQueriesContext(connection) as queries:
        text(client.get(address, query))
    about_history = [each["sql"] for each in queries.captured_queries if HISTORY.search(each["sql"])]
    assert about_history, "The page asked nothing of the history."
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        return [_plan(cursor, sql) for sql in about_history]


def _plan(cursor: Any, sql: str) -> str:
    cursor.execute(f"EXPLAIN {sql}")
    return "\n".join(line for (line,) in cursor.fetchall())
