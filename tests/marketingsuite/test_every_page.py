"""What holds for every address of the dashboard, those among them that will be added."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry, LogEntryManager
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.test.client import RequestFactory

from feedbackloops import doorbell
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, TestCall
from tests.access import walking
from tests.access.planted import Planted, plant
from tests.access.walking import Address
from tests.dashboard import Rings, opened, submitted, url

pytestmark = pytest.mark.django_db

# What is changed on each form, to see it in the log.
TYPED = {
    "profiles_account": "name",
    "profiles_database": "name",
    "profiles_profile": "interests",
    "profiles_collection": "name",
    "profiles_subprofile": "fields",
    "feedbackloops_feedbackloop": "name",
    "tracking_block": "reason",
    "api_apitoken": "name",
    "esp_webhook": "name",
    "auth_user": "first_name",
    "auth_group": "name",
}
PRESSES = ["reveal", "rotate", "end"]


@pytest.fixture
def planted() -> Planted:
    Group.objects.create(name="Support")
    found = plant("planted")
    Delivery.objects.filter(pk=found.rows[Delivery][0]).update(state=DeliveryState.GIVEN_UP)
    return found


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard


def every_address(planted: Planted) -> list[Address]:
    return [*walking.addresses(planted.rows), *walking.lists(planted.rows), Address("/admin/no/such/page/")]


def everything() -> dict[str, list[Any]]:
    """All rows of all tables, but for what a visit leaves behind."""
    models = [model for model in apps.get_models() if model._meta.label != "sessions.Session"]
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models}


def entries() -> set[tuple[int | None, str | None]]:
    return set(LogEntry.objects.values_list("content_type", "object_id"))


def entry_of(model: Any, id: Any) -> tuple[int | None, str | None]:
    return ContentType.objects.get_for_model(model).pk, str(id)


def test_strangers_are_sent_to_the_login_from_everywhere(planted: Planted) -> None:
    for address in every_address(planted):
        for method in ("get", "post"):
            response = getattr(Client(), method)(address.path, address.query)
            if address.path == "/admin/login/":
                assert response.status_code == 200
            elif address.path == "/admin/logout/":
                assert response["Location"] == "/admin/"
            else:
                assert response["Location"].startswith("/admin/login/?next=/admin/"), (method, address)


def test_who_is_no_staff_is_sent_to_the_login_from_everywhere(planted: Planted) -> None:
    customer = Client()
    customer.force_login(User.objects.create_user("customer"))
    for address in every_address(planted):
        response = customer.get(address.path, address.query)
        assert planted.marker not in walking.content(response)
        assert response.status_code in (200, 302), address
        assert response.status_code == 302 or address.path == "/admin/login/", address


def test_looking_changes_nothing(admin_client: Client, planted: Planted, rings: Rings) -> None:
    rings.clear()
    before = everything()
    for address in every_address(planted):
        if address.path != "/admin/logout/":
            assert walking.get(admin_client, address).status_code < 500, address
    assert everything() == before
    assert rings == []


def test_no_post_is_taken_without_its_csrf_token(admin_user: User, planted: Planted, rings: Rings) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(admin_user)
    rings.clear()
    before = everything()
    for address in every_address(planted):
        assert careful.post(address.path, {"post": "yes", "act": "rotate", "confirmed": "yes"}).status_code == 403, (
            address
        )
    for model, action in walking.actions(careful, admin_user):
        form = walking.chosen(model, action, planted.rows.get(model, []))
        assert careful.post(walking.list_of(model), form).status_code == 403, (model, action)
    assert everything() == before
    assert rings == []


def test_every_action_that_does_something_is_in_the_log_of_what_it_was_done_to(
    admin_client: Client, admin_user: User, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    done = set()
    Group.objects.create(name="Support")
    for model, action in walking.actions(admin_client, admin_user):
        planted = plant(f"for {model.__name__} {action}")
        ids = planted.rows.get(model, [])
        Delivery.objects.filter(account=planted.account).update(state=DeliveryState.GIVEN_UP)
        rings.clear()
        before = planted.state()
        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(walking.list_of(model), walking.chosen(model, action, ids))
        if rings or planted.state() != before:
            done.add(action)
            assert entries() >= {entry_of(model, id) for id in ids}, (model, action)
    assert done >= {"check_now", "call_test", "pause", "resume", "resend", "try_again", "delete_selected"}


def test_every_button_that_does_something_is_in_the_log_of_what_it_was_done_to(
    admin_client: Client, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    done = set()
    Group.objects.create(name="Support")
    for place, suffix in enumerate(_buttons(plant("first"))):
        planted = plant(f"number {place}")
        Delivery.objects.filter(account=planted.account).update(state=DeliveryState.GIVEN_UP)
        address = _buttons(planted)[suffix]
        for press in PRESSES:
            rings.clear()
            LogEntry.objects.all().delete()
            before = planted.state()
            with django_capture_on_commit_callbacks(execute=True):
                response = admin_client.post(address.path, {"act": press, "confirmed": "yes"})
            if rings or planted.state() != before or (press == "reveal" and "secrets" in (response.context or {})):
                done.add(f"{suffix} {press}")
                id = address.path.split("/")[4]
                assert entry_of(address.about, id) in entries(), (address, press)
    assert len(done) > 6, done


def test_nothing_is_done_that_can_not_be_noted(
    admin_client: Client,
    admin_user: User,
    rings: Rings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    Group.objects.create(name="Support")
    planted = plant("planted")
    Delivery.objects.filter(account=planted.account).update(state=DeliveryState.GIVEN_UP)
    actions = walking.actions(admin_client, admin_user)
    presses = [
        (address.path, {"act": press, "confirmed": "yes"})
        for address in _buttons(planted).values()
        for press in PRESSES
    ]
    presses += [
        (walking.list_of(model), walking.chosen(model, action, planted.rows.get(model, [])))
        for model, action in actions
    ]
    presses.append((url("feedbackloops_delivery", "again", planted.rows[Delivery][0]), {}))

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LogEntryManager, "log_actions", fail)
    admin_client.raise_request_exception = False
    rings.clear()
    before, failed = planted.state(), 0
    for path, form in presses:
        with django_capture_on_commit_callbacks(execute=True):
            failed += admin_client.post(path, form).status_code == 500
        assert (planted.state(), rings) == (before, []), (path, form)
    assert failed > 12


def _buttons(planted: Planted) -> dict[str, Address]:
    """The addresses of rows that are none of Django's own, by what stands behind the id."""
    django = ("change", "delete", "history", "password")
    about = [each for each in walking.addresses(planted.rows) if each.about and "/r/" not in each.path]
    return {
        f"{each.about.__name__} {rest}": each  # type: ignore[union-attr]
        for each in about
        if (rest := _without_call("/".join(each.path.strip("/").split("/")[4:]), planted)) and rest not in django
    }


