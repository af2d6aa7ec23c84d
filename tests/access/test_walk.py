"""A member of staff who is limited to one account goes everywhere, and finds nothing of another one."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.forms import ModelChoiceField
from django.test import Client
from django.utils.timezone import now

from access.models import Reach
from feedbackloops import doorbell
from feedbackloops.models import LedgerDay, LedgerLine
from tests.access import walking
from tests.access.planted import Planted, plant, remember_acts
from tests.access.walking import Address
from tests.dashboard import Rings
from tracking.models import Block, UnreadMail

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Planted:
    return plant("mq4minezz")


@pytest.fixture
def theirs() -> Planted:
    return plant("xk7theirsvv")


@pytest.fixture
def user(mine: Planted, theirs: Planted) -> User:
    """Somebody with every permission there is, for one account."""
    Group.objects.create(name="Support")
    user = User.objects.create_user("limited", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    Reach.objects.create(user=user).accounts.add(mine.account)
    remember_acts(user, theirs)
    return user


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard


def tells(response: Any, address: Address, planted: Planted) -> bool:
    """Whether the response has anything of the account that was not in the question."""
    asked = f"{address.path} {address.query}"
    page = walking.content(response)
    return planted.marker in page or any(id in page for id in planted.uuids if id not in asked)


def ways(planted: Planted) -> list[Address]:
    """Every way to ask for the rows of this account."""
    terms = [planted.part, f"{planted.marker[:-1]}", *planted.uuids, str(planted.account.pk)]
    asked = [*walking.lists(planted.rows), *walking.searches(terms), *walking.autocompletes(["", planted.part])]
    return [*walking.addresses(planted.rows), *asked]


def test_every_page_with_rows_has_some_of_each_account(mine: Planted, theirs: Planted) -> None:
    assert set(admin.site._registry) - {Group} <= mine.rows.keys()
    for planted in (mine, theirs):
        assert all(planted.rows.values())
        for model, ids in planted.rows.items():
            assert model._base_manager.filter(pk__in=ids).count() == len(ids), model


def test_nothing_of_another_account_is_found_by_asking_for_it(client: Client, theirs: Planted) -> None:
    found = [address for address in ways(theirs) if tells(walking.get(client, address), address, theirs)]
    assert found == []


def test_the_addresses_of_another_accounts_rows_lead_nowhere(client: Client, theirs: Planted) -> None:
    about = [address for address in walking.addresses(theirs.rows) if address.about not in (None, Group)]
    assert len(about) > 50
    shown = [address.path for address in about if walking.get(client, address).status_code == 200]
    assert shown == []


def test_nothing_of_another_account_stands_on_the_pages_of_ones_own(
    client: Client, mine: Planted, theirs: Planted
) -> None:
    found = [address for address in ways(mine) if tells(walking.get(client, address), address, theirs)]
    assert found == []


def test_the_pages_of_ones_own_account_are_all_there(client: Client, mine: Planted) -> None:
    shared = {walking.list_of(model) for model in (Group, Block, UnreadMail)}
    lists = [address for address in walking.lists({}) if address.path not in shared]
    assert [each.path for each in lists if not tells(walking.get(client, each), each, mine)] == []
    about = [address for address in walking.addresses(mine.rows) if address.about not in (Block, UnreadMail)]
    pages = [address for address in about if address.path.endswith("/change/")]
    assert {walking.get(client, address).status_code for address in pages} == {200}
    offered = [walking.get(client, each).json()["results"] for each in walking.autocompletes([mine.part])]
    assert all(offered)


def test_no_action_touches_another_accounts_rows(client: Client, user: User, theirs: Planted) -> None:
    before = theirs.state()
    for model, action in walking.actions(client, user):
        ids = theirs.rows.get(model, [])
        for across in ("0", "1"):
            client.post(walking.list_of(model), walking.chosen(model, action, ids) | {"select_across": across})
        assert theirs.state() == before, (model, action)


def test_no_post_to_an_address_touches_another_accounts_rows(client: Client, theirs: Planted) -> None:
    before = theirs.state()
    presses = ["reveal", "rotate", "end"]
    for address in walking.addresses(theirs.rows):
        if address.about in (None, Group):
            continue
        for press in presses:
            response = client.post(address.path, {"act": press, "post": "yes", "confirmed": "yes", "_save": "1"})
            assert not tells(response, address, theirs), address
        assert theirs.state() == before, address


def test_no_ring_goes_out_for_another_accounts_loops(
    client: Client, user: User, theirs: Planted, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True):
        for model, action in walking.actions(client, user):
            client.post(walking.list_of(model), walking.chosen(model, action, theirs.rows.get(model, [])))
        for address in walking.addresses(theirs.rows):
            if address.about not in (None, Group):
                client.post(address.path)
    assert rings == []


def test_no_form_takes_another_accounts_rows(client: Client, user: User, mine: Planted, theirs: Planted) -> None:
    request = client.get("/admin/").wsgi_request
    request.user = user
    checked = 0
    for model, page in admin.site._registry.items():
        own = model._base_manager.filter(pk__in=mine.rows.get(model, []))
        added = [None] if page.has_add_permission(request) else []
        for obj in [*added, *(each for each in own if page.has_change_permission(request, each))]:
            forms = [page.get_form(request, obj, change=obj is not None)]
            forms += [formset.form for formset, _ in page.get_formsets_with_inlines(request, obj)]
            for name, field in [each for form in forms for each in form.base_fields.items()]:
                if isinstance(field, ModelChoiceField):
                    offered: Any = field.queryset
                    checked += 1
                    assert not offered.filter(pk__in=theirs.rows.get(offered.model, [])).exists(), (page, name)
    assert checked > 3


def test_what_a_form_is_filled_with_does_not_get_into_another_account(client: Client, theirs: Planted) -> None:
    databases = theirs.account.databases.count()
    form = {"name": "Smuggled", "account": theirs.account.pk}
    response = client.post("/admin/profiles/database/add/", form)
    assert theirs.marker not in walking.content(response)
    assert theirs.account.databases.count() == databases


def test_what_holds_for_all_accounts_is_not_for_who_sees_some(client: Client, mine: Planted) -> None:
    before = Block.objects.count()
    form = {"kind": "account", "value": str(mine.account.pk + 1), "reason": "none of your business"}
    assert client.post("/admin/tracking/block/add/", form).status_code == 403
    assert Block.objects.count() == before


def test_the_hits_of_all_accounts_are_shown_to_who_sees_all(client: Client, user: User) -> None:
    LedgerDay.objects.create(day=now().date(), accepted=7654321, lost=0, spooled=0, events=7654321, counted=now())
    page = walking.list_of(LedgerLine)
    assert "7654321" not in walking.content(client.get(page))
    Reach.objects.filter(user=user).update(all_accounts=True)
    assert "7654321" in walking.content(client.get(page))


def test_what_one_did_to_another_accounts_rows_is_not_told_on_the_first_page(
    client: Client, user: User, mine: Planted, theirs: Planted
) -> None:
    remember_acts(user, mine)
    LogEntry.objects.filter(change_message=theirs.marker).update(object_repr=theirs.marker)
    user.user_permissions.set(Permission.objects.exclude(codename__endswith="_feedbackloop"))
    page = client.get("/admin/").content.decode()
    assert "Recent actions" in page
    assert mine.marker in page
    assert theirs.marker not in page
