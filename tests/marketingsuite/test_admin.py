import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.dashboard import opened, staff, submitted, text, url

pytestmark = pytest.mark.django_db


def test_staff_and_groups_have_pages_in_the_dashboards_look(admin_client: Client, admin_user: User) -> None:
    group = Group.objects.create(name="Support")
    for model, id in (("auth_user", admin_user.pk), ("auth_group", group.pk)):
        assert "unfold" in text(admin_client.get(url(model, "changelist")))
        text(admin_client.get(url(model, "change", id)))
    text(admin_client.get(url("auth_user", "add")))


def test_a_member_of_staff_is_made(admin_client: Client) -> None:
    form = opened(admin_client, "auth_user")
    submitted(admin_client, "auth_user", form, username="ann", password1="a-long-one-42", password2="a-long-one-42")
    assert User.objects.get(username="ann").check_password("a-long-one-42")
    assert User.objects.get(username="ann").is_staff


@pytest.mark.parametrize("right", ["view", "change"])
def test_the_dashboard_begins_with_the_loops_for_those_who_may_see_them(right: str) -> None:
    assert "No loops yet" in text(staff(f"feedbackloops.{right}_feedbackloop").get("/admin/"))


def test_the_menu_leads_only_to_what_one_may_see() -> None:
    page = text(staff("tracking.view_event").get("/admin/"))
    assert url("tracking_event", "changelist") in page
    for model in ("feedbackloops_feedbackloop", "profiles_profile", "auth_user"):
        assert url(model, "changelist") not in page


def test_strangers_are_asked_to_log_in() -> None:
    for address in ("/admin/", url("feedbackloops_feedbackloop", "changelist")):
        assert Client().get(address)["Location"].startswith("/admin/login/")