def _without_call(rest: str, planted: Planted) -> str:
    return next((rest.replace(str(id), "call") for id in planted.rows[TestCall] if str(id) in rest), rest)


def test_what_is_typed_into_any_form_is_in_the_log(admin_client: Client, planted: Planted) -> None:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="admin")
    FeedbackLoop.objects.update(rsa_private_key="", rsa_key_id="", contact="")
    for model, page in admin.site._registry.items():
        obj = model._base_manager.filter(pk__in=planted.rows.get(model, [])).last() or model._base_manager.first()
        assert obj
        if not page.has_change_permission(request, obj):
            continue
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        typed = '{"typed": "yes"}' if TYPED[name] == "fields" else "typed"
        submitted(admin_client, name, opened(admin_client, name, obj.pk), obj.pk, **{TYPED[name]: typed})
        assert LogEntry.objects.filter(object_id=obj.pk, content_type=entry_of(model, obj.pk)[0]).exists(), name


def test_what_is_added_and_deleted_is_in_the_log(admin_client: Client) -> None:
    admin_client.post(url("profiles_account", "add"), {"name": "Short-lived", "ip_addresses": "whole"})
    added = LogEntry.objects.get()
    admin_client.post(url("profiles_account", "delete", added.object_id), {"post": "yes"})
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [1, 3]
